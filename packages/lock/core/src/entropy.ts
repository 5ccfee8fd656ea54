// Chance from a seed: the same seed, the same nonces and jitter.
import { concatBytes, hash } from '@fatty/codec';
import type { Digest } from '@fatty/interface';

/**
 * Every nonce and every jitter of a core, drawn from one secret seed: the core stays a function of
 * its events, and a run can be replayed. The seed comes from the caller's CSPRNG.
 */
export class Entropy {
  readonly #seed: Uint8Array;
  #drawn = 0;

  constructor(seed: Uint8Array) {
    this.#seed = Uint8Array.from(seed);
  }

  /** 32 fresh bytes, unguessable without the seed. */
  nonce(): Digest {
    this.#drawn += 1;
    const counter = new Uint8Array(8);
    new DataView(counter.buffer).setBigUint64(0, BigInt(this.#drawn));
    return hash('client-entropy', concatBytes(this.#seed, counter));
  }

  /** Uniform integer in [0, below) for below ≤ 2^31; bias below 2^-20 is fine for jitter. */
  draw(below: number): number {
    if (below <= 1) return 0;
    const bytes = this.nonce();
    return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0) % BigInt(below));
  }
}
