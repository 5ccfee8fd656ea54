// Constraints of the pool of diluted numbers, on which the bitwise builtin rests.
import { add, mul } from '../felt/felt.ts';
import { type AirBuilder, every, FIRST_ROW, type Place, single } from './builder.ts';
import { addPool, type PoolColumns } from './permutations.ts';

/**
 * The pool of diluted numbers: 16 bits, four apart, so that sums of two never carry from one bit
 * into another. Sorted, it must run through all 65,536 of them, perhaps with repetitions: what its
 * steps add up to, weighed by two challenges, is compared with the one value that gives.
 */
const BITS = 16;
const SPACING = 4;

/** Where the pool, its sorted copy, the running product and the running sum stand. */
export interface DilutedColumns extends PoolColumns {
  /** Running sum of the steps; second commitment. */
  readonly sum: Place;
}

/** Adds the constraints of the pool, in Stone's order. */
export function addDiluted(air: AirBuilder, columns: DilutedColumns): void {
  const { sorted, sum, stride } = columns;
  const last = single(-stride);
  addPool(air, 'diluted', 'diluted_product_z', columns);
  air.zero('diluted/sum_first', FIRST_ROW, air.at(sum).minus(1n));
  air.zero('diluted/minimum', FIRST_ROW, air.at(sorted));
  const step = air.at(sorted, stride).minus(air.at(sorted));
  const scaled = air.at(sum).times(air.one.plus(air.parameter('diluted_z').times(step)));
  const squared = air.parameter('diluted_alpha').times(step).times(step);
  const next = air.at(sum, stride).minus(scaled.plus(squared));
  air.zero('diluted/sum_step', every(stride), next, last);
  air.zero('diluted/sum_last', last, air.at(sum).minus(air.parameter('diluted_final')));
}

/**
 * The sum over all diluted numbers in order: r ← r·(1 + z·u) + alpha·u² for every step u between
 * neighbours, from r = 1. The steps up to 2^(i+1) are those up to 2^i, the step to it, and the same
 * again, so that sixteen rounds do: r = p + alpha·q, one pass over p and q per bit.
 */
export function dilutedFinal(z: bigint, alpha: bigint): bigint {
  const diluted = (bits: number): bigint => {
    let value = 0n;
    for (let i = 0; i < bits; i++) value += 2n ** BigInt(SPACING * i);
    return value;
  };
  let [p, q] = [1n, 0n];
  for (let bit = 0; bit < BITS; bit++) {
    const step = 2n ** BigInt(SPACING * bit) - diluted(bit);
    const grown = mul(p, add(1n, mul(z, step)));
    q = add(add(mul(q, grown), mul(mul(step, step), p)), q);
    p = mul(p, grown);
  }
  return add(p, mul(alpha, q));
}
