// What commands print: tables, fields, JSON.
import { showPosition } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { EXIT, ExitError, type Io } from './io.ts';

/** How a command prints. */
export type Format = 'table' | 'json';

/** One row, by column name. */
export type Row = Readonly<Record<string, unknown>>;

/** The format of `-o`; default table. @throws ExitError, exit code 2, for any other word */
export function formatOf(value: unknown): Format {
  if (value === undefined || value === 'table') return 'table';
  if (value === 'json') return 'json';
  throw new ExitError(EXIT.usage, `-o: expected table or json, got ${JSON.stringify(value)}`);
}

/** Keys and hashes as hex, positions as `commit.index`, big integers as decimal text. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if (isPosition(value)) return showPosition(value);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

function isPosition(value: object): value is Position {
  const keys = Object.keys(value);
  return keys.length === 2 && 'commit' in value && 'index' in value;
}

/** What steers a terminal, or turns the direction of its text; also a half of a surrogate pair. */
const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text that others chose, on one line that says what is in it: control characters as `\u001b`. */
export function printable(text: string): string {
  return text.replace(STEERING, (char) => {
    const units = Array.from({ length: char.length }, (_, i) => char.charCodeAt(i));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
  });
}

/** JSON whose strings are {@link printable}; it reads back as the same. On one line, unless it is indented. */
export function json(value: unknown, indent?: number): string {
  const lines = JSON.stringify(plain(value), null, indent).split('\n');
  return lines.map(printable).join('\n');
}

function cell(value: unknown): string {
  const shown = plain(value);
  if (shown === undefined || shown === null) return '-';
  return printable(typeof shown === 'string' ? shown : JSON.stringify(shown));
}

/**
 * Columns padded with two spaces between; a header in capitals. By hand: a few lines, without the
 * borders and colours of a library, and every text is printable first.
 */
export function table(rows: readonly Row[]): string {
  const [first] = rows;
  if (first === undefined) return '';
  const names = Object.keys(first);
  const lines = [
    names.map((name) => name.toUpperCase()),
    ...rows.map((row) => names.map((name) => cell(row[name]))),
  ];
  const widths = names.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n');
}

/** `name  value` lines. */
export function fields(row: Row): string {
  const width = Math.max(...Object.keys(row).map((name) => name.length));
  return Object.entries(row)
    .map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}\n`)
    .join('');
}

/** Prints one row or several, in the format that was asked for. JSON: a line each, none for no rows. */
export function show(io: Io, format: Format, value: Row | readonly Row[]): void {
  if (format === 'json') {
    const rows = Array.isArray(value) ? (value as readonly Row[]) : [value];
    io.out(rows.map((row) => `${json(row)}\n`).join(''));
  } else io.out(Array.isArray(value) ? table(value) : fields(value as Row));
}

/** Commands as whoever called this one can type them: through npx, `fatty` is on no PATH. */
export function asCalled(text: string, { npm_command: how }: NodeJS.ProcessEnv): string {
  return how === 'exec' ? text.replace(/(^ +|")fatty /gm, '$1npx fatty ') : text;
}
