// One read that is believed at its level.
import type { Answer, Query } from '@fatty/api';
import { failureError, resultError } from './answers.ts';
import { subjectOf } from './arguments.ts';
import type { CallOptions, Driver } from './driver.ts';
import { clientError } from './error.ts';
import { viewOf } from './file-reads.ts';
import type { Found, ReadLevel } from './options.ts';

/** Whose word is wanted: that of f + 1 at this level, or of one replica. */
interface Wanted {
  readonly level: ReadLevel;
  readonly replica: number | undefined;
}

/** Asks, and answers what was found. @throws FattyError with the answer's code */
export async function readOne<K extends Answer['kind']>(
  driver: Pick<Driver, 'call'>,
  query: Query,
  kind: K,
  { level, replica }: Wanted,
  options: CallOptions,
): Promise<Found<Extract<Answer, { kind: K }>>> {
  const view = viewOf(level, replica);
  const { outcome } = driver.call({ kind: 'read', query, view, replica }, options);
  const path = subjectOf([query]);
  const found = await outcome;
  if (found.kind === 'failed') throw failureError(found, { path, signal: options.signal });
  if (found.kind !== 'answer') throw clientError('bad_answer', 'an answer', found.kind, { path });
  const { answer, commit, replicas } = found;
  if (answer.kind === 'error') throw resultError(answer, path);
  if (answer.kind !== kind) throw clientError('bad_answer', kind, answer.kind, { path });
  return { value: answer as Extract<Answer, { kind: K }>, level, commit, replicas };
}
