// Constraints of curve points that several builtins share: chosen sums, doublings, unique bits.
import { CURVE_ALPHA } from '../curve/curve.ts';
import type { AirBuilder } from './builder.ts';
import type { Expression, Rows } from './expression.ts';

/** What the Pedersen, ECDSA and EC-operation builtins share: sums of points, chosen by bits. */
export interface Point {
  readonly x: Expression;
  readonly y: Expression;
}

/** The rows of a sum, one bit each. */
export interface BitRows {
  readonly every: Rows;
  /** The row behind the bits that a scalar may have, where nothing of it is left. */
  readonly afterBits: Rows;
  readonly last: Rows;
}

/** Cells of one step of a sum: each bit of a scalar adds a point, or does not. */
export interface SumStep {
  readonly name: string;
  readonly rows: BitRows;
  readonly sum: Point;
  readonly next: Point;
  readonly added: Point;
  readonly slope: Expression;
  /** 1 / (x − x of the added point); left out where the points are known never to meet. */
  readonly inverse?: Expression;
  /** The bits that are left, as a number, here and in the next row. */
  readonly rest: Expression;
  readonly nextRest: Expression;
}

/** Each row adds its point to the sum, or copies the sum. */
export function addSum(air: AirBuilder, step: SumStep): void {
  const { name, rows, sum, next, added, slope, inverse, rest } = step;
  const bit = air.bit(rest, step.nextRest);
  const zero = (what: string, expression: Expression): void =>
    air.zero(`${name}/${what}`, rows.every, expression, rows.last);
  zero('bit', bit.times(bit.minus(1n)));
  air.zero(`${name}/bits_end`, rows.afterBits, rest);
  air.zero(`${name}/rest_end`, rows.last, rest);
  const apart = sum.x.minus(added.x);
  zero('add/slope', bit.times(sum.y.minus(added.y)).minus(slope.times(apart)));
  zero('add/x', slope.times(slope).minus(bit.times(sum.x.plus(added.x).plus(next.x))));
  zero('add/y', bit.times(sum.y.plus(next.y)).minus(slope.times(sum.x.minus(next.x))));
  if (inverse !== undefined) zero('add/apart', inverse.times(apart).minus(1n));
  zero('copy/x', air.not(bit).times(next.x.minus(sum.x)));
  zero('copy/y', air.not(bit).times(next.y.minus(sum.y)));
}

/** A point that doubles with every row of `rows`. */
export function addDoubling(
  air: AirBuilder,
  name: string,
  rows: BitRows,
  point: Point,
  next: Point,
  slope: Expression,
): void {
  const { x, y } = point;
  const zero = (what: string, expression: Expression): void =>
    air.zero(`${name}/${what}`, rows.every, expression, rows.last);
  const square = x.times(x);
  const tangent = square.plus(square).plus(square).plus(CURVE_ALPHA);
  zero('slope', tangent.minus(y.plus(y).times(slope)));
  zero('x', slope.times(slope).minus(x.plus(x).plus(next.x)));
  zero('y', y.plus(next.y).minus(slope.times(x.minus(next.x))));
}

/** Cells that say which of a scalar's two forms its 252 bits are. */
export interface UniqueBits {
  /** The bits that are left after so many, as a number. */
  readonly rest: (bits: number) => Expression;
  /** bit251 · bit196, and that · bit192: a number at or above p would need both of its kind. */
  readonly high: Expression;
  readonly highest: Expression;
}

/**
 * The 252 bits are those of a number below p = 2^251 + 17·2^192 + 1, not of that plus p: if bits
 * 251, 196 and 192 are set, all others are zero; if 251 and 196 are, those between.
 */
export function addUniqueBits(air: AirBuilder, name: string, rows: Rows, bits: UniqueBits): void {
  const { rest, high, highest } = bits;
  const bit = (i: number): Expression => air.bit(rest(i), rest(i + 1));
  const zero = (what: string, expression: Expression): void =>
    air.zero(`${name}/${what}`, rows, expression);
  const zeros = (from: number, to: number): Expression =>
    rest(from).minus(rest(to).times(2n ** BigInt(to - from)));
  zero('bit0_is_zero', highest.times(bit(0)));
  zero('zeros_below_192', highest.times(zeros(1, 192)));
  zero('highest', highest.minus(high.times(bit(192))));
  zero('zeros_below_196', high.times(zeros(193, 196)));
  zero('high', high.minus(bit(251).times(bit(196))));
  zero('zeros_below_251', bit(251).times(zeros(197, 251)));
}
