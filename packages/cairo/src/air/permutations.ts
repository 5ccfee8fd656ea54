import { type AirBuilder, every, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';

/**
 * The two permutation arguments of every CPU layout (Cairo whitepaper, sections 9.7 to 9.9): memory
 * is a sorted, continuous, single-valued list, and offsets leave no gap from rc_min to rc_max.
 */

const EVERY_ACCESS: Rows = every(2);
const LAST_ACCESS: Rows = single(-2);

export interface MemoryColumns {
  /** Accesses in trace order, (address, value) in two rows. */
  readonly accesses: number;
  readonly sorted: number;
  /** Running product, second commitment. */
  readonly product: number;
  /** Rows between two public cells, which stand at rows 2 and 3 as zeros. */
  readonly publicPeriod: number;
}

export function addMemory(air: AirBuilder, columns: MemoryColumns): void {
  const { accesses, sorted, product } = columns;
  const z = air.parameter('memory_z');
  const alpha = air.parameter('memory_alpha');
  const at = (row: number): Expression => air.cell(sorted, row);
  const hash = (column: number, row: number): Expression =>
    air.cell(column, row).plus(alpha.times(air.cell(column, row + 1)));
  const first = z.minus(hash(sorted, 0)).times(air.cell(product, 0));
  air.zero('memory/first', FIRST_ROW, first.plus(hash(accesses, 0)).minus(z));
  air.zero(
    'memory/step',
    EVERY_ACCESS,
    z
      .minus(hash(sorted, 2))
      .times(air.cell(product, 2))
      .minus(z.minus(hash(accesses, 2)).times(air.cell(product, 0))),
    LAST_ACCESS,
  );
  const claimed = air.parameter('memory_product');
  air.zero('memory/last', LAST_ACCESS, air.cell(product, 0).minus(claimed));
  const step = at(2).minus(at(0));
  air.zero('memory/address_step_is_bit', EVERY_ACCESS, air.isBit(step), LAST_ACCESS);
  const other = step.minus(1n).times(at(1).minus(at(3)));
  air.zero('memory/single_value', EVERY_ACCESS, other, LAST_ACCESS);
  air.zero('memory/first_address', FIRST_ROW, at(0).minus(1n));
  const everyPublicCell = every(columns.publicPeriod);
  air.zero('public/address_zero', everyPublicCell, air.cell(accesses, 2));
  air.zero('public/value_zero', everyPublicCell, air.cell(accesses, 3));
}

export interface OffsetColumns {
  readonly pool: Place;
  readonly sorted: Place;
  /** Running product, second commitment. */
  readonly product: Place;
  /** Rows from one value to the next. */
  readonly stride: number;
}

export function addOffsets(air: AirBuilder, columns: OffsetColumns): void {
  const { pool, sorted, product, stride } = columns;
  const everyValue = every(stride);
  const lastValue = single(-stride);
  const z = air.parameter('offset_z');
  const first = z.minus(air.at(sorted)).times(air.at(product));
  air.zero('offset/first', FIRST_ROW, first.plus(air.at(pool)).minus(z));
  air.zero(
    'offset/step',
    everyValue,
    z
      .minus(air.at(sorted, stride))
      .times(air.at(product, stride))
      .minus(z.minus(air.at(pool, stride)).times(air.at(product))),
    lastValue,
  );
  air.zero('offset/last', lastValue, air.at(product).minus(1n));
  const step = air.at(sorted, stride).minus(air.at(sorted));
  air.zero('offset/step_is_bit', everyValue, air.isBit(step), lastValue);
  air.zero('offset/minimum', FIRST_ROW, air.at(sorted).minus(air.parameter('rc_min')));
  air.zero('offset/maximum', lastValue, air.at(sorted).minus(air.parameter('rc_max')));
}
