// Constraints of memory and of offsets: two columns hold the same values.
import { type AirBuilder, every, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';

/**
 * The two permutation arguments of every CPU layout (Cairo whitepaper, sections 9.7 to 9.9): memory
 * is a sorted, continuous, single-valued list, and offsets leave no gap from rc_min to rc_max.
 */

/** Two lists of values, `stride` rows apart, of which one is the other in another order. */
interface Permutation {
  readonly name: string;
  readonly pool: (below: number) => Expression;
  readonly sorted: (below: number) => Expression;
  /** Running product of (z − pool) / (z − sorted); second commitment. */
  readonly product: Place;
  readonly z: Expression;
  /** What the product comes to. */
  readonly claimed: Expression | bigint;
  readonly stride: number;
}

function addPermutation(air: AirBuilder, permutation: Permutation): void {
  const { name, pool, sorted, product, z, claimed, stride } = permutation;
  const last = single(-stride);
  const first = z.minus(sorted(0)).times(air.at(product));
  air.zero(`${name}/first`, FIRST_ROW, first.plus(pool(0)).minus(z));
  const next = z.minus(sorted(stride)).times(air.at(product, stride));
  const step = next.minus(z.minus(pool(stride)).times(air.at(product)));
  air.zero(`${name}/step`, every(stride), step, last);
  air.zero(`${name}/last`, last, air.at(product).minus(claimed));
}

const EVERY_ACCESS: Rows = every(2);
const LAST_ACCESS: Rows = single(-2);

/** The columns of memory. */
export interface MemoryColumns {
  /** Accesses in trace order, (address, value) in two rows. */
  readonly accesses: number;
  readonly sorted: number;
  /** Running product, second commitment. */
  readonly product: number;
  /** Rows between two public cells, which stand at rows 2 and 3 as zeros. */
  readonly publicPeriod: number;
}

/** Adds the constraints of memory, in Stone's order. */
export function addMemory(air: AirBuilder, columns: MemoryColumns): void {
  const { accesses, sorted, product } = columns;
  const z = air.parameter('memory_z');
  const alpha = air.parameter('memory_alpha');
  const at = (row: number): Expression => air.cell(sorted, row);
  const hash = (column: number, row: number): Expression =>
    air.cell(column, row).plus(alpha.times(air.cell(column, row + 1)));
  addPermutation(air, {
    name: 'memory',
    pool: (below) => hash(accesses, below),
    sorted: (below) => hash(sorted, below),
    product: [product, 0],
    z,
    claimed: air.parameter('memory_product'),
    stride: 2,
  });
  const step = at(2).minus(at(0));
  air.zero('memory/address_step_is_bit', EVERY_ACCESS, air.isBit(step), LAST_ACCESS);
  const other = step.minus(1n).times(at(1).minus(at(3)));
  air.zero('memory/single_value', EVERY_ACCESS, other, LAST_ACCESS);
  air.zero('memory/first_address', FIRST_ROW, at(0).minus(1n));
  const everyPublicCell = every(columns.publicPeriod);
  air.zero('public/address_zero', everyPublicCell, air.cell(accesses, 2));
  air.zero('public/value_zero', everyPublicCell, air.cell(accesses, 3));
}

/** A pool of small numbers, their sorted copy, and the product that ties the two. */
export interface PoolColumns {
  readonly pool: Place;
  readonly sorted: Place;
  /** Running product, second commitment. */
  readonly product: Place;
  /** Rows from one value to the next. */
  readonly stride: number;
}

/** The pool's sorted copy is a permutation of it, by the challenge `z`. */
export function addPool(air: AirBuilder, name: string, z: string, columns: PoolColumns): void {
  const { pool, sorted, product, stride } = columns;
  addPermutation(air, {
    name,
    pool: (below) => air.at(pool, below),
    sorted: (below) => air.at(sorted, below),
    product,
    z: air.parameter(z),
    claimed: 1n,
    stride,
  });
}

/** Adds the constraints of offsets: a sorted copy without gaps, from rc_min to rc_max. */
export function addOffsets(air: AirBuilder, columns: PoolColumns): void {
  const { sorted, stride } = columns;
  const last = single(-stride);
  addPool(air, 'offset', 'offset_z', columns);
  const step = air.at(sorted, stride).minus(air.at(sorted));
  air.zero('offset/step_is_bit', every(stride), air.isBit(step), last);
  air.zero('offset/minimum', FIRST_ROW, air.at(sorted).minus(air.parameter('rc_min')));
  air.zero('offset/maximum', last, air.at(sorted).minus(air.parameter('rc_max')));
}
