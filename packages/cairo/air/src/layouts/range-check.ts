// Constraints of the range-check builtin.
import { type AirBuilder, every, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression } from './expression.ts';

const PARTS = 8;

/** Where the parts and the memory accesses of range checks stand. */
export interface RangeCheckColumns {
  /** The offsets' pool, which keeps every value below 2^16; parts are an eighth of a use apart. */
  readonly pool: number;
  /** Where among the memory accesses a use stands. */
  readonly use: Place;
  /** Rows per use. */
  readonly period: number;
}

/** The range-check builtin: a value is eight 16-bit parts, the highest first. */
export function addRangeCheck(air: AirBuilder, { pool, use, period }: RangeCheckColumns): void {
  const everyUse = every(period);
  let value: Expression = air.cell(pool, 12);
  for (let i = 1; i < PARTS; i++)
    value = value.times(2n ** 16n).plus(air.cell(pool, 12 + (period / PARTS) * i));
  air.zero('range_check/value', everyUse, value.minus(air.at(use, 1)));
  const step = air.at(use, period).minus(air.at(use).plus(1n));
  air.zero('range_check/next_use_address', everyUse, step, single(-period));
  const begin = air.parameter('range_check_begin');
  air.zero('range_check/first_address', FIRST_ROW, air.at(use).minus(begin));
}
