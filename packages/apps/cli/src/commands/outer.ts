// `--outer`: what an outer program says of the programs inside.
import { extractStatement, type OuterProgram, type Statement } from '@fatty/cairo-verify';
import type { Outcome } from '@fatty/interface';
import { EXIT, ExitError } from '../terminal/io.ts';
import type { Row } from '../terminal/output.ts';

const WORD = /^0x[0-9a-f]{1,64}$/i;
/** A word of the configuration that may be anything. */
const ANY = '_';

/** `verifier`, or `bootloader` and the words of its configuration: `bootloader:0x1:_`. */
export interface Outer {
  readonly kind: string;
  readonly config: readonly string[];
}

/** @throws ExitError for another kind, and for words that are not hex or `_` */
export function outerOf(text: string): Outer {
  const [kind = '', ...config] = text.split(':');
  const known = kind === 'bootloader' || (kind === 'verifier' && config.length === 0);
  if (known && config.every((word) => word === ANY || WORD.test(word))) return { kind, config };
  const expected = 'verifier, or bootloader and its configuration (bootloader:0x1:0x2)';
  throw new ExitError(EXIT.usage, `--outer: expected ${expected}, got ${text}`);
}

/** Whether everything that the outer program could choose is said. */
export const isPinned = ({ config }: Outer): boolean => !config.includes(ANY);

/** What the outer program says of inner ones; its own words come from the statement. */
export function innerOf({ kind, config }: Outer, statement: Statement): Outcome<readonly Row[]> {
  const { programId, cells } = statement;
  const words = config.map((word, i) => (word === ANY ? (cells[i] ?? 0n) : BigInt(word)));
  const format: OuterProgram['format'] =
    kind === 'verifier' ? { kind } : { kind: 'bootloader', config: words };
  const read = extractStatement({ programId, format }, statement);
  if (!read.ok) return read;
  const rows = read.value.map(({ programHash, output }) => ({
    programHash: `0x${programHash.toString(16)}`,
    output,
  }));
  return { ok: true, value: rows };
}
