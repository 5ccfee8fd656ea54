// The STARK curve: points and their sums.
import { add, batchInverse, mul, sub } from '../felt/felt.ts';

/**
 * The STARK curve y² = x³ + x + b over Cairo's field (docs.starkware.co, "STARK curve"), for public
 * values only: nothing here is constant-time. By hand, as both hashes are: traces and constraints need
 * every partial sum and every round, of which a library gives the last one only.
 */
export interface AffinePoint {
  readonly x: bigint;
  readonly y: bigint;
}

/** The coefficient of x. */
export const CURVE_ALPHA = 1n;
/** The constant term b. */
export const CURVE_BETA: bigint =
  0x6f21413efbe40de150e596d72f7a8c5609ad26c15c915c1f4cdfcb99cee9e89n;

/** Base point of the curve's signatures. */
export const CURVE_GENERATOR: AffinePoint = {
  x: 0x1ef15c18599971b7beced415a40f0c7deacfd9b0d1819e03d723d8bc943cfcan,
  y: 0x5668060aa49730b7be4801df46ec62de53ecd11abe43a32873000c36e8dc1fn,
};

/** Jacobian coordinates: x = X/Z², y = Y/Z³. The point at infinity is not represented. */
export interface JacobianPoint {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
}

/** The same point with z = 1. */
export function toJacobian({ x, y }: AffinePoint): JacobianPoint {
  return { x, y, z: 1n };
}

/** Explicit-Formulas Database, "dbl-2007-bl", with a = 1. */
export function double({ x, y, z }: JacobianPoint): JacobianPoint {
  const yy = mul(y, y);
  const zz = mul(z, z);
  const s = mul(4n, mul(x, yy));
  const m = add(mul(3n, mul(x, x)), mul(zz, zz));
  const x3 = sub(mul(m, m), add(s, s));
  const y3 = sub(mul(m, sub(s, x3)), mul(8n, mul(yy, yy)));
  return { x: x3, y: y3, z: mul(2n, mul(y, z)) };
}

/**
 * a + b for points that are neither equal nor opposite ("madd", complete formulas not needed: a
 * caller whose points could meet would know a discrete logarithm). z = 0 shows that they did.
 */
export function addAffine(a: JacobianPoint, b: AffinePoint): JacobianPoint {
  const zz = mul(a.z, a.z);
  const h = sub(mul(b.x, zz), a.x);
  const r = sub(mul(b.y, mul(a.z, zz)), a.y);
  const hh = mul(h, h);
  const hhh = mul(h, hh);
  const v = mul(a.x, hh);
  const x = sub(sub(mul(r, r), hhh), add(v, v));
  return { x, y: sub(mul(r, sub(v, x)), mul(a.y, hhh)), z: mul(h, a.z) };
}

/** All of them for one inversion. */
export function toAffine(points: readonly JacobianPoint[]): AffinePoint[] {
  const inverses = batchInverse(points.map(({ z }) => z));
  return points.map(({ x, y }, i) => {
    const scale = inverses[i] as bigint;
    const square = mul(scale, scale);
    return { x: mul(x, square), y: mul(y, mul(scale, square)) };
  });
}

/** point, 2·point, 4·point, …: `count` of them. */
export function doublings(point: AffinePoint, count: number): AffinePoint[] {
  const points: JacobianPoint[] = [];
  let power = toJacobian(point);
  for (let i = 0; i < count; i++) {
    points.push(power);
    power = double(power);
  }
  return toAffine(points);
}
