import { type AirBuilder, every, everyOf, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';

/**
 * The bitwise builtin: one use per 128 rows, five cells x, y, x & y, x ^ y, x | y. The first four
 * are each 16 diluted numbers of 16 bits (32 rows); then x + y = (x ^ y) + 2·(x & y) holds bit by
 * bit, because no sum of two diluted numbers carries.
 */
const EVERY_USE: Rows = every(128);
const LAST_USE: Rows = single(-128);
const EVERY_VALUE: Rows = every(32);
/** The fourth value of a use; `x | y` follows it, but not 32 rows later. */
const LAST_VALUE: Rows = every(128, 96);
const EVERY_PART: Rows = everyOf(
  128,
  Array.from({ length: 16 }, (_, i) => 2 * i),
);

export interface BitwiseColumns {
  /** The diluted pool; part i of a value stands at row 2i. */
  readonly pool: number;
  /** Where among the memory accesses x stands mod 128; y, x & y, x ^ y follow by 32 rows. */
  readonly value: Place;
  /** Where x | y stands. */
  readonly or: Place;
}

export function addBitwise(air: AirBuilder, { pool, value, or }: BitwiseColumns): void {
  const part = (row: number): Expression => air.cell(pool, row);
  const after = (next: Expression, last: Expression): Expression => next.minus(last.plus(1n));
  const begin = air.parameter('bitwise_begin');
  air.zero('bitwise/first_address', FIRST_ROW, air.at(value).minus(begin));
  const step = after(air.at(value, 32), air.at(value));
  air.zero('bitwise/value_address', EVERY_VALUE, step, LAST_VALUE);
  air.zero('bitwise/or_address', EVERY_USE, after(air.at(or), air.at(value, 96)));
  const next = after(air.at(value, 128), air.at(or));
  air.zero('bitwise/next_use_address', EVERY_USE, next, LAST_USE);
  let sum = part(0);
  for (let i = 1; i < 16; i++)
    sum = sum.plus(part(2 * i).times(2n ** BigInt(64 * Math.floor(i / 4) + (i % 4))));
  air.zero('bitwise/parts', EVERY_VALUE, sum.minus(air.at(value, 1)));
  const either = air.at(value, 65).plus(air.at(value, 97));
  air.zero('bitwise/or', EVERY_USE, air.at(or, 1).minus(either));
  const carried = part(96).plus(part(64)).plus(part(64));
  air.zero('bitwise/and_xor', EVERY_PART, part(0).plus(part(32)).minus(carried));
  // The highest parts have fewer bits: shifted to the pool's end they are diluted numbers still.
  for (const [i, shifted] of [1, 65, 33, 97].entries()) {
    const high = part(88 + 2 * i).plus(part(120 + 2 * i));
    const shift = i === 3 ? 256n : 16n;
    air.zero(`bitwise/high_part${i}`, EVERY_USE, high.times(shift).minus(part(shifted)));
  }
}
