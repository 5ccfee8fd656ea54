// The Fiat–Shamir channels of Stone: over a byte hash, and over Poseidon.
import { poseidon, poseidonMany } from '../curve/poseidon.ts';
import { fromMontgomery, P, readUint, toBytes32 } from '../felt/felt.ts';
import { demand } from '../proof/rejected.ts';
import type { Hash } from './hashes.ts';

/**
 * 31p < 2^256: candidates from here on are drawn again, so that every element is equally likely.
 */
const CANDIDATES = 31n * P;

/** What a transcript needs of its Fiat–Shamir channel. Messages are bytes of the proof. */
export interface FiatShamir {
  /** The state as 32 bytes, that proof of work commits to. */
  readonly state: Uint8Array;
  /** Bytes of the nonce of a proof of work. */
  readonly nonceSize: 8 | 32;
  /**
   * Whether elements that are absorbed stand in the proof in standard form, and those of the
   * out-of-domain point as one message; else in Montgomery form, as one message each.
   */
  readonly isFriendly: boolean;
  absorbDigest(digest: Uint8Array): void;
  /** `bytes` are the elements as they stand in the proof. */
  absorbFelts(bytes: Uint8Array): void;
  absorbNonce(nonce: Uint8Array): void;
  /** A uniform field element, standard form. */
  felt(): bigint;
  /** A number below `bound`, a power of two of at most 2^32. */
  index(bound: number): number;
}

/**
 * Stone's Fiat–Shamir channel over a byte hash: state = H(state + 1 ‖ message), randomness =
 * H(state ‖ counter).
 */
export class Channel implements FiatShamir {
  readonly hash: Hash;
  readonly nonceSize = 8;
  readonly isFriendly = false;
  #state: Uint8Array;
  #counter = 0n;
  /** What an 8-byte draw left of its block; the next draw uses it. */
  #spare: Uint8Array = new Uint8Array(0);

  constructor(hash: Hash, seed: Uint8Array) {
    this.hash = hash;
    this.#state = hash(seed);
  }

  get state(): Uint8Array {
    return this.#state;
  }

  absorb(message: Uint8Array): void {
    const mixed = new Uint8Array(32 + message.length);
    mixed.set(toBytes32(BigInt.asUintN(256, readUint(this.#state, 0, 32) + 1n)));
    mixed.set(message, 32);
    this.#state = this.hash(mixed);
    this.#counter = 0n;
    this.#spare = new Uint8Array(0);
  }

  absorbDigest(digest: Uint8Array): void {
    this.absorb(digest);
  }

  absorbFelts(bytes: Uint8Array): void {
    this.absorb(bytes);
  }

  absorbNonce(nonce: Uint8Array): void {
    this.absorb(nonce);
  }

  #block(): Uint8Array {
    const bytes = new Uint8Array(64);
    bytes.set(this.#state);
    bytes.set(toBytes32(this.#counter++), 32);
    return this.hash(bytes);
  }

  felt(): bigint {
    for (;;) {
      const candidate = readUint(this.#block(), 0, 32);
      if (candidate < CANDIDATES) return fromMontgomery(candidate % P);
    }
  }

  index(bound: number): number {
    if (this.#spare.length < 8) this.#spare = this.#block();
    const value = readUint(this.#spare, 0, 8);
    this.#spare = this.#spare.subarray(8);
    return Number(value % BigInt(bound));
  }
}

/**
 * Stone's channel for verifiers that are themselves Cairo programs: the state is a field element,
 * state = Poseidon(state + 1, message…), randomness = Poseidon(state, counter). Messages are field
 * elements in standard form, digests too.
 */
export class PoseidonChannel implements FiatShamir {
  readonly nonceSize = 32;
  readonly isFriendly = true;
  #state: bigint;
  #counter = 0n;

  constructor(seed: readonly bigint[]) {
    this.#state = poseidonMany(seed);
  }

  get state(): Uint8Array {
    return toBytes32(this.#state);
  }

  #absorb(values: readonly bigint[]): void {
    this.#state = poseidonMany([(this.#state + 1n) % P, ...values]);
    this.#counter = 0n;
  }

  /** @throws Rejected `felt_range` for a digest at or above p, which would stand for another one */
  absorbDigest(digest: Uint8Array): void {
    const value = readUint(digest, 0, 32);
    demand(value < P, 'felt_range', 'a digest below p', 'one at or above p');
    this.#absorb([value]);
  }

  absorbFelts(bytes: Uint8Array): void {
    const values: bigint[] = [];
    for (let at = 0; at < bytes.length; at += 32) values.push(readUint(bytes, at, 32));
    this.#absorb(values);
  }

  absorbNonce(nonce: Uint8Array): void {
    this.#absorb([readUint(nonce, 0, 32)]);
  }

  felt(): bigint {
    return poseidon(this.#state, this.#counter++);
  }

  index(bound: number): number {
    return Number(this.felt() % BigInt(bound));
  }
}
