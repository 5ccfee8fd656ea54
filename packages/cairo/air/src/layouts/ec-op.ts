// Constraints of the EC-operation builtin.
import { type AirBuilder, every, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression } from './expression.ts';
import { addDoubling, addSum, addUniqueBits, type BitRows } from './points.ts';

/**
 * The EC-operation builtin: R = P + m·Q per 256 lines, one bit of m per line, for points that its
 * caller knows to be on the curve. The sum starts at P, Q doubles.
 */
export interface EcOpColumns {
  /** Trace rows per line. */
  readonly stride: number;
  readonly doubled: { readonly x: Place; readonly y: Place; readonly slope: Place };
  readonly sum: {
    readonly x: Place;
    readonly y: Place;
    readonly slope: Place;
    /** Inverses of differences. */
    readonly inverse: Place;
    /** The bits that are left of m, as a number. */
    readonly rest: Place;
  };
  /** bit251 · bit196, and that · bit192. */
  readonly high: Place;
  readonly highest: Place;
  /** Memory accesses, in the order of their addresses. */
  readonly memory: readonly [
    pX: Place,
    pY: Place,
    qX: Place,
    qY: Place,
    m: Place,
    rX: Place,
    rY: Place,
  ];
}

const LINES = 256;
const SCALAR_BITS = 252;

/** Trace rows of a use. */
export const ecOpRows = ({ stride }: EcOpColumns): number => LINES * stride;

/** Adds the constraints of the EC-operation builtin, in Stone's order. */
export function addEcOp(air: AirBuilder, columns: EcOpColumns): void {
  const { stride, doubled, sum, memory } = columns;
  const everyUse = every(ecOpRows(columns));
  const at = (place: Place, lines = 0): Expression => air.at(place, lines * stride);
  addAddresses(air, columns);
  const rows: BitRows = {
    every: every(stride),
    afterBits: every(LINES * stride, SCALAR_BITS * stride),
    last: every(LINES * stride, (LINES - 1) * stride),
  };
  const point = { x: at(doubled.x), y: at(doubled.y) };
  const next = { x: at(doubled.x, 1), y: at(doubled.y, 1) };
  addDoubling(air, 'ec_op/doubling', rows, point, next, at(doubled.slope));
  const [pX, pY, qX, qY, m, rX, rY] = memory;
  const equals = (name: string, place: Place, cell: Expression): void =>
    air.zero(`ec_op/${name}`, everyUse, air.at(place, 1).minus(cell));
  equals('q_x', qX, point.x);
  equals('q_y', qY, point.y);
  addUniqueBits(air, 'ec_op', everyUse, {
    rest: (bits) => at(sum.rest, bits),
    high: at(columns.high),
    highest: at(columns.highest),
  });
  addSum(air, {
    name: 'ec_op/sum',
    rows,
    sum: { x: at(sum.x), y: at(sum.y) },
    next: { x: at(sum.x, 1), y: at(sum.y, 1) },
    added: point,
    slope: at(sum.slope),
    inverse: at(sum.inverse),
    rest: at(sum.rest),
    nextRest: at(sum.rest, 1),
  });
  air.zero('ec_op/m', everyUse, at(sum.rest).minus(air.at(m, 1)));
  equals('p_x', pX, at(sum.x));
  equals('p_y', pY, at(sum.y));
  equals('r_x', rX, at(sum.x, LINES - 1));
  equals('r_y', rY, at(sum.y, LINES - 1));
}

/** Seven consecutive cells are one use. */
function addAddresses(air: AirBuilder, columns: EcOpColumns): void {
  const { memory } = columns;
  const period = ecOpRows(columns);
  const [first] = memory;
  air.zero('ec_op/first_address', FIRST_ROW, air.at(first).minus(air.parameter('ec_op_begin')));
  const next = air.at(first, period).minus(air.at(first).plus(BigInt(memory.length)));
  air.zero('ec_op/next_use_address', every(period), next, single(-period));
  for (const [i, place] of memory.slice(1).entries()) {
    const before = memory[i] as Place;
    const step = air.at(place).minus(air.at(before).plus(1n));
    air.zero(`ec_op/address${i + 1}`, every(period), step);
  }
}
