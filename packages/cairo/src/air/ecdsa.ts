import { CURVE_ALPHA, CURVE_BETA } from '../curve/curve.ts';
import { PEDERSEN_SHIFT as SHIFT } from '../curve/pedersen.ts';
import { type AirBuilder, every, FIRST_ROW, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';

/**
 * The ECDSA builtin: one signature (r, w) of a message z under a key Q per 8,192 rows. It computes
 * z·G, r·Q, then B = z·G + r·Q, then w·B, whose x-coordinate must be r; every sum starts at the
 * shift point, so that no partial sum is the point at infinity. z·G has one bit per 32 rows, the
 * other two have one per 16, one after the other in 4,096 rows each.
 */

const SIGNATURE: Rows = every(8192);
const LAST_SIGNATURE: Rows = single(-8192);
/** The halves of a signature: r·Q, then w·B. */
const HALF: Rows = every(4096);

/** A multiplication: its bits, the row behind its 251 bits, and its last row. */
interface Multiplication {
  readonly bits: Rows;
  readonly afterBits: Rows;
  readonly lastBit: Rows;
}
const BY_GENERATOR: Multiplication = {
  bits: every(32),
  afterBits: every(8192, 251 * 32),
  lastBit: every(8192, 255 * 32),
};
const BY_KEY: Multiplication = {
  bits: every(16),
  afterBits: every(4096, 251 * 16),
  lastBit: every(4096, 255 * 16),
};

export interface EcdsaColumns {
  /** The column of registers, whose free rows the builtin shares. */
  readonly main: number;
  /** Inverses of differences. */
  readonly extra: number;
  /** Memory accesses; the key stands at row 22, the message at 4118. */
  readonly memory: number;
}

interface Point {
  readonly x: Expression;
  readonly y: Expression;
}

/** Cells of one step of a multiplication. */
interface Step {
  readonly name: string;
  readonly rows: Multiplication;
  readonly sum: Point;
  readonly next: Point;
  readonly added: Point;
  readonly slope: Expression;
  readonly inverse: Expression;
  readonly rest: Expression;
  readonly nextRest: Expression;
}

export function addEcdsa(air: AirBuilder, columns: EcdsaColumns): void {
  const main = (row: number): Expression => air.cell(columns.main, row);
  addDoubling(air, main);
  addMultiplication(air, {
    name: 'ecdsa/by_generator',
    rows: BY_GENERATOR,
    sum: { x: main(7), y: main(23) },
    next: { x: main(39), y: main(55) },
    added: { x: air.parameter('generator_point_x'), y: air.parameter('generator_point_y') },
    slope: main(31),
    inverse: air.cell(columns.extra, 0),
    rest: main(15),
    nextRest: main(47),
  });
  addMultiplication(air, {
    name: 'ecdsa/by_key',
    rows: BY_KEY,
    sum: { x: main(1), y: main(9) },
    next: { x: main(17), y: main(25) },
    added: { x: main(6), y: main(14) },
    slope: main(3),
    inverse: main(11),
    rest: main(5),
    nextRest: main(21),
  });
  addFirstSums(air, main);
  addResults(air, main, air.cell(columns.extra, 8160));
  addScalarsAndKey(air, main);
  addUses(air, main, (row) => air.cell(columns.memory, row));
}

/** The added point of `by_key` doubles with every bit. */
function addDoubling(air: AirBuilder, main: (row: number) => Expression): void {
  const [x, y, nextX, nextY, slope] = [main(6), main(14), main(22), main(30), main(13)];
  const zero = (what: string, expression: Expression): void =>
    air.zero(`ecdsa/doubling/${what}`, BY_KEY.bits, expression, BY_KEY.lastBit);
  const square = x.times(x);
  const tangent = square.plus(square).plus(square).plus(CURVE_ALPHA);
  zero('slope', tangent.minus(y.plus(y).times(slope)));
  zero('x', slope.times(slope).minus(x.plus(x).plus(nextX)));
  zero('y', y.plus(nextY).minus(slope.times(x.minus(nextX))));
}

/** Each bit adds the step's point to the sum, or copies the sum; the two points never meet. */
function addMultiplication(air: AirBuilder, step: Step): void {
  const { name, rows, sum, next, added, slope, rest } = step;
  const bit = air.bit(rest, step.nextRest);
  const zero = (what: string, expression: Expression): void =>
    air.zero(`${name}/${what}`, rows.bits, expression, rows.lastBit);
  zero('bit', bit.times(bit.minus(1n)));
  air.zero(`${name}/bits_end`, rows.afterBits, rest);
  air.zero(`${name}/rest_end`, rows.lastBit, rest);
  const apart = sum.x.minus(added.x);
  zero('add/slope', bit.times(sum.y.minus(added.y)).minus(slope.times(apart)));
  zero('add/x', slope.times(slope).minus(bit.times(sum.x.plus(added.x).plus(next.x))));
  zero('add/y', bit.times(sum.y.plus(next.y)).minus(slope.times(sum.x.minus(next.x))));
  zero('add/apart', step.inverse.times(apart).minus(1n));
  zero('copy/x', air.not(bit).times(next.x.minus(sum.x)));
  zero('copy/y', air.not(bit).times(next.y.minus(sum.y)));
}

/** z·G starts at minus the shift point, r·Q and w·B at the shift point. */
function addFirstSums(air: AirBuilder, main: (row: number) => Expression): void {
  air.zero('ecdsa/first/generator_x', SIGNATURE, main(7).minus(SHIFT.x));
  air.zero('ecdsa/first/generator_y', SIGNATURE, main(23).plus(SHIFT.y));
  air.zero('ecdsa/first/key_x', HALF, main(1).minus(SHIFT.x));
  air.zero('ecdsa/first/key_y', HALF, main(9).minus(SHIFT.y));
}

/** B = z·G + r·Q is what w multiplies; w·B without its shift point has the x-coordinate r. */
function addResults(air: AirBuilder, main: (row: number) => Expression, inverse: Expression): void {
  const zero = (what: string, expression: Expression): void =>
    air.zero(`ecdsa/${what}`, SIGNATURE, expression);
  const byGenerator = { x: main(8167), y: main(8183) };
  const byKey = { x: main(4081), y: main(4089) };
  const sum = { x: main(4102), y: main(4110) };
  const slope = main(8191);
  const apart = byGenerator.x.minus(byKey.x);
  zero('sum/slope', byGenerator.y.minus(byKey.y.plus(slope.times(apart))));
  zero('sum/x', slope.times(slope).minus(byGenerator.x.plus(byKey.x).plus(sum.x)));
  const below = byGenerator.x.minus(sum.x);
  zero('sum/y', byGenerator.y.plus(sum.y).minus(slope.times(below)));
  zero('sum/apart', inverse.times(apart).minus(1n));
  const result = { x: main(8177), y: main(8185) };
  const resultSlope = main(4083);
  const fromShift = result.x.minus(SHIFT.x);
  zero('r/slope', result.y.plus(SHIFT.y).minus(resultSlope.times(fromShift)));
  const x = result.x.plus(SHIFT.x).plus(main(5));
  zero('r/x', resultSlope.times(resultSlope).minus(x));
  zero('r/apart', main(8179).times(fromShift).minus(1n));
}

/** z, r and w are not zero, and Q is on the curve. */
function addScalarsAndKey(air: AirBuilder, main: (row: number) => Expression): void {
  air.zero('ecdsa/z_nonzero', SIGNATURE, main(15).times(main(4091)).minus(1n));
  air.zero('ecdsa/r_and_w_nonzero', HALF, main(5).times(main(4093)).minus(1n));
  const [x, y, square] = [main(6), main(14), main(8187)];
  air.zero('ecdsa/key_square', SIGNATURE, square.minus(x.times(x)));
  const cubic = x.times(square).plus(x.times(CURVE_ALPHA)).plus(CURVE_BETA);
  air.zero('ecdsa/key_on_curve', SIGNATURE, y.times(y).minus(cubic));
}

/** Key, then message: two consecutive memory cells are one use. */
function addUses(
  air: AirBuilder,
  main: (row: number) => Expression,
  memory: (row: number) => Expression,
): void {
  const follows = (next: number, row: number): Expression =>
    memory(next).minus(memory(row).plus(1n));
  const begin = air.parameter('ecdsa_begin');
  air.zero('ecdsa/first_address', FIRST_ROW, memory(22).minus(begin));
  air.zero('ecdsa/message_address', SIGNATURE, follows(4118, 22));
  air.zero('ecdsa/next_use_address', SIGNATURE, follows(8214, 4118), LAST_SIGNATURE);
  air.zero('ecdsa/message', SIGNATURE, memory(4119).minus(main(15)));
  air.zero('ecdsa/key', SIGNATURE, memory(23).minus(main(6)));
}
