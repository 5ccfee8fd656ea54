// The constants of Poseidon's partial rounds, as the trace wants them.
import { FULL_ROUNDS, PARTIAL_ROUNDS, permute, roundConstants } from '../curve/poseidon.ts';
import { pow, reduce } from '../felt/felt.ts';

/**
 * A partial round cubes one element of three, so that the trace holds only that one. Each is a
 * fixed combination of values and cubes before it, plus a key; the key is what the combination
 * lacks on any one permutation, here on that of (0, 0, 0).
 */

/** [coefficient, index] pairs. */
type Weights = readonly (readonly [coefficient: bigint, index: number])[];

/** A combination of values and cubes of earlier rounds, without its key. */
export interface Combination {
  /** Over the three cubes of the last full round before the partial ones. */
  readonly full?: Weights;
  /** Over cubes and values of partial rounds. */
  readonly cubes?: Weights;
  readonly values?: Weights;
}

/** What stands for the operands of a combination, in whatever arithmetic its user has. */
export interface Operands<T> {
  readonly full: (index: number) => T;
  readonly cube: (index: number) => T;
  readonly value: (index: number) => T;
}

/** Round i + 3 from rounds i, i + 1 and i + 2 (indices 0, 1, 2). */
export const NEXT: Combination = {
  cubes: [
    [8n, 0],
    [6n, 1],
    [-2n, 2],
  ],
  values: [
    [4n, 1],
    [2n, 2],
  ],
};

/** The first three partial rounds. */
export const FIRST: readonly Combination[] = [
  {
    full: [
      [1n, 0],
      [1n, 1],
      [-2n, 2],
    ],
  },
  {
    full: [
      [-4n, 1],
      [10n, 2],
    ],
    cubes: [[-2n, 0]],
    values: [[4n, 0]],
  },
  {
    full: [[8n, 2]],
    cubes: [
      [6n, 0],
      [-2n, 1],
    ],
    values: [
      [4n, 0],
      [2n, 1],
    ],
  },
];

/** The three elements after the partial rounds, from the last three (indices 0, 1, 2). */
export const LAST: readonly Combination[] = [
  {
    cubes: [
      [16n, 0],
      [16n, 1],
      [1n, 2],
    ],
    values: [
      [8n, 1],
      [6n, 2],
    ],
  },
  {
    cubes: [
      [4n, 1],
      [1n, 2],
    ],
    values: [[2n, 2]],
  },
  NEXT,
];

/** The weighted operands of a combination; a caller adds them up in its own arithmetic. */
export function weighted<T>(
  { full = [], cubes = [], values = [] }: Combination,
  operands: Operands<T>,
): (readonly [coefficient: bigint, operand: T])[] {
  const of = (weights: Weights, operand: (index: number) => T) =>
    weights.map(([coefficient, index]) => [coefficient, operand(index)] as const);
  return [...of(full, operands.full), ...of(cubes, operands.cube), ...of(values, operands.value)];
}

/** The keys of all rounds. */
export interface PoseidonKeys {
  /** What full round r + 1 adds to its three elements, after round r. */
  readonly full: readonly (readonly bigint[])[];
  readonly first: readonly bigint[];
  /** Of partial rounds 3, 4, …. */
  readonly next: readonly bigint[];
  readonly last: readonly bigint[];
}

/** Keys from the run of a permutation; which one does not matter. */
export function keysOf(input: readonly [bigint, bigint, bigint] = [0n, 0n, 0n]): PoseidonKeys {
  const states: bigint[][] = [];
  permute(input, (_, a, b, c) => states.push([a, b, c].map(reduce)));
  const half = FULL_ROUNDS / 2;
  const partial = (i: number): bigint => states[half + i]?.[2] ?? 0n;
  const lacking = (value: bigint, combination: Combination, from: number): bigint => {
    const operands: Operands<bigint> = {
      full: (i) => pow(states[half - 1]?.[i] ?? 0n, 3n),
      cube: (i) => pow(partial(from + i), 3n),
      value: (i) => partial(from + i),
    };
    const terms = weighted(combination, operands).map(([weight, operand]) => weight * operand);
    return reduce(value - terms.reduce((sum, term) => sum + term, 0n));
  };
  const keys = roundConstants();
  const after = states[half + PARTIAL_ROUNDS] ?? [];
  return {
    full: states.map((_, round) => keys.slice(3 * round + 3, 3 * round + 6)),
    first: FIRST.map((combination, i) => lacking(partial(i), combination, 0)),
    next: Array.from({ length: PARTIAL_ROUNDS - 3 }, (_, i) => lacking(partial(i + 3), NEXT, i)),
    last: LAST.map((combination, i) => lacking(after[i] ?? 0n, combination, PARTIAL_ROUNDS - 3)),
  };
}
