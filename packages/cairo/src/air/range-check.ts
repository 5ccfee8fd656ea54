import { type AirBuilder, every, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';

/** Uses of the builtin, one per 128 rows, and the last of a trace. */
const EVERY_USE: Rows = every(128);
const LAST_USE: Rows = single(-128);
const PARTS = 8;

export interface RangeCheckColumns {
  /** The offsets' pool, which keeps every value below 2^16; parts at rows 12, 28, … 124. */
  readonly pool: number;
  /** Where among the memory accesses a use stands, mod 128. */
  readonly use: Place;
}

/** The range-check builtin: a value is eight 16-bit parts, the highest first. */
export function addRangeCheck(air: AirBuilder, { pool, use }: RangeCheckColumns): void {
  let value: Expression = air.cell(pool, 12);
  for (let i = 1; i < PARTS; i++) value = value.times(2n ** 16n).plus(air.cell(pool, 12 + 16 * i));
  air.zero('range_check/value', EVERY_USE, value.minus(air.at(use, 1)));
  const step = air.at(use, 128).minus(air.at(use).plus(1n));
  air.zero('range_check/next_use_address', EVERY_USE, step, LAST_USE);
  const begin = air.parameter('range_check_begin');
  air.zero('range_check/first_address', FIRST_ROW, air.at(use).minus(begin));
}
