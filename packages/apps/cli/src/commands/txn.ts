// `fatty txn`: a transaction that is written as JSON.
import { readFileSync } from 'node:fs';
import type { Client, TxnSpec } from '@fatty/client';
import { fromHex, fromUtf8 } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, json, show } from '../terminal/output.ts';
import { type CellFlags, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';

type Item = Readonly<Record<string, unknown>>;

/** Fields whose value is a position, as `COMMIT.INDEX` or a token. */
const POSITIONS: ReadonlySet<string> = new Set(['generation', 'held', 'lock']);

const usage = (at: string, expected: string, actual: unknown): ExitError =>
  new ExitError(EXIT.usage, `${at}: expected ${expected}, got ${JSON.stringify(actual)}`);

function positionOf(at: string, value: unknown): Position {
  const text = typeof value === 'string' ? value : '';
  const [, commit, index] = /^0*(\d{1,16})\.0*(\d{1,10})$/.exec(text) ?? [];
  if (commit === undefined || index === undefined) throw usage(at, '"COMMIT.INDEX"', value);
  return { commit: Number(commit), index: Number(index) };
}

function contentOf(at: string, value: unknown): Uint8Array | string {
  if (typeof value === 'string') return value;
  const { hex } = (typeof value === 'object' && value !== null ? value : {}) as { hex?: unknown };
  const bytes = typeof hex === 'string' ? fromHex(hex) : undefined;
  if (bytes === undefined) throw usage(at, 'a text or {"hex": "…"}', value);
  return bytes;
}

function itemOf(at: string, item: unknown): Item {
  if (typeof item !== 'object' || item === null) throw usage(at, 'an object', item);
  return Object.fromEntries(
    Object.entries(item).map(([name, value]): [string, unknown] => {
      if (POSITIONS.has(name)) return [name, positionOf(`${at}.${name}`, value)];
      return [name, name === 'content' ? contentOf(`${at}.content`, value) : value];
    }),
  );
}

function itemsOf(name: string, items: unknown): readonly Item[] {
  if (items === undefined) return [];
  if (!Array.isArray(items)) throw usage(name, 'an array', items);
  return items.map((item, i) => itemOf(`${name}[${i}]`, item));
}

/** What the text says; its fields are looked at by the SDK. @throws ExitError, exit code 2 */
export function txnOf(text: string | undefined): TxnSpec {
  let read: unknown;
  try {
    read = JSON.parse(text ?? '');
  } catch (error) {
    throw new ExitError(EXIT.usage, `txn: no JSON: ${(error as Error).message}`);
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) {
    throw usage('txn', 'an object with compares, success and failure', read);
  }
  const { compares, success, failure, ...more } = read as Item;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw usage('txn', 'compares, success and failure', unknown);
  const spec = {
    compares: itemsOf('compares', compares),
    success: itemsOf('success', success),
    failure: itemsOf('failure', failure),
  };
  return spec as unknown as TxnSpec;
}

/** Exit 0 when all conditions held, 1 when one did not; either way the branch is done. */
export async function transact(
  client: Pick<Client, 'txn'>,
  spec: TxnSpec,
  flags: CellFlags,
  io: Io,
): Promise<number> {
  const { succeeded, position, steps } = await client.txn(spec);
  if (formatOf(flags.output) === 'json') io.out(`${json({ succeeded, position, steps })}\n`);
  else {
    show(io, 'table', { succeeded, position });
    if (steps.length > 0)
      show(
        io,
        'table',
        steps.map((step) => ({ ...step })),
      );
  }
  return succeeded ? EXIT.done : EXIT.refused;
}

async function textOf(file: string | undefined, io: Io): Promise<string | undefined> {
  if (file === undefined || file === '-') return fromUtf8(await io.readInput());
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ExitError(EXIT.usage, `txn: ${(error as Error).message}`);
  }
}

/** txn. */
export const registerTxn: Register = ({ cli, io, run }) => {
  withCell(
    cli.command(
      'txn [file]',
      'Compare several paths, then do one branch of ops whole: JSON from a file or standard input',
    ),
  ).action(
    run(async (file: string | undefined, flags: CellFlags) => {
      formatOf(flags.output);
      const spec = txnOf(await textOf(file, io));
      return withClient(flags, io, (client) => transact(client, spec, flags, io));
    }),
  );
};
