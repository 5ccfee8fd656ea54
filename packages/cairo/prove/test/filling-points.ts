// Honest traces of Pedersen and of EC operations, for tests to break.
import { CURVE_BETA, type AffinePoint as Point } from '../../air/src/curve/curve.ts';
import { bitPoints, PEDERSEN_SHIFT as SHIFT } from '../../air/src/curve/pedersen.ts';
import { add, inverse, mul, P, pow, reduce, sub } from '../../air/src/felt/felt.ts';
import type { Place } from '../../air/src/layouts/builder.ts';
import { divide, type Filling, halved } from './filling.ts';

/** A scalar in the field, and its bits as a filler takes them. */
export interface Scalar {
  readonly rest: bigint;
  readonly bit: (i: number) => bigint;
}

export const scalarOf = (value: bigint): Scalar => ({
  rest: reduce(value),
  bit: (i) => (value >> BigInt(i)) & 1n,
});

/** Bits 251, 196 and 192: with bit 0 it is p, and any other low bit makes it too large as well. */
const HIGH = 2n ** 251n + 2n ** 196n;
const HIGHEST = HIGH + 2n ** 192n;

/** The scalar with which only this constraint on a scalar can break, or `otherwise`. */
export function scalarFor(filling: Filling, name: string, otherwise: bigint): Scalar {
  const special: Readonly<Record<string, bigint>> = {
    bit0_is_zero: HIGHEST + 1n,
    zeros_below_192: HIGHEST + 32n,
    // the cell `highest` is one more than it should be: nothing below bit 192 may be set
    highest: 2n ** 200n,
    zeros_below_196: HIGH + 2n ** 193n,
    high: 2n ** 200n,
    zeros_below_251: 2n ** 251n + 2n ** 200n,
    bits_end: 2n ** 252n + 5n,
  };
  for (const [what, value] of Object.entries(special)) {
    if (!filling.isFault(`${name}/${what}`)) continue;
    // the cells of these two are put later, with their slip
    if (what !== 'high' && what !== 'highest') filling.slip(`${name}/${what}`);
    return scalarOf(value);
  }
  if (filling.slip(`${name}/rest_end`) === 0n) return scalarOf(otherwise);
  // nothing is left at the end of the bits, and yet one more is taken
  const { rest, bit } = scalarOf(otherwise);
  return { rest, bit: (i) => (i === 252 ? 1n : bit(i)) };
}

interface SumColumns {
  readonly x: Place;
  readonly y: Place;
  readonly slope: Place;
  readonly rest: Place;
  readonly inverse?: Place;
}

const LAST = 255;

/** The cells of one step of a sum. */
interface Step extends Point {
  readonly rest: bigint;
  readonly slope: bigint;
  readonly inverse: bigint;
}

/** Sums without a slip are made once. */
const sums = new Map<string, readonly Step[]>();

/** Fills 256 steps, `stride` rows apart from `row`; answers the last sum. */
export function fillSum(
  filling: Filling,
  name: string,
  columns: SumColumns,
  stride: number,
  row: number,
  start: Point,
  scalar: Scalar,
  added: (i: number) => Point,
): Point {
  const points = [0, 1, 253, 254].map(added).flatMap(({ x, y }) => [x, y]);
  const key = [start.x, start.y, scalar.rest, scalar.bit(252), ...points].join(' ');
  const isHonest = !filling.isFaultIn(name);
  const made = isHonest ? sums.get(key) : undefined;
  const steps = made ?? stepsOf(start, scalar, added, (what) => filling.slip(`${name}/${what}`));
  if (isHonest) sums.set(key, steps);
  for (const [i, step] of steps.entries()) {
    const below = row + i * stride;
    filling.set(columns.x, below, step.x);
    filling.set(columns.y, below, step.y);
    filling.set(columns.rest, below, step.rest);
    if (i === LAST) break;
    filling.set(columns.slope, below, step.slope);
    if (columns.inverse !== undefined) filling.set(columns.inverse, below, step.inverse);
  }
  return steps[LAST] as Step;
}

function stepsOf(
  start: Point,
  scalar: Scalar,
  added: (i: number) => Point,
  slip: (what: string) => bigint,
): Step[] {
  const steps: Step[] = [];
  let { x, y } = start;
  let { rest } = scalar;
  for (let i = 0; i <= LAST; i++) {
    const { x: pointX, y: pointY } = added(i);
    const bit = i === LAST ? 0n : scalar.bit(i);
    const apart = inverse(sub(x, pointX));
    const slope = bit === 0n ? 0n : add(mul(sub(y, pointY), apart), slip('add/slope'));
    steps.push({ x, y, rest, slope, inverse: i === LAST ? 0n : apart + slip('add/apart') });
    if (bit === 0n) {
      if (i < LAST) [x, y] = [add(x, slip('copy/x')), add(y, slip('copy/y'))];
    } else {
      const nextX = reduce(slope * slope - x - pointX + slip('add/x'));
      y = reduce(slope * (x - nextX) - y + slip('add/y'));
      x = nextX;
    }
    rest = halved(rest, bit);
  }
  return steps;
}

/** A point and its doublings, 256 of them. */
export function fillDoublings(
  filling: Filling,
  name: string,
  columns: { readonly x: Place; readonly y: Place; readonly slope: Place },
  stride: number,
  row: number,
  start: Point,
  slipsFrom = 0,
): Point[] {
  const points: Point[] = [];
  let { x, y } = start;
  for (let i = 0; ; i++) {
    points.push({ x, y });
    filling.set(columns.x, row + i * stride, x);
    filling.set(columns.y, row + i * stride, y);
    if (i === LAST) return points;
    const slip = (what: string): bigint => (i < slipsFrom ? 0n : filling.slip(`${name}/${what}`));
    const slope = add(divide(reduce(3n * x * x + 1n), 2n * y), slip('slope'));
    filling.set(columns.slope, row + i * stride, slope);
    const nextX = reduce(slope * slope - 2n * x + slip('x'));
    y = reduce(slope * (x - nextX) - y + slip('y'));
    x = nextX;
  }
}

/** Cells that say which of its two forms a scalar has. */
export function fillUniqueBits(
  filling: Filling,
  name: string,
  { high, highest }: { readonly high: Place; readonly highest: Place },
  row: number,
  { bit }: Scalar,
): void {
  const product = bit(251) * bit(196) + filling.slip(`${name}/high`);
  filling.set(high, row, product);
  filling.set(highest, row, product * bit(192) + filling.slip(`${name}/highest`));
}

const POINTS = bitPoints();

/** Every hash is that of the same two numbers, but for the one with the slip. */
export function fillPedersen(filling: Filling): void {
  const { pedersen } = filling.table;
  if (pedersen === undefined) return;
  const { hashes, stride, a, b, output } = pedersen;
  const rows = (lines: number): number => lines * stride;
  const period = rows(512) / hashes.length;
  const slip = (name: string): bigint => filling.slip(`pedersen/${name}`);
  let address = 20n;
  filling.parameters.set('pedersen_begin', address + slip('first_address'));
  for (let use = 0; use < filling.rows / period; use++) {
    const hash = hashes[use % hashes.length];
    if (hash === undefined) throw new Error('no such hash');
    const row = Math.floor(use / hashes.length) * rows(512);
    const name = `pedersen/hash${use % hashes.length}`;
    let sum: Point = { x: SHIFT.x + filling.slip(`${name}/first/x`), y: SHIFT.y };
    sum = { ...sum, y: sum.y + filling.slip(`${name}/first/y`) };
    if (use > 0 && use % hashes.length === 0 && filling.goesOn(a, use * period, address)) break;
    const inputs = [scalarFor(filling, name, 2n ** 240n + 12345n), scalarOf(2n ** 200n + 99n)];
    for (const [half, scalar] of inputs.entries()) {
      const from = row + rows(256 * half);
      if (half === 1) {
        const x = add(sum.x, filling.slip(`${name}/second_input/x`));
        sum = { x, y: add(sum.y, filling.slip(`${name}/second_input/y`)) };
      }
      fillUniqueBits(filling, name, hash, from, scalar);
      const points = POINTS[half] ?? [];
      const point = (i: number): Point => points[i] ?? (points.at(-1) as Point);
      sum = fillSum(filling, name, hash, stride, from, sum, scalar, point);
    }
    const at = use * period;
    const i = use % hashes.length;
    const value = (what: string, cell: bigint): bigint => cell + slip(`${what}_value${i}`);
    filling.access(a, at, address, value('a', inputs[0]?.rest ?? 0n));
    const bAddress = address + 1n + slip('b_address');
    filling.access(b, at, bAddress, value('b', inputs[1]?.rest ?? 0n));
    const outputAddress = bAddress + 1n + slip('output_address');
    filling.access(output, at, outputAddress, value('output', sum.x));
    address = outputAddress + 1n + slip('next_use_address');
  }
}

/** A point of the curve whose x-coordinate is the least from `x` on. */
export function pointFrom(x: bigint): Point {
  const square = reduce(x * x * x + x + CURVE_BETA);
  const y = squareRoot(square);
  return y === undefined ? pointFrom(x + 1n) : { x, y };
}

/** Tonelli and Shanks; undefined for what is no square. */
export function squareRoot(square: bigint): bigint | undefined {
  if (pow(square, (P - 1n) / 2n) !== 1n) return undefined;
  const odd = (P - 1n) >> 192n;
  let root = pow(square, (odd + 1n) / 2n);
  let rest = pow(square, odd);
  let z = pow(3n, odd);
  let order = 192;
  while (rest !== 1n) {
    let log = 0;
    for (let power = rest; power !== 1n; power = mul(power, power)) log++;
    for (let i = log; i < order - 1; i++) z = mul(z, z);
    root = mul(root, z);
    z = mul(z, z);
    rest = mul(rest, z);
    order = log;
  }
  return root;
}

/** P + m·Q. A sum may begin anywhere: at y = 0 a bit may be no bit, and nothing else is wrong. */
export function fillEcOp(filling: Filling): void {
  const { ecOp } = filling.table;
  if (ecOp === undefined) return;
  const { stride, doubled, sum, memory } = ecOp;
  const q = pointFrom(7n);
  const period = 256 * stride;
  let address = 5000n;
  filling.parameters.set('ec_op_begin', address + filling.slip('ec_op/first_address'));
  for (let row = 0; row < filling.rows; row += period) {
    if (row > 0 && filling.goesOn(memory[0], row, address)) break;
    const noBit = filling.isFault('ec_op/sum/bit') && row === 0;
    if (noBit) filling.slip('ec_op/sum/bit');
    const p: Point = noBit ? { x: 11n, y: 0n } : pointFrom(1000n);
    const points = fillDoublings(filling, 'ec_op/doubling', doubled, stride, row, q);
    const name = ['bits_end', 'rest_end'].some((one) => filling.isFault(`ec_op/sum/${one}`))
      ? 'ec_op/sum'
      : 'ec_op';
    const honest = scalarFor(filling, name, 2n ** 249n + 4321n);
    // slope² = bit·(2x + x'), slope = −bit·y' / (x − x'), and the sum stays where it is
    const { x, y } = q;
    const strange = divide(mul(add(2n * p.x, x), mul(sub(p.x, x), sub(p.x, x))), mul(y, y));
    const scalar: Scalar = noBit
      ? { rest: add(strange, 2n), bit: (i) => (i === 0 ? strange : i === 1 ? 1n : 0n) }
      : honest;
    fillUniqueBits(filling, 'ec_op', ecOp, row, noBit ? scalarOf(0n) : scalar);
    const point = (i: number): Point => points[i] as Point;
    const end = noBit
      ? fillNoBit(filling, sum, stride, row, p, scalar, point)
      : fillSum(filling, 'ec_op/sum', sum, stride, row, p, scalar, point);
    const cells = [p.x, p.y, q.x, q.y, scalar.rest, end.x, end.y];
    for (const [i, place] of memory.entries()) {
      const what = ['p_x', 'p_y', 'q_x', 'q_y', 'm', 'r_x', 'r_y'][i] ?? '';
      if (i > 0) address += 1n + filling.slip(`ec_op/address${i}`);
      filling.access(place, row, address, (cells[i] ?? 0n) + filling.slip(`ec_op/${what}`));
    }
    address = filling.at(memory[0], row) + 7n + filling.slip('ec_op/next_use_address');
  }
}

/** The first row of a sum with a bit that is none: the sum stays, with a slope of its own. */
function fillNoBit(
  filling: Filling,
  sum: Required<SumColumns>,
  stride: number,
  row: number,
  start: Point,
  scalar: Scalar,
  added: (i: number) => Point,
): Point {
  const { x, y } = added(0);
  const apart = sub(start.x, x);
  // from the second row on it is a sum of bits
  const rest = halved(scalar.rest, scalar.bit(0));
  const bits: Scalar = { rest: scalar.rest, bit: (i) => (i === 0 ? 0n : scalar.bit(i)) };
  const end = fillSum(filling, '', sum, stride, row, start, bits, added);
  let left = rest;
  for (let i = 1; i <= LAST; i++) {
    filling.set(sum.rest, row + i * stride, left);
    left = halved(left, scalar.bit(i));
  }
  filling.set(sum.slope, row, divide(mul(scalar.bit(0), sub(start.y, y)), apart));
  return end;
}
