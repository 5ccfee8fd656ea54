// Pedersen hash over the STARK curve.
import {
  type AffinePoint,
  addAffine,
  doublings,
  type JacobianPoint,
  toAffine,
  toJacobian,
} from './curve.ts';

/**
 * StarkWare's Pedersen hash: the x-coordinate of SHIFT + low(a)·P0 + high(a)·P1 + low(b)·P2 +
 * high(b)·P3, where low is the lowest 248 bits and high the other four. The points' x-coordinates
 * are digits of π, so that nobody chose them (docs.starkware.co, "Pedersen hash").
 */
export const PEDERSEN_SHIFT: AffinePoint = {
  x: 0x49ee3eba8c1600700ee1b87eb599f16716b0b1022947733551fde4050ca6804n,
  y: 0x3ca0cfe4b3bc6ddf346d49d06ea0ed34e621062c0e056c1d0405d266e10268an,
};
const P0: AffinePoint = {
  x: 0x234287dcbaffe7f969c748655fca9e58fa8120b6d56eb0c1080d17957ebe47bn,
  y: 0x3b056f100f96fb21e889527d41f4e39940135dd7a6c94cc6ed0268ee89e5615n,
};
const P1: AffinePoint = {
  x: 0x4fa56f376c83db33f9dab2656558f3399099ec1de5e3018b7a6932dba8aa378n,
  y: 0x3fa0984c931c9e38113e0c0e47e4401562761f92a7a23b45168f4e80ff5b54dn,
};
const P2: AffinePoint = {
  x: 0x4ba4cc166be8dec764910f75b45f74b40c690c74709e90f3aa372f0bd2d6997n,
  y: 0x40301cf5c1751f4b971e46c4ede85fcac5c59a5ce5ae7c48151f27b24b219cn,
};
const P3: AffinePoint = {
  x: 0x54302dcb0e6cc1c6e44cca8f61a63bb2ca65048d53fb325d36ff12c49a58202n,
  y: 0x1b77b3e37d13504b348046268d8ae25ce98ad783c25561a879dcc77e99c2426n,
};

/** Bits of an input that its first base point takes. */
export const LOW_BITS = 248;
/** Bits of an input: what is below p fits. */
export const ELEMENT_BITS = 252;

/** The point that bit i of the first (second) input adds: 2^i·P0 and 2^i·P1 (P2 and P3). */
export function bitPoints(): readonly [readonly AffinePoint[], readonly AffinePoint[]] {
  const points = (low: AffinePoint, high: AffinePoint): AffinePoint[] => [
    ...doublings(low, LOW_BITS),
    ...doublings(high, ELEMENT_BITS - LOW_BITS),
  ];
  return [points(P0, P1), points(P2, P3)];
}

/** Bits of an input that one table look-up adds; 252 and 248 are multiples of it. */
const WINDOW = 4;

/** tables[window][digit − 1] is digit · 2^(4·window) · base. */
type Tables = readonly (readonly AffinePoint[])[];

/** Fifteen sums per window, most of them built by one addition to an earlier one. */
function windowTables(bits: readonly AffinePoint[]): Tables {
  const sums: JacobianPoint[] = [];
  for (let first = 0; first < bits.length; first += WINDOW)
    for (let digit = 1; digit < 2 ** WINDOW; digit++) {
      const highest = Math.floor(Math.log2(digit));
      const rest = digit - 2 ** highest;
      const point = bits[first + highest] as AffinePoint;
      const at = (first / WINDOW) * (2 ** WINDOW - 1);
      sums.push(
        rest === 0 ? toJacobian(point) : addAffine(sums[at + rest - 1] as JacobianPoint, point),
      );
    }
  const points = toAffine(sums);
  const size = 2 ** WINDOW - 1;
  return Array.from({ length: bits.length / WINDOW }, (_, i) =>
    points.slice(i * size, (i + 1) * size),
  );
}

let tables: readonly Tables[] | undefined;

/** Pedersen hash of two field elements; the first call builds its tables. */
export function pedersen(a: bigint, b: bigint): bigint {
  tables ??= bitPoints().map(windowTables);
  let sum = toJacobian(PEDERSEN_SHIFT);
  for (const [i, input] of [a, b].entries()) {
    let left = input;
    for (const table of tables[i] ?? []) {
      const digit = Number(left & 15n);
      left >>= BigInt(WINDOW);
      if (digit > 0) sum = addAffine(sum, table[digit - 1] as AffinePoint);
    }
  }
  const [{ x } = { x: 0n }] = toAffine([sum]);
  return x;
}

/** H(H(… H(0, first) …, last), count): how Stone hashes a page for a Poseidon channel. */
export function pedersenChain(values: readonly bigint[]): bigint {
  return pedersen(
    values.reduce((sum, value) => pedersen(sum, value), 0n),
    BigInt(values.length),
  );
}
