import { PEDERSEN_SHIFT } from '../curve/pedersen.ts';
import { type AirBuilder, every, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';

/**
 * The Pedersen builtin: hashes side by side, each of two inputs of 256 lines, one bit per line. A
 * line's partial sum is that of the line before, plus the bit's known point.
 */

/** The cells of one hash on its first line, and two that hold products of high bits. */
export interface HashColumns {
  readonly x: Place;
  readonly y: Place;
  readonly slope: Place;
  /** The bits that are left of an input, as a number. */
  readonly rest: Place;
  /** bit251 · bit196, and that · bit192: an input at or above p would need both of its kind. */
  readonly high: Place;
  readonly highest: Place;
}

export interface PedersenColumns {
  readonly hashes: readonly HashColumns[];
  /** Trace rows per line. */
  readonly stride: number;
  /** Where among the memory accesses a use stands, mod 512 lines / number of hashes. */
  readonly a: Place;
  readonly b: Place;
  readonly output: Place;
}

/** The rows that a line number of the builtin stands for. */
interface Lines {
  readonly every: Rows;
  readonly everyHash: Rows;
  /** The two halves of a hash, and the rows of a half behind its last bit. */
  readonly everyInput: Rows;
  readonly lastBit: Rows;
  readonly afterBits: Rows;
  readonly secondInput: Rows;
  /** Of so many lines. */
  readonly rows: (lines: number) => number;
}

function linesOf(stride: number): Lines {
  const rows = (lines: number): number => lines * stride;
  return {
    every: every(stride),
    everyHash: every(rows(512)),
    everyInput: every(rows(256)),
    lastBit: every(rows(256), rows(255)),
    afterBits: every(rows(256), rows(252)),
    secondInput: every(rows(512), rows(256)),
    rows,
  };
}

export function addPedersen(air: AirBuilder, columns: PedersenColumns): void {
  const lines = linesOf(columns.stride);
  for (const [i, hash] of columns.hashes.entries()) {
    addUniqueBits(air, lines, hash, `pedersen/hash${i}`);
    addSum(air, lines, hash, `pedersen/hash${i}`);
    addFrame(air, lines, hash, `pedersen/hash${i}`);
  }
  addUses(air, lines, columns);
}

/**
 * The 252 bits of an input are those of a number below p = 2^251 + 17·2^192 + 1, not of that plus
 * p: if bits 251, 196 and 192 are set, all others are zero; if 251 and 196 are, those between.
 */
function addUniqueBits(air: AirBuilder, lines: Lines, columns: HashColumns, name: string): void {
  const rest = (line: number): Expression => air.at(columns.rest, lines.rows(line));
  const bit = (line: number): Expression => air.bit(rest(line), rest(line + 1));
  const high = air.at(columns.high);
  const highest = air.at(columns.highest);
  const zero = (what: string, expression: Expression): void =>
    air.zero(`${name}/${what}`, lines.everyInput, expression);
  const zeros = (from: number, to: number): Expression =>
    rest(from).minus(rest(to).times(2n ** BigInt(to - from)));
  zero('bit0_is_zero', highest.times(bit(0)));
  zero('zeros_below_192', highest.times(zeros(1, 192)));
  zero('highest', highest.minus(high.times(bit(192))));
  zero('zeros_below_196', high.times(zeros(193, 196)));
  zero('high', high.minus(bit(251).times(bit(196))));
  zero('zeros_below_251', bit(251).times(zeros(197, 251)));
}

/** Each line adds its known point to the sum, or copies the sum. */
function addSum(air: AirBuilder, lines: Lines, columns: HashColumns, name: string): void {
  const next = lines.rows(1);
  const [x, y, slope] = [air.at(columns.x), air.at(columns.y), air.at(columns.slope)];
  const [nextX, nextY] = [air.at(columns.x, next), air.at(columns.y, next)];
  const pointX = air.parameter('pedersen_point_x');
  const pointY = air.parameter('pedersen_point_y');
  const bit = air.bit(air.at(columns.rest), air.at(columns.rest, next));
  const zero = (what: string, expression: Expression): void =>
    air.zero(`${name}/${what}`, lines.every, expression, lines.lastBit);
  zero('bit', bit.times(bit.minus(1n)));
  air.zero(`${name}/bits_end`, lines.afterBits, air.at(columns.rest));
  air.zero(`${name}/rest_end`, lines.lastBit, air.at(columns.rest));
  zero('add/slope', bit.times(y.minus(pointY)).minus(slope.times(x.minus(pointX))));
  zero('add/x', slope.times(slope).minus(bit.times(x.plus(pointX).plus(nextX))));
  zero('add/y', bit.times(y.plus(nextY)).minus(slope.times(x.minus(nextX))));
  zero('copy/x', air.not(bit).times(nextX.minus(x)));
  zero('copy/y', air.not(bit).times(nextY.minus(y)));
}

/** A hash begins with the shift point; its second input goes on where the first ended. */
function addFrame(air: AirBuilder, lines: Lines, { x, y }: HashColumns, name: string): void {
  const goesOn = (what: string, place: Place): void => {
    const step = air.at(place, lines.rows(256)).minus(air.at(place, lines.rows(255)));
    air.zero(`${name}/second_input/${what}`, lines.everyInput, step, lines.secondInput);
  };
  goesOn('x', x);
  goesOn('y', y);
  air.zero(`${name}/first/x`, lines.everyHash, air.at(x).minus(PEDERSEN_SHIFT.x));
  air.zero(`${name}/first/y`, lines.everyHash, air.at(y).minus(PEDERSEN_SHIFT.y));
}

/** Inputs and outputs are memory cells; three consecutive cells are one use. */
function addUses(air: AirBuilder, lines: Lines, columns: PedersenColumns): void {
  const { hashes, a, b, output } = columns;
  const period = lines.rows(512) / hashes.length;
  const everyUse = every(period);
  const follows = (next: Expression, place: Place): Expression =>
    next.minus(air.at(place).plus(1n));
  const values = (name: string, use: Place, cell: (hash: HashColumns) => Expression): void => {
    for (const [i, hash] of hashes.entries()) {
      const value = air.at(use, 1 + period * i);
      air.zero(`pedersen/${name}_value${i}`, lines.everyHash, value.minus(cell(hash)));
    }
  };
  values('a', a, ({ rest }) => air.at(rest));
  const next = follows(air.at(a, period), output);
  air.zero('pedersen/next_use_address', everyUse, next, single(-period));
  const begin = air.parameter('pedersen_begin');
  air.zero('pedersen/first_address', FIRST_ROW, air.at(a).minus(begin));
  values('b', b, ({ rest }) => air.at(rest, lines.rows(256)));
  air.zero('pedersen/b_address', everyUse, follows(air.at(b), a));
  values('output', output, ({ x }) => air.at(x, lines.rows(511)));
  air.zero('pedersen/output_address', everyUse, follows(air.at(output), b));
}
