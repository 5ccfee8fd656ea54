// Constraints of the bitwise builtin.
import { type AirBuilder, every, everyOf, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression } from './expression.ts';

const PARTS = 16;

/**
 * The bitwise builtin: one use per 128 lines, five cells x, y, x & y, x ^ y, x | y. The first four
 * are each 16 diluted numbers of 16 bits (32 lines); then x + y = (x ^ y) + 2·(x & y) holds bit by
 * bit, because no sum of two diluted numbers carries.
 */
export interface BitwiseColumns {
  /** The diluted pool; part i of a value stands at line 2i. */
  readonly pool: Place;
  /** Where among the memory accesses x stands; y, x & y, x ^ y follow by 32 lines. */
  readonly value: Place;
  /** Where x | y stands. */
  readonly or: Place;
  /** Trace rows per line. */
  readonly stride: number;
}

const LINES = 128;

/** Trace rows of a use. */
export const bitwiseRows = ({ stride }: BitwiseColumns): number => LINES * stride;

/** Adds the constraints of the bitwise builtin, in Stone's order. */
export function addBitwise(air: AirBuilder, { pool, value, or, stride }: BitwiseColumns): void {
  const rows = (lines: number): number => lines * stride;
  const everyUse = every(rows(128));
  const everyValue = every(rows(32));
  // The fourth value of a use: x | y follows it, but not 32 lines later.
  const fourth = every(rows(128), rows(96));
  const part = (line: number): Expression => air.at(pool, rows(line));
  const after = (next: Expression, last: Expression): Expression => next.minus(last.plus(1n));
  const begin = air.parameter('bitwise_begin');
  air.zero('bitwise/first_address', FIRST_ROW, air.at(value).minus(begin));
  const step = after(air.at(value, rows(32)), air.at(value));
  air.zero('bitwise/value_address', everyValue, step, fourth);
  air.zero('bitwise/or_address', everyUse, after(air.at(or), air.at(value, rows(96))));
  const next = after(air.at(value, rows(128)), air.at(or));
  air.zero('bitwise/next_use_address', everyUse, next, single(-rows(128)));
  let sum = part(0);
  for (let i = 1; i < PARTS; i++)
    sum = sum.plus(part(2 * i).times(2n ** BigInt(64 * Math.floor(i / 4) + (i % 4))));
  air.zero('bitwise/parts', everyValue, sum.minus(air.at(value, 1)));
  const either = air.at(value, rows(64) + 1).plus(air.at(value, rows(96) + 1));
  air.zero('bitwise/or', everyUse, air.at(or, 1).minus(either));
  const everyPart = everyOf(
    rows(128),
    Array.from({ length: PARTS }, (_, i) => rows(2 * i)),
  );
  const carried = part(96).plus(part(64)).plus(part(64));
  air.zero('bitwise/and_xor', everyPart, part(0).plus(part(32)).minus(carried));
  // The highest parts have fewer bits: shifted to the pool's end they are diluted numbers still.
  for (const [i, shifted] of [1, 65, 33, 97].entries()) {
    const high = part(88 + 2 * i).plus(part(120 + 2 * i));
    const shift = i === 3 ? 256n : 16n;
    air.zero(`bitwise/high_part${i}`, everyUse, high.times(shift).minus(part(shifted)));
  }
}
