// Ops and questions for a cell that hosts an algorithm of one's own.
import { readFileSync } from 'node:fs';
import type { ReadLevel } from '@fatty/client';
import { fromHex } from '@fatty/codec';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf, show } from '../terminal/output.ts';
import { type CellFlags, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';
import { bytesOfJson, shownBytes } from './item.ts';

interface OpFlags extends CellFlags {
  readonly json?: string;
  readonly file?: string;
}

const LEVELS: readonly ReadLevel[] = ['delivered', 'committed', 'linearizable'];

/** What is said: hex digits, `--json`, `--file`; for questions nothing as well. */
function saidBytes(hex: string | undefined, { json, file }: OpFlags): Uint8Array {
  if (json !== undefined) return bytesOfJson(json);
  if (file !== undefined) return fileBytes(file);
  const bytes = fromHex(hex ?? '');
  if (bytes !== undefined) return bytes;
  throw new ExitError(EXIT.usage, `expected bytes in hex, --json or --file, got ${hex}`);
}

function fileBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ExitError(EXIT.usage, `--file: ${(error as Error).message}`);
  }
}

async function submit(hex: string | undefined, flags: OpFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  if (hex === undefined && flags.json === undefined && flags.file === undefined) {
    throw new ExitError(EXIT.usage, 'expected an op: HEX, --json or --file');
  }
  const op = saidBytes(hex, flags);
  const { answer, at } = await withClient(flags, io, (client) => client.submitBytes(op));
  show(io, format, { commit: at.commit, ...shownBytes(answer) });
  return EXIT.done;
}

async function query(
  hex: string | undefined,
  flags: OpFlags & { readonly level?: string },
  io: Io,
): Promise<number> {
  const format = formatOf(flags.output);
  const level = LEVELS.find((one) => one === flags.level);
  if (flags.level !== undefined && level === undefined) {
    throw new ExitError(EXIT.usage, `--level: expected ${LEVELS.join(', ')}, got ${flags.level}`);
  }
  const question = saidBytes(hex, flags);
  const options = level === undefined ? {} : { level };
  const found = await withClient(flags, io, (client) => client.query(question, options));
  const { value, commit, replicas } = found;
  show(io, format, { commit, ...shownBytes(value), replicas });
  return EXIT.done;
}

/** op submit, op query. */
export const registerOp: Register = ({ cli, io, run }) => {
  withCell(
    cli.command(
      'op <what> [hex]',
      'A cell that hosts your own algorithm: "op submit" an op, "op query" its state',
    ),
  )
    .option(
      '--json <value>',
      'a number, text, {"hex": "…"} or an array of these, as canonical bytes',
    )
    .option('--file <file>', 'the bytes of a file')
    .option('--level <level>', `query: ${LEVELS.join(', ')}`)
    .action(
      run((what: string, hex: string | undefined, flags: OpFlags & { level?: string }) => {
        if (what === 'submit') return submit(hex, flags, io);
        if (what === 'query') return query(hex, flags, io);
        throw new ExitError(EXIT.usage, `op: expected submit or query, got ${what}`);
      }),
    );
};
