// Constraints of the Poseidon builtin.
import { FULL_ROUNDS, PARTIAL_ROUNDS, roundConstants } from '../curve/poseidon.ts';
import { reduce } from '../felt/felt.ts';
import { type AirBuilder, every, everyOf, FIRST_ROW, type Place, single } from './builder.ts';
import type { Expression, PeriodicColumn, Rows } from './expression.ts';
import { interpolate } from './periodic.ts';
import {
  type Combination,
  FIRST,
  keysOf,
  LAST,
  NEXT,
  type Operands,
  weighted,
} from './poseidon-keys.ts';

/**
 * The Poseidon builtin: one permutation per 64 lines. Eight full rounds stand 8 lines apart; the 83
 * partial rounds in a column of 64, one per line, and one of 22, two lines apart, that begins with
 * the last three of the first. Every cubed value stands beside its square.
 */
const LINES = 64;
const FULL_LINES = LINES / FULL_ROUNDS;
/** Inputs, then outputs. */
const HALF = LINES / 2;

/** A column of partial rounds: its length, and the lines from one to the next. */
interface Partials {
  readonly count: number;
  readonly lines: number;
}
const FIRST_PARTIALS: Partials = { count: 64, lines: 1 };
const SECOND_PARTIALS: Partials = { count: 22, lines: 2 };
const REPEATED = 3;

/** Rows of a use in which a column of partial rounds says nothing: those from `from` on. */
function behindRound({ lines }: Partials, from: number, stride: number): Rows {
  const slots = LINES / lines;
  const row = (_: unknown, i: number): number => lines * stride * (from + i);
  return everyOf(LINES * stride, Array.from({ length: slots - from }, row));
}

/** A value and its square. */
interface Cubed {
  readonly value: Place;
  readonly square: Place;
}

/** Where the memory accesses and the cubed elements of a permutation stand. */
export interface PoseidonColumns {
  /** Trace rows per line. */
  readonly stride: number;
  /** Memory accesses of the three elements: inputs, and 32 lines later outputs. */
  readonly memory: readonly [Place, Place, Place];
  readonly full: readonly [Cubed, Cubed, Cubed];
  readonly partials: readonly [Cubed, Cubed];
}

/** Trace rows of a use. */
export const poseidonRows = ({ stride }: PoseidonColumns): number => LINES * stride;

/** Adds the constraints of the Poseidon builtin, in Stone's order. */
export function addPoseidon(air: AirBuilder, columns: PoseidonColumns): void {
  addAddresses(air, columns);
  addSquares(air, columns);
  const cube = ({ value, square }: Cubed, below: number): Expression =>
    air.at(value, below).times(air.at(square, below));
  const fullRows = FULL_LINES * columns.stride;
  const fullCube: FullCube = (round, i) => cube(columns.full[i], fullRows * round);
  addFullRounds(air, columns, fullCube);
  addPartialRounds(air, columns, cube, fullCube);
}

/** Inputs, then outputs: six consecutive cells are one use. */
function addAddresses(air: AirBuilder, { memory, stride }: PoseidonColumns): void {
  const half = HALF * stride;
  const begin = air.parameter('poseidon_begin');
  for (const [i, place] of memory.entries()) {
    const first = i === 0 ? begin : begin.plus(BigInt(i));
    air.zero(`poseidon/first_address${i}`, FIRST_ROW, air.at(place).minus(first));
    const step = air.at(place, half).minus(air.at(place).plus(3n));
    air.zero(`poseidon/next_address${i}`, every(half), step, single(-half));
  }
}

function addSquares(air: AirBuilder, { full, partials, stride }: PoseidonColumns): void {
  const isSquare = ({ value, square }: Cubed): Expression =>
    air.at(value).times(air.at(value)).minus(air.at(square));
  for (const [i, one] of full.entries())
    air.zero(`poseidon/full_square${i}`, every(FULL_LINES * stride), isSquare(one));
  const [first, second] = partials;
  const everyRound = ({ lines }: Partials): Rows => every(lines * stride);
  air.zero('poseidon/partial_square0', everyRound(FIRST_PARTIALS), isSquare(first));
  const behind = behindRound(SECOND_PARTIALS, SECOND_PARTIALS.count, stride);
  air.zero('poseidon/partial_square1', everyRound(SECOND_PARTIALS), isSquare(second), behind);
}

type FullCube = (round: number, i: 0 | 1 | 2) => Expression;

/** The matrix ((3, 1, 1), (1, −1, 1), (1, 1, −2)) over the cubes of a full round. */
function mixed(cube: FullCube, round: number): readonly [Expression, Expression, Expression] {
  const [a, b, c] = [cube(round, 0), cube(round, 1), cube(round, 2)];
  return [a.plus(a).plus(a).plus(b).plus(c), a.minus(b).plus(c), a.plus(b).minus(c.plus(c))];
}

function addFullRounds(air: AirBuilder, columns: PoseidonColumns, cube: FullCube): void {
  const { memory, full, stride } = columns;
  const [half, fullRows] = [HALF * stride, FULL_LINES * stride];
  const everyUse = every(LINES * stride);
  // Full rounds 3 and 7: what follows is no full round.
  const beforeOthers = every(half, half - fullRows);
  const keys = roundConstants();
  for (const [i, place] of memory.entries()) {
    const keyed = air.at(place, 1).plus(keys[i] as bigint);
    const state = full[i] as Cubed;
    air.zero(`poseidon/first_key${i}`, everyUse, keyed.minus(air.at(state.value)));
  }
  for (const [i, sum] of mixed(cube, 0).entries()) {
    const next = air.at((full[i] as Cubed).value, fullRows);
    const made = sum.plus(air.parameter(`poseidon_full_key${i}`));
    air.zero(`poseidon/full_round${i}`, every(fullRows), next.minus(made), beforeOthers);
  }
  for (const [i, sum] of mixed(cube, FULL_ROUNDS - 1).entries()) {
    const output = air.at(memory[i] as Place, half + 1);
    air.zero(`poseidon/output${i}`, everyUse, output.minus(sum));
  }
}

function addPartialRounds(
  air: AirBuilder,
  { full, partials, stride }: PoseidonColumns,
  cube: (one: Cubed, below: number) => Expression,
  fullCube: FullCube,
): void {
  const half = FULL_ROUNDS / 2;
  const everyUse = every(LINES * stride);
  /** Operands whose index 0 is the column's round `from`. */
  const operandsFrom = (one: Cubed, { lines }: Partials, from: number): Operands<Expression> => ({
    full: (i) => fullCube(half - 1, i as 0 | 1 | 2),
    cube: (i) => cube(one, lines * stride * (from + i)),
    value: (i) => air.at(one.value, lines * stride * (from + i)),
  });
  const [first, second] = partials;
  const ofFirst = operandsFrom(first, FIRST_PARTIALS, 0);
  const ofSecond = operandsFrom(second, SECOND_PARTIALS, 0);
  const repeated = operandsFrom(first, FIRST_PARTIALS, FIRST_PARTIALS.count - REPEATED);
  const keys = keysOf();
  for (let i = 0; i < REPEATED; i++)
    air.zero(`poseidon/copy${i}`, everyUse, repeated.value(i).minus(ofSecond.value(i)));
  for (const [i, combination] of FIRST.entries()) {
    const made = combined(combination, ofFirst).plus(keys.first[i] as bigint);
    air.zero(`poseidon/first_partial${i}`, everyUse, ofFirst.value(i).minus(made));
  }
  const next = (column: Partials, operands: Operands<Expression>, i: number): void => {
    const made = combined(NEXT, operands).plus(air.parameter(`poseidon_partial_key${i}`));
    const behind = behindRound(column, column.count - 3, stride);
    const everyRound = every(column.lines * stride);
    const claimed = operands.value(3);
    air.zero(`poseidon/partial_round${i}`, everyRound, claimed.minus(made), behind);
  };
  next(FIRST_PARTIALS, ofFirst, 0);
  next(SECOND_PARTIALS, ofSecond, 1);
  const ofLast = operandsFrom(second, SECOND_PARTIALS, SECOND_PARTIALS.count - 3);
  for (const [i, combination] of LAST.entries()) {
    const made = combined(combination, ofLast).plus(keys.last[i] as bigint);
    const claimed = air.at((full[i] as Cubed).value, FULL_LINES * stride * half);
    air.zero(`poseidon/after_partials${i}`, everyUse, claimed.minus(made));
  }
}

function combined(combination: Combination, operands: Operands<Expression>): Expression {
  return weighted(combination, operands)
    .map(([weight, operand]) => operand.times(reduce(weight)))
    .reduce((sum, term) => sum.plus(term));
}

/** The keys of full and partial rounds where they are added, zero elsewhere; `period` rows a use. */
export function poseidonKeyColumns(period: number): PeriodicColumn[] {
  const column = (name: string, values: () => readonly bigint[]): PeriodicColumn => {
    let made: readonly bigint[] | undefined;
    const coefficients = (): readonly bigint[] => {
      made ??= interpolate(values());
      return made;
    };
    return { name: `poseidon_${name}`, period, coefficients };
  };
  const half = FULL_ROUNDS / 2;
  const padded = (values: readonly bigint[], size: number): bigint[] =>
    Array.from({ length: size }, (_, i) => values[i] ?? 0n);
  const fullKeys = (i: number): bigint[] => {
    const { full } = keysOf();
    const part = (from: number): bigint[] =>
      padded(
        full.slice(from, from + half - 1).map((keys) => keys[i] ?? 0n),
        half,
      );
    return [...part(0), ...part(half + PARTIAL_ROUNDS)];
  };
  const split = FIRST_PARTIALS.count - REPEATED;
  return [
    ...[0, 1, 2].map((i) => column(`full_key${i}`, () => fullKeys(i))),
    column('partial_key0', () =>
      padded(keysOf().next.slice(0, split), LINES / FIRST_PARTIALS.lines),
    ),
    column('partial_key1', () => padded(keysOf().next.slice(split), LINES / SECOND_PARTIALS.lines)),
  ];
}
