import { fromMontgomery, P, readUint, toBytes32 } from '../felt/felt.ts';
import type { Hash } from './hashes.ts';

/**
 * 31p < 2^256: candidates from here on are drawn again, so that every element is equally likely.
 */
const CANDIDATES = 31n * P;

/**
 * Stone's Fiat–Shamir channel over a byte hash: state = H(state + 1 ‖ message), randomness =
 * H(state ‖ counter).
 */
export class Channel {
  readonly hash: Hash;
  #state: Uint8Array;
  #counter = 0n;
  /** What an 8-byte draw left of its block; the next draw uses it. */
  #spare: Uint8Array = new Uint8Array(0);

  constructor(hash: Hash, seed: Uint8Array) {
    this.hash = hash;
    this.#state = hash(seed);
  }

  /** The state that proof of work commits to. */
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

  #block(): Uint8Array {
    const bytes = new Uint8Array(64);
    bytes.set(this.#state);
    bytes.set(toBytes32(this.#counter++), 32);
    return this.hash(bytes);
  }

  /** A uniform field element, standard form. */
  felt(): bigint {
    for (;;) {
      const candidate = readUint(this.#block(), 0, 32);
      if (candidate < CANDIDATES) return fromMontgomery(candidate % P);
    }
  }

  /** A number below `bound`, a power of two of at most 2^32. */
  index(bound: number): number {
    if (this.#spare.length < 8) this.#spare = this.#block();
    const value = readUint(this.#spare, 0, 8);
    this.#spare = this.#spare.subarray(8);
    return Number(value % BigInt(bound));
  }
}
