// Honest traces of range checks, bitwise and Poseidon, for tests to break.
import { FULL_ROUNDS, PARTIAL_ROUNDS, roundConstants } from '../../air/src/curve/poseidon.ts';
import { add, mul, reduce } from '../../air/src/felt/felt.ts';
import {
  type Combination,
  FIRST,
  keysOf,
  LAST,
  NEXT,
  weighted,
} from '../../air/src/layouts/poseidon-keys.ts';
import { dilute, type Filling } from './filling.ts';

/** Parts, from which the pool of offsets is sorted. */
export function fillParts(filling: Filling): void {
  const { rangeCheck } = filling.table;
  if (rangeCheck === undefined) return;
  const { pool, period } = rangeCheck;
  for (let row = 0; row < filling.rows; row += period / 8)
    filling.set([pool, 12], row, 32766n + BigInt((row / (period / 8)) % 4));
}

/** Values, once the parts are final. */
export function fillRangeCheck(filling: Filling): void {
  const { rangeCheck } = filling.table;
  if (rangeCheck === undefined) return;
  const { pool, use, period } = rangeCheck;
  let address = 6000n;
  filling.parameters.set('range_check_begin', address + filling.slip('range_check/first_address'));
  for (let row = 0; row < filling.rows; row += period) {
    let value = 0n;
    for (let i = 0; i < 8; i++)
      value = value * 65536n + filling.at([pool, 12], row + (period / 8) * i);
    filling.access(use, row, address, value + filling.slip('range_check/value'));
    address += 1n + filling.slip('range_check/next_use_address');
  }
}

/** Every part of both, of what they share and of where they differ has bits: no part is zero. */
const ONES = 2n ** 251n - 1n;
const STRIPES = Array.from({ length: 251 }, (_, i) => BigInt(i))
  .filter((i) => ((i % 64n) >> 2n) % 2n === 0n)
  .reduce((sum, i) => sum + 2n ** i, 0n);

/** The 16 diluted parts of a value. */
const partsOf = (value: bigint): bigint[] =>
  Array.from({ length: 16 }, (_, i) => {
    const from = BigInt(64 * Math.floor(i / 4) + (i % 4));
    let part = 0n;
    for (let j = 0n; j < 16n; j++) part += ((value >> (from + 4n * j)) & 1n) << j;
    return dilute(part);
  });

export function fillBitwise(filling: Filling): void {
  const { bitwise } = filling.table;
  if (bitwise === undefined) return;
  const { pool, value, or, stride } = bitwise;
  const slip = (name: string): bigint => filling.slip(`bitwise/${name}`);
  let address = 7000n;
  filling.parameters.set('bitwise_begin', address + slip('first_address'));
  for (let row = 0; row < filling.rows; row += 128 * stride) {
    if (row > 0 && filling.goesOn(value, row, address)) break;
    const [x, y] = [ONES, STRIPES];
    const parts = [x, y, x & y, x ^ y].map(partsOf);
    // an xor of its own, of which every other cell follows
    const xor = parts[3] ?? [];
    xor[3] = add(xor[3] ?? 0n, slip('and_xor'));
    const sums = parts.map((list) =>
      reduce(
        list.reduce(
          (sum, part, i) => sum + part * 2n ** BigInt(64 * Math.floor(i / 4) + (i % 4)),
          0n,
        ),
      ),
    );
    for (const [i, list] of parts.entries()) {
      for (const [j, part] of list.entries())
        filling.set(pool, row + (32 * i + 2 * j) * stride, part);
      if (i > 0) address += 1n + slip('value_address');
      filling.access(value, row + 32 * i * stride, address, (sums[i] ?? 0n) + slip('parts'));
    }
    for (const [i, line] of [1, 65, 33, 97].entries()) {
      const high = (parts[2]?.[12 + i] ?? 0n) + (parts[3]?.[12 + i] ?? 0n);
      const shifted = high * (i === 3 ? 256n : 16n) + slip(`high_part${i}`);
      filling.set(pool, row + line * stride, shifted);
    }
    address += 1n + slip('or_address');
    filling.access(
      or,
      row,
      address,
      filling.at(value, row + 64 * stride + 1) +
        filling.at(value, row + 96 * stride + 1) +
        slip('or'),
    );
    address += 1n + slip('next_use_address');
  }
}

/** One permutation over and over: the state before each round follows from the state before it. */
export function fillPoseidon(filling: Filling): void {
  const { poseidon } = filling.table;
  if (poseidon === undefined) return;
  const { stride, memory } = poseidon;
  const addresses = [0n, 1n, 2n].map((i) => 8000n + i);
  filling.parameters.set('poseidon_begin', 8000n);
  for (const i of [0, 1, 2])
    addresses[i] = (addresses[i] ?? 0n) + filling.slip(`poseidon/first_address${i}`);
  for (let row = 0; row < filling.rows; row += 64 * stride) {
    const same = memory.every((place, i) => filling.goesOn(place, row, addresses[i] ?? 0n));
    if (row > 0 && same) break;
    const input = [3n, 4n, 5n];
    const output = fillPermutation(filling, row, input);
    for (const [half, values] of [input, output].entries())
      for (const [i, place] of memory.entries()) {
        const at = row + 32 * half * stride;
        filling.access(place, at, addresses[i] ?? 0n, values[i] ?? 0n);
        addresses[i] = (addresses[i] ?? 0n) + 3n + filling.slip(`poseidon/next_address${i}`);
      }
  }
}

type Cubes = readonly [bigint, bigint, bigint];

function mixed([a, b, c]: Cubes): Cubes {
  return [reduce(3n * a + b + c), reduce(a - b + c), reduce(a + b - 2n * c)];
}

/** By round. */
interface Partial {
  readonly values: bigint[];
  readonly cubes: bigint[];
}

const KEYS = keysOf();
const SPLIT = 61;

function fillPermutation(filling: Filling, row: number, input: readonly bigint[]): bigint[] {
  const { poseidon } = filling.table;
  if (poseidon === undefined) return [];
  const { stride, full, partials } = poseidon;
  const slip = (name: string): bigint => filling.slip(`poseidon/${name}`);
  const half = FULL_ROUNDS / 2;
  /** Puts a value and its square, and answers their product. */
  const cube = (columns: (typeof full)[0], below: number, value: bigint, name: string): bigint => {
    const square = mul(value, value) + slip(name);
    filling.set(columns.value, row + below, value);
    filling.set(columns.square, row + below, square);
    return mul(value, square);
  };
  const fullRound = (round: number, state: readonly bigint[]): Cubes =>
    full.map((columns, i) =>
      cube(columns, 8 * stride * round, state[i] ?? 0n, `full_square${i}`),
    ) as unknown as Cubes;
  const fullRounds = (from: number, state: readonly bigint[]): Cubes => {
    let cubes = fullRound(from, state);
    for (let round = from; round < from + half - 1; round++) {
      const keys = KEYS.full[round < half ? round : round + PARTIAL_ROUNDS] ?? [];
      const next = mixed(cubes).map((sum, i) => add(sum, (keys[i] ?? 0n) + slip(`full_round${i}`)));
      cubes = fullRound(round + 1, next);
    }
    return cubes;
  };
  const keys = roundConstants();
  const first = input.map((value, i) => add(value, (keys[i] ?? 0n) + slip(`first_key${i}`)));
  const before = fullRounds(0, first.map(reduce));
  const columns = partials.map((): Partial => ({ values: [], cubes: [] }));
  const combined = (combination: Combination, { values, cubes }: Partial, from: number): bigint =>
    reduce(
      weighted(combination, {
        full: (i) => before[i] ?? 0n,
        cube: (i) => cubes[from + i] ?? 0n,
        value: (i) => values[from + i] ?? 0n,
      }).reduce((sum, [weight, operand]) => sum + weight * operand, 0n),
    );
  const put = (at: 0 | 1, i: number, value: bigint): void => {
    const { values, cubes } = columns[at] as Partial;
    const below = stride * (at === 0 ? i : 2 * (i - SPLIT));
    values[i] = reduce(value);
    cubes[i] = cube(partials[at], below, reduce(value), `partial_square${at}`);
  };
  const [one, two] = columns as [Partial, Partial];
  for (let i = 0; i < 64; i++) {
    const key = (i < 3 ? KEYS.first[i] : KEYS.next[i - 3]) ?? 0n;
    const slipped = slip(i < 3 ? `first_partial${i}` : 'partial_round0');
    const from = i < 3 ? combined(FIRST[i] as Combination, one, 0) : combined(NEXT, one, i - 3);
    put(0, i, from + key + slipped);
  }
  for (let i = SPLIT; i < PARTIAL_ROUNDS; i++) {
    const copied = i < 64 ? (one.values[i] ?? 0n) + slip(`copy${i - SPLIT}`) : 0n;
    const key = KEYS.next[i - 3] ?? 0n;
    put(1, i, i < 64 ? copied : combined(NEXT, two, i - 3) + key + slip('partial_round1'));
  }
  const after = LAST.map((combination, i) =>
    reduce(
      combined(combination, two, PARTIAL_ROUNDS - 3) +
        (KEYS.last[i] ?? 0n) +
        slip(`after_partials${i}`),
    ),
  );
  const last = fullRounds(half, after);
  return mixed(last).map((sum, i) => reduce(sum + slip(`output${i}`)));
}
