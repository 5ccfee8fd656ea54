// Pedersen's points and hash by plain addition, to compare with.
import { add, inverse, mul, sub } from '../../air/src/felt/felt.ts';

/**
 * StarkWare's Pedersen hash (docs.starkware.co, "STARK curve"; the constants are those of
 * pedersen_params.json in starkware-libs/cairo-lang, Apache-2.0, made from the digits of pi):
 * H(x, y) = x-coordinate of SHIFT + low(x)·P0 + high(x)·P1 + low(y)·P2 + high(y)·P3, where low is
 * the lowest 248 bits. Bit by bit, to be compared with the tables of src/curve.
 */
export function pedersen(x: bigint, y: bigint): bigint {
  let sum: Point = SHIFT;
  for (const [scalar, point] of [
    [x & LOW, P0],
    [x >> LOW_BITS, P1],
    [y & LOW, P2],
    [y >> LOW_BITS, P3],
  ] as const)
    sum = addMultiple(sum, scalar, point);
  return toAffineX(sum);
}

/** Jacobian coordinates: x = X/Z², y = Y/Z³; the point at infinity has Z = 0. */
interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
}

const LOW_BITS = 248n;
const LOW: bigint = (1n << LOW_BITS) - 1n;

const affine = (x: bigint, y: bigint): Point => ({ x, y, z: 1n });

const SHIFT: Point = affine(
  0x49ee3eba8c1600700ee1b87eb599f16716b0b1022947733551fde4050ca6804n,
  0x3ca0cfe4b3bc6ddf346d49d06ea0ed34e621062c0e056c1d0405d266e10268an,
);
const P0: Point = affine(
  0x234287dcbaffe7f969c748655fca9e58fa8120b6d56eb0c1080d17957ebe47bn,
  0x3b056f100f96fb21e889527d41f4e39940135dd7a6c94cc6ed0268ee89e5615n,
);
const P1: Point = affine(
  0x4fa56f376c83db33f9dab2656558f3399099ec1de5e3018b7a6932dba8aa378n,
  0x3fa0984c931c9e38113e0c0e47e4401562761f92a7a23b45168f4e80ff5b54dn,
);
const P2: Point = affine(
  0x4ba4cc166be8dec764910f75b45f74b40c690c74709e90f3aa372f0bd2d6997n,
  0x40301cf5c1751f4b971e46c4ede85fcac5c59a5ce5ae7c48151f27b24b219cn,
);
const P3: Point = affine(
  0x54302dcb0e6cc1c6e44cca8f61a63bb2ca65048d53fb325d36ff12c49a58202n,
  0x1b77b3e37d13504b348046268d8ae25ce98ad783c25561a879dcc77e99c2426n,
);

/** start + scalar·point, by doubling and adding from the lowest bit. */
function addMultiple(start: Point, scalar: bigint, point: Point): Point {
  let sum = start;
  let power = point;
  for (let left = scalar; left > 0n; left >>= 1n) {
    if (left & 1n) sum = addPoints(sum, power);
    power = double(power);
  }
  return sum;
}

/** y² = x³ + x + b: the doubling of explicit-formulas database "dbl-2007-bl" with a = 1. */
function double({ x, y, z }: Point): Point {
  const xx = mul(x, x);
  const yy = mul(y, y);
  const zz = mul(z, z);
  const s = mul(4n, mul(x, yy));
  const m = add(mul(3n, xx), mul(zz, zz));
  const x3 = sub(mul(m, m), add(s, s));
  const y3 = sub(mul(m, sub(s, x3)), mul(8n, mul(yy, yy)));
  return { x: x3, y: y3, z: mul(2n, mul(y, z)) };
}

function addPoints(a: Point, b: Point): Point {
  if (a.z === 0n) return b;
  if (b.z === 0n) return a;
  const aa = mul(a.z, a.z);
  const bb = mul(b.z, b.z);
  const u = mul(a.x, bb);
  const s = mul(a.y, mul(b.z, bb));
  const h = sub(mul(b.x, aa), u);
  const r = sub(mul(b.y, mul(a.z, aa)), s);
  if (h === 0n) return r === 0n ? double(a) : { x: 1n, y: 1n, z: 0n };
  const hh = mul(h, h);
  const hhh = mul(h, hh);
  const v = mul(u, hh);
  const x = sub(sub(mul(r, r), hhh), add(v, v));
  return { x, y: sub(mul(r, sub(v, x)), mul(s, hhh)), z: mul(h, mul(a.z, b.z)) };
}

/** No sum of the hash is the point at infinity unless somebody knows a discrete logarithm. */
function toAffineX({ x, z }: Point): bigint {
  const scale = inverse(z);
  return mul(x, mul(scale, scale));
}
