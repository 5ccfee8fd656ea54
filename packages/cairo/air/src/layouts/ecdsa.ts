// Constraints of the ECDSA builtin.
import { CURVE_ALPHA, CURVE_BETA } from '../curve/curve.ts';
import { PEDERSEN_SHIFT as SHIFT } from '../curve/pedersen.ts';
import { type AirBuilder, every, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';
import { addDoubling, addSum, type BitRows, type Point } from './points.ts';

/**
 * The ECDSA builtin: one signature (r, w) of a message z under a key Q per 512 lines. It computes
 * z·G, r·Q, then B = z·G + r·Q, then w·B, whose x-coordinate must be r; every sum starts at the
 * shift point, so that no partial sum is the point at infinity. z·G has one bit per two lines, the
 * other two have one per line, one after the other in half of the lines each.
 */

/** Cells of a scalar times a point, in their first row. */
export interface MultiplicationColumns {
  readonly x: Place;
  readonly y: Place;
  readonly slope: Place;
  /** The bits that are left of the scalar, as a number. */
  readonly rest: Place;
  /** Inverses of differences. */
  readonly inverse: Place;
}

/** Where a signature's points, bits and memory accesses stand. */
export interface EcdsaColumns {
  /** Trace rows per line. */
  readonly stride: number;
  /** The point that doubles: Q, then B. */
  readonly doubled: { readonly x: Place; readonly y: Place; readonly slope: Place };
  readonly byGenerator: MultiplicationColumns;
  readonly byKey: MultiplicationColumns;
  /** Slope and inverse difference of z·G + r·Q, and of taking the shift point from w·B. */
  readonly sum: { readonly slope: Place; readonly inverse: Place };
  readonly result: { readonly slope: Place; readonly inverse: Place };
  readonly zInverse: Place;
  /** In both halves: of r, then of w. */
  readonly scalarInverse: Place;
  readonly keySquare: Place;
  /** Memory accesses. */
  readonly key: Place;
  readonly message: Place;
}

const LINES = 512;
const HALF = 256;
const SCALAR_BITS = 251;

interface Ecdsa {
  readonly air: AirBuilder;
  readonly columns: EcdsaColumns;
  readonly at: (place: Place, lines?: number) => Expression;
  readonly signature: Rows;
  readonly half: Rows;
  readonly period: number;
}

/** Trace rows of a signature. */
export const ecdsaRows = ({ stride }: EcdsaColumns): number => LINES * stride;

/** Adds the constraints of the ECDSA builtin, in Stone's order. */
export function addEcdsa(air: AirBuilder, columns: EcdsaColumns): void {
  const { stride, doubled, byGenerator, byKey } = columns;
  const at = (place: Place, lines = 0): Expression => air.at(place, lines * stride);
  const period = ecdsaRows(columns);
  const signature = every(period);
  const half = every(HALF * stride);
  const ecdsa: Ecdsa = { air, columns, at, signature, half, period };
  const key: Point = { x: at(doubled.x), y: at(doubled.y) };
  const nextKey = { x: at(doubled.x, 1), y: at(doubled.y, 1) };
  const keyRows = bitRows(stride);
  addDoubling(air, 'ecdsa/doubling', keyRows, key, nextKey, at(doubled.slope));
  const generator = {
    x: air.parameter('generator_point_x'),
    y: air.parameter('generator_point_y'),
  };
  addMultiplication(ecdsa, 'ecdsa/by_generator', byGenerator, generator, 2);
  addMultiplication(ecdsa, 'ecdsa/by_key', byKey, key, 1);
  addFirstSums(ecdsa);
  addResults(ecdsa);
  addScalarsAndKey(ecdsa);
  addUses(ecdsa);
}

/** Of 256 bits, `rows` apart. */
const bitRows = (rows: number): BitRows => ({
  every: every(rows),
  afterBits: every(HALF * rows, SCALAR_BITS * rows),
  last: every(HALF * rows, (HALF - 1) * rows),
});

function addMultiplication(
  { air, at, columns }: Ecdsa,
  name: string,
  { x, y, slope, rest, inverse }: MultiplicationColumns,
  added: Point,
  lines: number,
): void {
  addSum(air, {
    name,
    rows: bitRows(lines * columns.stride),
    sum: { x: at(x), y: at(y) },
    next: { x: at(x, lines), y: at(y, lines) },
    added,
    slope: at(slope),
    inverse: at(inverse),
    rest: at(rest),
    nextRest: at(rest, lines),
  });
}

/** z·G starts at minus the shift point, r·Q and w·B at the shift point. */
function addFirstSums({ air, columns, at, signature, half }: Ecdsa): void {
  const { byGenerator, byKey } = columns;
  air.zero('ecdsa/first/generator_x', signature, at(byGenerator.x).minus(SHIFT.x));
  air.zero('ecdsa/first/generator_y', signature, at(byGenerator.y).plus(SHIFT.y));
  air.zero('ecdsa/first/key_x', half, at(byKey.x).minus(SHIFT.x));
  air.zero('ecdsa/first/key_y', half, at(byKey.y).minus(SHIFT.y));
}

/** B = z·G + r·Q is what w multiplies; w·B without its shift point has the x-coordinate r. */
function addResults({ air, columns, at, signature }: Ecdsa): void {
  const { byGenerator, byKey, doubled } = columns;
  const zero = (what: string, expression: Expression): void =>
    air.zero(`ecdsa/${what}`, signature, expression);
  const point = ({ x, y }: { x: Place; y: Place }, lines: number): Point => ({
    x: at(x, lines),
    y: at(y, lines),
  });
  const zG = point(byGenerator, LINES - 2);
  const rQ = point(byKey, HALF - 1);
  const sum = point(doubled, HALF);
  const slope = at(columns.sum.slope);
  const apart = zG.x.minus(rQ.x);
  zero('sum/slope', zG.y.minus(rQ.y.plus(slope.times(apart))));
  zero('sum/x', slope.times(slope).minus(zG.x.plus(rQ.x).plus(sum.x)));
  zero('sum/y', zG.y.plus(sum.y).minus(slope.times(zG.x.minus(sum.x))));
  zero('sum/apart', at(columns.sum.inverse).times(apart).minus(1n));
  const wB = point(byKey, LINES - 1);
  const resultSlope = at(columns.result.slope);
  const fromShift = wB.x.minus(SHIFT.x);
  zero('r/slope', wB.y.plus(SHIFT.y).minus(resultSlope.times(fromShift)));
  const x = wB.x.plus(SHIFT.x).plus(at(byKey.rest));
  zero('r/x', resultSlope.times(resultSlope).minus(x));
  zero('r/apart', at(columns.result.inverse).times(fromShift).minus(1n));
}

/** z, r and w are not zero, and Q is on the curve. */
function addScalarsAndKey({ air, columns, at, signature, half }: Ecdsa): void {
  const { byGenerator, byKey, zInverse, scalarInverse, doubled } = columns;
  const nonzero = (rest: Place, inverse: Place): Expression =>
    at(rest).times(at(inverse)).minus(1n);
  air.zero('ecdsa/z_nonzero', signature, nonzero(byGenerator.rest, zInverse));
  air.zero('ecdsa/r_and_w_nonzero', half, nonzero(byKey.rest, scalarInverse));
  const [x, y, square] = [at(doubled.x), at(doubled.y), at(columns.keySquare)];
  air.zero('ecdsa/key_square', signature, square.minus(x.times(x)));
  const cubic = x.times(square).plus(x.times(CURVE_ALPHA)).plus(CURVE_BETA);
  air.zero('ecdsa/key_on_curve', signature, y.times(y).minus(cubic));
}

/** Key, then message: two consecutive memory cells are one use. */
function addUses({ air, columns, at, signature, period }: Ecdsa): void {
  const { key, message, byGenerator, doubled } = columns;
  const follows = (next: Expression, place: Place): Expression => next.minus(at(place).plus(1n));
  const begin = air.parameter('ecdsa_begin');
  air.zero('ecdsa/first_address', FIRST_ROW, at(key).minus(begin));
  air.zero('ecdsa/message_address', signature, follows(at(message), key));
  const next = follows(at(key, LINES), message);
  air.zero('ecdsa/next_use_address', signature, next, single(-period));
  air.zero('ecdsa/message', signature, air.at(message, 1).minus(at(byGenerator.rest)));
  air.zero('ecdsa/key', signature, air.at(key, 1).minus(at(doubled.x)));
}
