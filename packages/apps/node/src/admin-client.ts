// Asks the door of a replica in a folder of this machine.
import { request } from 'node:http';
import { fail, ok } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';
import { adminPath } from './admin.ts';
import type { ShownChange } from './members-shown.ts';

/** What an operator asks of a replica of its own. */
export type AdminQuestion =
  | { readonly kind: 'members' }
  | { readonly kind: 'move'; readonly change: ShownChange };

/** ms. */
const ANSWER_MS_MAX = 10_000;

/** The answer of the replica that runs in `dir`. Codes: `not_running`, those of the replica. */
export function askAdmin<T>(dir: string, question: AdminQuestion): Promise<Outcome<T>> {
  const isMove = question.kind === 'move';
  return new Promise((resolve) => {
    const gone = (error: Error): void =>
      resolve(fail('not_running', `a replica at work in ${dir}`, error.message));
    const asked = request(
      {
        socketPath: adminPath(dir),
        method: isMove ? 'POST' : 'GET',
        path: isMove ? '/move' : '/members',
        timeout: ANSWER_MS_MAX,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('error', gone);
        response.on('end', () => resolve(outcomeOf<T>(response.statusCode ?? 0, text)));
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', gone);
    asked.end(isMove ? JSON.stringify(question.change) : undefined);
  });
}

function outcomeOf<T>(status: number, text: string): Outcome<T> {
  try {
    const value: unknown = JSON.parse(text);
    return status === 200 ? ok(value as T) : { ok: false, failure: value as Failure };
  } catch {
    return fail('not_running', 'an answer of a replica', text.slice(0, 100));
  }
}
