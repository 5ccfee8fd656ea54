import { type AffinePoint, CURVE_GENERATOR, doublings } from '../curve/curve.ts';
import { bitPoints } from '../curve/pedersen.ts';
import { add, inverse, mul, pow, rootOfUnity, sub } from '../felt/felt.ts';
import type { PeriodicColumn } from './expression.ts';

/** Points that a column of this many rows holds; the last real one fills it up. */
const POINTS = 256;

function padded(points: readonly AffinePoint[]): AffinePoint[] {
  const last = points.at(-1) as AffinePoint;
  return Array.from({ length: POINTS }, (_, i) => points[i] ?? last);
}

/**
 * A column of points as two periodic columns; the points and their polynomials are computed once,
 * when the first proof needs them.
 */
function pointColumns(
  name: string,
  period: number,
  points: () => readonly AffinePoint[],
): PeriodicColumn[] {
  let made: readonly (readonly bigint[])[] | undefined;
  const coefficients = (axis: 0 | 1): readonly bigint[] => {
    if (made === undefined) {
      const list = points();
      made = [interpolate(list.map(({ x }) => x)), interpolate(list.map(({ y }) => y))];
    }
    return made[axis] as readonly bigint[];
  };
  return [
    { name: `${name}_x`, period, coefficients: () => coefficients(0) },
    { name: `${name}_y`, period, coefficients: () => coefficients(1) },
  ];
}

/** What each bit of a Pedersen hash's two inputs adds, one per row. */
export const PEDERSEN_POINTS: readonly PeriodicColumn[] = pointColumns('pedersen_point', 512, () =>
  bitPoints().flatMap(padded),
);

/** Doublings of the curve's generator, one per 32 rows. */
export const GENERATOR_POINTS: readonly PeriodicColumn[] = pointColumns(
  'generator_point',
  8192,
  () => padded(doublings(CURVE_GENERATOR, 251)),
);

/** Coefficients of the polynomial with these values on the roots of unity: an inverse FFT. */
export function interpolate(values: readonly bigint[]): bigint[] {
  const log = Math.log2(values.length);
  const scale = inverse(BigInt(values.length));
  return transform(values, inverse(rootOfUnity(log))).map((value) => mul(value, scale));
}

/** Σ values[j]·root^(ij): radix 2, by even and odd positions. */
function transform(values: readonly bigint[], root: bigint): bigint[] {
  if (values.length === 1) return [...values];
  const square = mul(root, root);
  const even = transform(
    values.filter((_, i) => i % 2 === 0),
    square,
  );
  const odd = transform(
    values.filter((_, i) => i % 2 === 1),
    square,
  );
  const twiddled: bigint[] = [];
  let power = 1n;
  for (const value of odd) {
    twiddled.push(mul(value, power));
    power = mul(power, root);
  }
  return [
    ...even.map((value, i) => add(value, twiddled[i] as bigint)),
    ...even.map((value, i) => sub(value, twiddled[i] as bigint)),
  ];
}

/** Value of a periodic column at a point, in a trace of 2^rowsLog rows. */
export function evaluatePeriodic(column: PeriodicColumn, point: bigint, rowsLog: number): bigint {
  const x = pow(point, 2n ** BigInt(rowsLog) / BigInt(column.period));
  return column.coefficients().reduceRight((sum, one) => add(mul(sum, x), one), 0n);
}
