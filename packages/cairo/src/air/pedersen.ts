import { PEDERSEN_SHIFT } from '../curve/pedersen.ts';
import { type AirBuilder, EVERY_ROW, every, FIRST_ROW, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';

/**
 * The Pedersen builtin: four hashes side by side, each 512 rows, one input per 256 rows, one bit
 * per row. A row's partial sum is the point of the row before, plus that bit's known point.
 */

const HASH = 512;
const EVERY_HASH: Rows = every(HASH);
/** The two halves of a hash, and the row of a half behind its last bit. */
const EVERY_INPUT: Rows = every(256);
const LAST_BIT: Rows = every(256, 255);
const AFTER_BITS: Rows = every(256, 252);
const SECOND_INPUT: Rows = every(HASH, 256);
/** Uses of the builtin, one per 128 rows, and the last of a trace. */
const EVERY_USE: Rows = every(128);
const LAST_USE: Rows = single(-128);

/** The columns of one hash, and two cells (column, row) that hold products of high bits. */
export interface HashColumns {
  readonly x: number;
  readonly y: number;
  readonly slope: number;
  /** The bits that are left of an input, as a number. */
  readonly rest: number;
  /** bit251 · bit196, and that · bit192: an input at or above p would need both of its kind. */
  readonly high: readonly [column: number, row: number];
  readonly highest: readonly [column: number, row: number];
}

export interface PedersenColumns {
  readonly hashes: readonly HashColumns[];
  /** Memory accesses; uses stand at rows 6 (input a), 70 (input b) and 38 (output) mod 128. */
  readonly memory: number;
}

export function addPedersen(air: AirBuilder, { hashes, memory }: PedersenColumns): void {
  for (const [i, columns] of hashes.entries()) {
    addUniqueBits(air, columns, `pedersen/hash${i}`);
    addSum(air, columns, `pedersen/hash${i}`);
    addFrame(air, columns, `pedersen/hash${i}`);
  }
  addUses(air, hashes, memory);
}

/**
 * The 252 bits of an input are those of a number below p = 2^251 + 17·2^192 + 1, not of that plus
 * p: if bits 251, 196 and 192 are set, all others are zero; if 251 and 196 are, those between.
 */
function addUniqueBits(air: AirBuilder, columns: HashColumns, name: string): void {
  const rest = (row: number): Expression => air.cell(columns.rest, row);
  const bit = (row: number): Expression => air.bit(rest(row), rest(row + 1));
  const high = air.cell(...columns.high);
  const highest = air.cell(...columns.highest);
  const zero = (what: string, expression: Expression): void =>
    air.zero(`${name}/${what}`, EVERY_INPUT, expression);
  const zeros = (from: number, to: number): Expression =>
    rest(from).minus(rest(to).times(2n ** BigInt(to - from)));
  zero('bit0_is_zero', highest.times(bit(0)));
  zero('zeros_below_192', highest.times(zeros(1, 192)));
  zero('highest', highest.minus(high.times(bit(192))));
  zero('zeros_below_196', high.times(zeros(193, 196)));
  zero('high', high.minus(bit(251).times(bit(196))));
  zero('zeros_below_251', bit(251).times(zeros(197, 251)));
}

/** Each row adds its known point to the sum, or copies the sum. */
function addSum(air: AirBuilder, columns: HashColumns, name: string): void {
  const rest = (row: number): Expression => air.cell(columns.rest, row);
  const [x, y, slope] = [
    air.cell(columns.x, 0),
    air.cell(columns.y, 0),
    air.cell(columns.slope, 0),
  ];
  const [nextX, nextY] = [air.cell(columns.x, 1), air.cell(columns.y, 1)];
  const pointX = air.parameter('pedersen_point_x');
  const pointY = air.parameter('pedersen_point_y');
  const bit = air.bit(rest(0), rest(1));
  const zero = (what: string, expression: Expression): void =>
    air.zero(`${name}/${what}`, EVERY_ROW, expression, LAST_BIT);
  zero('bit', bit.times(bit.minus(1n)));
  air.zero(`${name}/bits_end`, AFTER_BITS, rest(0));
  air.zero(`${name}/rest_end`, LAST_BIT, rest(0));
  zero('add/slope', bit.times(y.minus(pointY)).minus(slope.times(x.minus(pointX))));
  zero('add/x', slope.times(slope).minus(bit.times(x.plus(pointX).plus(nextX))));
  zero('add/y', bit.times(y.plus(nextY)).minus(slope.times(x.minus(nextX))));
  zero('copy/x', air.not(bit).times(nextX.minus(x)));
  zero('copy/y', air.not(bit).times(nextY.minus(y)));
}

/** A hash begins with the shift point; its second input goes on where the first ended. */
function addFrame(air: AirBuilder, { x, y }: HashColumns, name: string): void {
  const goesOn = (what: string, column: number): void => {
    const step = air.cell(column, 256).minus(air.cell(column, 255));
    air.zero(`${name}/second_input/${what}`, EVERY_INPUT, step, SECOND_INPUT);
  };
  goesOn('x', x);
  goesOn('y', y);
  air.zero(`${name}/first/x`, EVERY_HASH, air.cell(x, 0).minus(PEDERSEN_SHIFT.x));
  air.zero(`${name}/first/y`, EVERY_HASH, air.cell(y, 0).minus(PEDERSEN_SHIFT.y));
}

/** Inputs and outputs are memory cells; three consecutive cells are one use. */
function addUses(air: AirBuilder, hashes: readonly HashColumns[], memory: number): void {
  const address = (row: number): Expression => air.cell(memory, row);
  const follows = (next: number, row: number): Expression =>
    address(next).minus(address(row).plus(1n));
  const values = (name: string, row: number, cell: (hash: HashColumns) => Expression): void => {
    for (const [i, hash] of hashes.entries()) {
      const value = air.cell(memory, row + 1 + 128 * i);
      air.zero(`pedersen/${name}_value${i}`, EVERY_HASH, value.minus(cell(hash)));
    }
  };
  values('a', 6, ({ rest }) => air.cell(rest, 0));
  air.zero('pedersen/next_use_address', EVERY_USE, follows(134, 38), LAST_USE);
  const begin = air.parameter('pedersen_begin');
  air.zero('pedersen/first_address', FIRST_ROW, address(6).minus(begin));
  values('b', 70, ({ rest }) => air.cell(rest, 256));
  air.zero('pedersen/b_address', EVERY_USE, follows(70, 6));
  values('output', 38, ({ x }) => air.cell(x, 511));
  air.zero('pedersen/output_address', EVERY_USE, follows(38, 70));
}
