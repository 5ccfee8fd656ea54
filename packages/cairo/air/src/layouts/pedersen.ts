// Constraints of the Pedersen builtin.
import { PEDERSEN_SHIFT } from '../curve/pedersen.ts';
import { type AirBuilder, every, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression, Rows } from './expression.ts';
import { addSum, addUniqueBits, type BitRows } from './points.ts';

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
  /** bit251 · bit196, and that · bit192. */
  readonly high: Place;
  readonly highest: Place;
}

/** Where the hashes and the memory accesses of their uses stand. */
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
  readonly bits: BitRows;
  readonly everyHash: Rows;
  /** The two halves of a hash. */
  readonly everyInput: Rows;
  readonly secondInput: Rows;
  /** Of so many lines. */
  readonly rows: (lines: number) => number;
}

function linesOf(stride: number): Lines {
  const rows = (lines: number): number => lines * stride;
  const half = rows(256);
  return {
    bits: { every: every(stride), afterBits: every(half, rows(252)), last: every(half, rows(255)) },
    everyHash: every(rows(512)),
    everyInput: every(half),
    secondInput: every(rows(512), half),
    rows,
  };
}

/** Trace rows of a hash; hashes stand side by side. */
export const hashRows = ({ stride }: PedersenColumns): number => 512 * stride;
/** Trace rows of a use. */
export const pedersenRows = (columns: PedersenColumns): number =>
  hashRows(columns) / columns.hashes.length;

/** Adds the constraints of the Pedersen builtin, in Stone's order. */
export function addPedersen(air: AirBuilder, columns: PedersenColumns): void {
  const lines = linesOf(columns.stride);
  for (const [i, hash] of columns.hashes.entries()) {
    const name = `pedersen/hash${i}`;
    addBits(air, lines, hash, name);
    addFrame(air, lines, hash, name);
  }
  addUses(air, lines, columns);
}

/** Both inputs' bits and the sum of the points that they choose. */
function addBits(air: AirBuilder, lines: Lines, columns: HashColumns, name: string): void {
  const { x, y, slope, rest, high, highest } = columns;
  addUniqueBits(air, name, lines.everyInput, {
    rest: (line) => air.at(rest, lines.rows(line)),
    high: air.at(high),
    highest: air.at(highest),
  });
  const next = lines.rows(1);
  addSum(air, {
    name,
    rows: lines.bits,
    sum: { x: air.at(x), y: air.at(y) },
    next: { x: air.at(x, next), y: air.at(y, next) },
    added: { x: air.parameter('pedersen_point_x'), y: air.parameter('pedersen_point_y') },
    slope: air.at(slope),
    rest: air.at(rest),
    nextRest: air.at(rest, next),
  });
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
  const period = pedersenRows(columns);
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
