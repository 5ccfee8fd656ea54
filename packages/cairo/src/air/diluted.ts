import { add, mul } from '../felt/felt.ts';
import { type AirBuilder, EVERY_ROW, FIRST_ROW, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';

/**
 * The pool of diluted numbers: 16 bits, four apart, so that sums of two never carry from one bit
 * into another. Sorted, it must run through all 65,536 of them, perhaps with repetitions: what its
 * steps add up to, weighed by two challenges, is compared with the one value that gives.
 */
const BITS = 16;
const SPACING = 4;

const LAST_ROW: Rows = single(-1);

export interface DilutedColumns {
  readonly pool: number;
  readonly sorted: number;
  /** Running product of the permutation, and running sum of the steps; second commitment. */
  readonly product: number;
  readonly sum: number;
}

export function addDiluted(air: AirBuilder, { pool, sorted, product, sum }: DilutedColumns): void {
  const z = air.parameter('diluted_product_z');
  const at = (column: number, row = 0): Expression => air.cell(column, row);
  const first = z.minus(at(sorted)).times(at(product));
  air.zero('diluted/first', FIRST_ROW, first.plus(at(pool)).minus(z));
  air.zero(
    'diluted/step',
    EVERY_ROW,
    z
      .minus(at(sorted, 1))
      .times(at(product, 1))
      .minus(z.minus(at(pool, 1)).times(at(product))),
    LAST_ROW,
  );
  air.zero('diluted/last', LAST_ROW, at(product).minus(1n));
  air.zero('diluted/sum_first', FIRST_ROW, at(sum).minus(1n));
  air.zero('diluted/minimum', FIRST_ROW, at(sorted));
  const step = at(sorted, 1).minus(at(sorted));
  const scaled = at(sum).times(air.one.plus(air.parameter('diluted_z').times(step)));
  const squared = air.parameter('diluted_alpha').times(step).times(step);
  const next = at(sum, 1).minus(scaled.plus(squared));
  air.zero('diluted/sum_step', EVERY_ROW, next, LAST_ROW);
  air.zero('diluted/sum_last', LAST_ROW, at(sum).minus(air.parameter('diluted_final')));
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
