// The hash chain that keeps a session alive (R3), from the side of its client.

import { hash, invariant } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { keepAliveLink } from '@fatty/protocol';

/**
 * The client's half of the keep-alive chain (R3): `anchor` goes into OpenSession, `preimage(i)` is the
 * proof of the i-th keep-alive. Making it costs `length` hashes; showing the next preimage about one,
 * because every √length-th value is kept and one segment between two of them is expanded at a time.
 */
export class KeepAliveChain {
  readonly length: number;
  readonly anchor: Digest;
  readonly #stride: number;
  /** `#kept[k]` is the preimage at `length − k × stride`. */
  readonly #kept: Digest[] = [];
  #segment: { readonly from: number; readonly values: readonly Digest[] } = { from: 1, values: [] };

  /** `secret` is 32 unguessable bytes: who knows it can keep the session alive. */
  constructor(secret: Uint8Array, length: number) {
    invariant(Number.isInteger(length) && length > 0, 'a chain has at least one link');
    this.length = length;
    this.#stride = Math.ceil(Math.sqrt(length));
    let value = hash('keep-alive-tail', secret);
    for (let i = length; i >= 1; i--) {
      if ((length - i) % this.#stride === 0) this.#kept.push(value);
      value = keepAliveLink(value);
    }
    this.anchor = value;
  }

  /** The value `i` links from the anchor, 1 ≤ i ≤ length. */
  preimage(i: number): Digest {
    invariant(i >= 1 && i <= this.length, 'the chain is long enough');
    const at = i - this.#segment.from;
    const known = at >= 0 ? this.#segment.values[at] : undefined;
    return known ?? this.#expand(i);
  }

  #expand(i: number): Digest {
    const block = Math.floor((this.length - i) / this.#stride);
    let value = this.#kept[block] as Digest;
    const top = this.length - block * this.#stride;
    const from = Math.max(1, top - this.#stride + 1);
    const values: Digest[] = [];
    for (let k = top; k >= from; k--) {
      values.unshift(value);
      value = keepAliveLink(value);
    }
    this.#segment = { from, values };
    return values[i - from] as Digest;
  }
}
