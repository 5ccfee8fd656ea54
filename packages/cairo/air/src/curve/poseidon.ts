// Poseidon: permutation, hash of two and hash of many elements.
import { utf8 } from '@fatty/codec';
import { sha256 } from '@noble/hashes/sha2.js';
import { P, readUint } from '../felt/felt.ts';

/**
 * Poseidon over Cairo's field: three elements, eight full and 83 partial rounds of cubes
 * (docs.starkware.co, "Poseidon hash"; ePrint 2019/458). Round constants are
 * SHA-256("Hades" ‖ decimal index) mod p, the matrix is ((3, 1, 1), (1, −1, 1), (1, 1, −2)).
 */
export const FULL_ROUNDS = 8;
/** Rounds that cube the last element only, between the two halves of the full ones. */
export const PARTIAL_ROUNDS = 83;
const WIDTH = 3;

/** The three elements of a permutation, each below p. */
export type State = readonly [bigint, bigint, bigint];

let constants: readonly bigint[] | undefined;

const makeConstants = (): bigint[] =>
  Array.from(
    { length: WIDTH * (FULL_ROUNDS + PARTIAL_ROUNDS) },
    (_, i) => readUint(sha256(utf8(`Hades${i}`)), 0, 32) % P,
  );

const cube = (a: bigint): bigint => (((a * a) % P) * a) % P;

/** What every round adds to the three elements, one after the other. */
export function roundConstants(): readonly bigint[] {
  constants ??= makeConstants();
  return constants;
}

/** Sees the state of every round before it is cubed, elements not reduced. */
export type RoundObserver = (round: number, a: bigint, b: bigint, c: bigint) => void;

/** The permutation; inputs below p, and so are the outputs. */
export function permute(state: State, observer?: RoundObserver): State {
  const keys = roundConstants();
  const half = FULL_ROUNDS / 2;
  let [a, b, c] = state;
  for (let round = 0; round < FULL_ROUNDS + PARTIAL_ROUNDS; round++) {
    const isFull = round < half || round >= half + PARTIAL_ROUNDS;
    a += keys[WIDTH * round] as bigint;
    b += keys[WIDTH * round + 1] as bigint;
    c += keys[WIDTH * round + 2] as bigint;
    observer?.(round, a, b, c);
    c = cube(c);
    if (isFull) [a, b] = [cube(a), cube(b)];
    const sum = a + b + c;
    // p is added where a difference could be negative; the next product reduces it anyway.
    [a, b, c] = [(sum + a + a) % P, (sum - b - b + P + P) % P, (sum - c - c - c + P + P) % P];
  }
  return [a, b, c];
}

/** Hash of two elements. */
export function poseidon(a: bigint, b: bigint): bigint {
  return permute([a, b, 2n])[0];
}

/** Hash of any number of elements: a sponge of rate two, padded with a one. */
export function poseidonMany(values: readonly bigint[]): bigint {
  const padded = [...values, 1n, 0n];
  let state: State = [0n, 0n, 0n];
  for (let i = 0; i + 1 < padded.length; i += 2) {
    const [a, b, c] = state;
    state = permute([(a + (padded[i] as bigint)) % P, (b + (padded[i + 1] as bigint)) % P, c]);
  }
  return state[0];
}
