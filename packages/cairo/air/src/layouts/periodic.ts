// Periodic columns: the constants of builtins, as polynomials that repeat.
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

/** x- and y-coordinates as polynomials; computed once, when the first proof needs them. */
type Coordinates = () => readonly [readonly bigint[], readonly bigint[]];

function coordinates(points: () => readonly AffinePoint[]): Coordinates {
  let made: ReturnType<Coordinates> | undefined;
  return () => {
    if (made === undefined) {
      const list = points();
      made = [interpolate(list.map(({ x }) => x)), interpolate(list.map(({ y }) => y))];
    }
    return made;
  };
}

function pointColumns(name: string, period: number, points: Coordinates): PeriodicColumn[] {
  return [
    { name: `${name}_x`, period, coefficients: () => points()[0] },
    { name: `${name}_y`, period, coefficients: () => points()[1] },
  ];
}

const PEDERSEN: Coordinates = coordinates(() => bitPoints().flatMap(padded));
const GENERATOR: Coordinates = coordinates(() => padded(doublings(CURVE_GENERATOR, 251)));

/** What each bit of a Pedersen hash's two inputs adds, 512 values in `period` rows. */
export function pedersenPoints(period: number): readonly PeriodicColumn[] {
  return pointColumns('pedersen_point', period, PEDERSEN);
}

/** Doublings of the curve's generator, 256 values in `period` rows. */
export function generatorPoints(period: number): readonly PeriodicColumn[] {
  return pointColumns('generator_point', period, GENERATOR);
}

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
