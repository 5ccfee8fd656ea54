// An honest trace of ECDSA, for tests to break.
import {
  CURVE_BETA,
  CURVE_GENERATOR,
  doublings,
  type AffinePoint as Point,
} from '../../air/src/curve/curve.ts';
import { PEDERSEN_SHIFT as SHIFT } from '../../air/src/curve/pedersen.ts';
import { add, inverse, mul, reduce, sub } from '../../air/src/felt/felt.ts';
import type { EcdsaColumns } from '../../air/src/layouts/ecdsa.ts';
import { divide, type Filling } from './filling.ts';
import {
  fillDoublings,
  fillSum,
  pointFrom,
  type Scalar,
  scalarFor,
  scalarOf,
} from './filling-points.ts';
import { rootsOf } from './roots.ts';

const ORDER = 0x800000000000010ffffffffffffffffb781126dcae7b2321e66a241adc64d2fn;
const GENERATOR = doublings(CURVE_GENERATOR, 251);
const SHIFTED_DOWN = { x: SHIFT.x, y: sub(0n, SHIFT.y) };

/** a + b for points with different x, on whatever curve they are. */
function sumOf(a: Point, b: Point): Point {
  const slope = divide(sub(a.y, b.y), sub(a.x, b.x));
  const x = reduce(slope * slope - a.x - b.x);
  return { x, y: reduce(slope * (a.x - x) - a.y) };
}

const modOrder = (a: bigint): bigint => ((a % ORDER) + ORDER) % ORDER;

function inverseModOrder(a: bigint): bigint {
  let [result, base] = [1n, modOrder(a)];
  for (let e = ORDER - 2n; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * base) % ORDER;
    base = (base * base) % ORDER;
  }
  return result;
}

const multiple = (k: bigint, doubled: readonly Point[] = GENERATOR): Point =>
  doubled.filter((_, i) => (k >> BigInt(i)) & 1n).reduce((sum, point) => sumOf(sum, point));

interface Signature {
  readonly key: Point;
  readonly r: Scalar;
  readonly w: Scalar;
}

const MESSAGE = 2n ** 240n + 77n;
/** z·G as the builtin makes it, less the shift point. */
const HONEST = sumOf(SHIFTED_DOWN, multiple(MESSAGE));
let signature: (Signature & { readonly wNumber: bigint }) | undefined;

/** A signature as others make it, whose r and w are below 2^251, as the builtin wants. */
function signed(): Signature & { readonly wNumber: bigint } {
  const secret = 123456789n;
  for (let k = 1001n; signature === undefined; k++) {
    const r = multiple(k).x;
    const wNumber = modOrder(k * inverseModOrder(MESSAGE + r * secret));
    if (r < 2n ** 251n && wNumber < 2n ** 250n)
      signature = { key: multiple(secret), r: scalarOf(r), w: scalarOf(wNumber), wNumber };
  }
  return signature;
}

/**
 * With r = w = 1 the last check is that B = z·G + (shift + Q) has the x-coordinate 1, be B on the
 * curve or not: a polynomial in whatever is still free, and where it is zero nothing else breaks.
 */
const ONE = scalarOf(1n);

/** Zero for the T = shift + Q for which z·G + T has the x-coordinate 1. */
const missed = (zG: Point, { x, y }: Point): bigint =>
  reduce((zG.y - y) ** 2n - (1n + zG.x + x) * (zG.x - x) ** 2n);

/** T by the slope of the line through it and z·G, for a sum with the x-coordinate r. */
function bySlope(zG: Point, slope: bigint, r = 1n): Point {
  const x = reduce(slope * slope - r - zG.x);
  return { x, y: reduce(zG.y - slope * (zG.x - x)) };
}

const offCurve = ({ x, y }: Point): bigint => reduce(y * y - x * x * x - x - CURVE_BETA);

/** A key and an r with which everything is right, whatever z·G is. */
function signatureFor(zG: Point): Signature {
  for (let r = 1n; ; r++) {
    const [slope] = rootsOf(8, (t) => offCurve(bySlope(zG, t, r)));
    if (slope === undefined) continue;
    const rQ = sumOf(bySlope(zG, slope, r), SHIFTED_DOWN);
    const key = multiple(inverseModOrder(r), doublings(rQ, 252));
    return { key, r: scalarOf(r), w: ONE };
  }
}

/** What a slip turns shift + Q into, and what of it is put by hand, as functions of one number. */
interface Bent {
  readonly point: (t: bigint) => Point;
  /** How far the cell is off, at t. */
  readonly off: (t: bigint) => bigint;
  /** To a power of t, `point` has a denominator. */
  readonly denominator?: (t: bigint) => bigint;
}

function bentBy(fault: string, q: Point): Bent | undefined {
  const slope = divide(sub(SHIFT.y, q.y), sub(SHIFT.x, q.x));
  const { x, y } = sumOf(SHIFT, q);
  const line = (s: bigint, from: Point, nextX: bigint): Point => ({
    x: nextX,
    y: reduce(s * (from.x - nextX) - from.y),
  });
  const chord = (s: bigint, from: Point): Point => line(s, from, reduce(s * s - from.x - q.x));
  const startX = (t: bigint): bigint => add(q.x, divide(sub(SHIFT.y, q.y), t));
  const bent: Readonly<Record<string, Bent>> = {
    'add/slope': { point: (t) => chord(t, SHIFT), off: (t) => sub(t, slope) },
    'add/x': { point: (t) => line(slope, SHIFT, t), off: (t) => sub(t, x) },
    'add/y': { point: (t) => ({ x, y: t }), off: (t) => sub(t, y) },
    'copy/x': { point: (t) => ({ x: t, y }), off: (t) => sub(t, x) },
    'copy/y': { point: (t) => ({ x, y: t }), off: (t) => sub(t, y) },
    key_x: {
      point: (t) => chord(t, { x: startX(t), y: SHIFT.y }),
      off: (t) => sub(startX(t), SHIFT.x),
      denominator: (t) => reduce(t ** 6n),
    },
    key_y: {
      point: (t) => chord(divide(sub(t, q.y), sub(SHIFT.x, q.x)), { x: SHIFT.x, y: t }),
      off: (t) => sub(t, SHIFT.y),
    },
  };
  return bent[fault];
}

/** A key, and how far a sum must slip for the last check to hold all the same. */
function keyAndSlip(fault: string, zG: Point): { key: Point; amount: bigint } | undefined {
  for (let x = 100n; x < 160n; x++) {
    const key = pointFrom(x);
    const bent = bentBy(fault, key);
    if (bent === undefined) return undefined;
    const { point, off, denominator = () => 1n } = bent;
    for (const t of rootsOf(14, (at) => mul(missed(zG, point(at)), denominator(at))))
      if (off(t) !== 0n) return { key, amount: off(t) };
  }
  throw new Error(`no slip of ${fault}`);
}

/** What is signed and how, so that nothing but the one constraint breaks. */
function planFor(filling: Filling, zG: Point): Signature {
  const { key, r, w, wNumber } = signed();
  const is = (name: string): boolean => filling.isFault(`ecdsa/${name}`);
  if (is('by_key/bits_end')) return { key, r, w: scalarOf(wNumber + ORDER) };
  if (is('by_key/rest_end')) {
    const less = modOrder(wNumber - 2n ** 252n);
    const { rest, bit } = scalarOf(less);
    return { key, r, w: { rest, bit: (i) => (i === 252 ? 1n : bit(i)) } };
  }
  const part = /^ecdsa\/(?:by_key|first)\/(.*)$/.exec(filling.fault)?.[1] ?? '';
  const bent = keyAndSlip(part, zG);
  if (bent !== undefined) filling.amount = bent.amount;
  if (bent !== undefined) return { key: bent.key, r: ONE, w: ONE };
  if (is('key_square') || is('key_on_curve'))
    return { key: sumOf(bySlope(zG, 12345n), SHIFTED_DOWN), r: ONE, w: ONE };
  if (is('sum/slope') || is('sum/x')) return { key: slippingSum(filling, zG), r: ONE, w: ONE };
  if (is('r/x')) return { key: pointFrom(7n), r: ONE, w: ONE };
  const isHonest = zG.x === HONEST.x && zG.y === HONEST.y;
  if (is('sum/y') || !isHonest) return signatureFor(zG);
  return { key, r, w };
}

function slippingSum(filling: Filling, zG: Point): Point {
  for (let x = 100n; ; x++) {
    const key = pointFrom(x);
    const t = sumOf(SHIFT, key);
    const slope = divide(sub(zG.y, t.y), sub(zG.x, t.x));
    const [other] = rootsOf(3, (at) => reduce(at * at - zG.x - t.x - 1n));
    if (filling.isFault('ecdsa/sum/x')) filling.amount = sub(1n, sumOf(zG, t).x);
    else if (other === undefined) continue;
    else filling.amount = sub(other, slope);
    return key;
  }
}

export function fillEcdsa(filling: Filling): void {
  const { ecdsa } = filling.table;
  if (ecdsa === undefined) return;
  const { key, message } = ecdsa;
  const slip = (name: string): bigint => filling.slip(`ecdsa/${name}`);
  let address = 3000n;
  filling.parameters.set('ecdsa_begin', address + slip('first_address'));
  for (let row = 0; row < filling.rows; row += 512 * ecdsa.stride) {
    if (row > 0 && filling.goesOn(key, row, address)) break;
    const { z, q } = fillSignature(filling, ecdsa, row);
    filling.access(key, row, address, q.x + slip('key'));
    address += 1n + slip('message_address');
    filling.access(message, row, address, z + slip('message'));
    address += 1n + slip('next_use_address');
  }
}

function fillSignature(
  filling: Filling,
  columns: EcdsaColumns,
  row: number,
): { z: bigint; q: Point } {
  const { stride, byGenerator, byKey, doubled } = columns;
  const slip = (name: string): bigint => filling.slip(`ecdsa/${name}`);
  const known = (i: number): Point => GENERATOR[i] ?? (GENERATOR.at(-1) as Point);
  const z = scalarFor(filling, 'ecdsa/by_generator', MESSAGE);
  const start = {
    x: add(SHIFT.x, slip('first/generator_x')),
    y: add(SHIFTED_DOWN.y, slip('first/generator_y')),
  };
  const name = 'ecdsa/by_generator';
  const zG = fillSum(filling, name, byGenerator, 2 * stride, row, start, z, known);
  const plan = planFor(filling, zG);
  const half = 256 * stride;
  const multiply = (below: number, point: Point, scalar: Scalar): Point => {
    // behind the 251 bits nothing is added any more: slips change no sum
    const points = fillDoublings(filling, 'ecdsa/doubling', doubled, stride, below, point, 252);
    const first = { x: add(SHIFT.x, slip('first/key_x')), y: add(SHIFT.y, slip('first/key_y')) };
    const at = (i: number): Point => points[i] as Point;
    return fillSum(filling, 'ecdsa/by_key', byKey, stride, below, first, scalar, at);
  };
  const rQ = multiply(row, plan.key, plan.r);
  const apart = sub(zG.x, rQ.x);
  const slope = add(divide(sub(zG.y, rQ.y), apart), slip('sum/slope'));
  filling.set(columns.sum.slope, row, slope);
  filling.set(columns.sum.inverse, row, inverse(apart) + slip('sum/apart'));
  const x = reduce(slope * slope - zG.x - rQ.x + slip('sum/x'));
  const y = reduce(slope * (zG.x - x) - zG.y + slip('sum/y'));
  const wB = multiply(row + half, { x, y }, plan.w);
  fillChecks(filling, columns, row, { ...plan, z, wB });
  return { z: z.rest, q: plan.key };
}

function fillChecks(
  filling: Filling,
  columns: EcdsaColumns,
  row: number,
  { key, r, w, z, wB }: Signature & { readonly z: Scalar; readonly wB: Point },
): void {
  const slip = (name: string): bigint => filling.slip(`ecdsa/${name}`);
  const { result, zInverse, scalarInverse, keySquare, stride } = columns;
  const fromShift = sub(wB.x, SHIFT.x);
  const slope = divide(add(wB.y, SHIFT.y), fromShift);
  // the other root has the same square
  const other = slip('r/slope') === 0n ? slope : sub(0n, slope);
  filling.set(result.slope, row, other);
  filling.set(result.inverse, row, inverse(fromShift) + slip('r/apart'));
  filling.set(zInverse, row, inverse(z.rest) + slip('z_nonzero'));
  filling.set(scalarInverse, row, inverse(r.rest) + slip('r_and_w_nonzero'));
  filling.set(scalarInverse, row + 256 * stride, inverse(w.rest));
  const square = divide(reduce(key.y * key.y - key.x - CURVE_BETA), key.x);
  const isOff = filling.isFault('ecdsa/key_square');
  filling.set(keySquare, row, isOff ? square : mul(key.x, key.x));
  for (const name of ['r/x', 'key_square', 'key_on_curve', 'by_key/bits_end', 'by_key/rest_end'])
    slip(name);
}
