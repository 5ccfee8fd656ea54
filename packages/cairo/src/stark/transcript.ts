import { fromMontgomery, P, readUint } from '../felt/felt.ts';
import { demand } from '../proof/rejected.ts';
import type { Channel } from './channel.ts';

/** One line of a transcript, in the order and with the labels of Stone's annotations. */
export interface TranscriptEvent {
  readonly from: 'prover' | 'verifier';
  readonly label: string;
  /** Byte range in the proof, for what the prover says. */
  readonly start?: number;
  readonly end?: number;
  /** Digests as bytes, field elements (standard form) and numbers as bigint. */
  readonly values: readonly (Uint8Array | bigint)[];
}

export type Observer = (event: TranscriptEvent) => void;

/**
 * Reads a proof front to back. Until `startQueries` everything read is absorbed into the channel.
 * Field elements are handed out as they stand in the bytes, in Montgomery form: DEEP and FRI are
 * linear in them, so that only the out-of-domain values need converting.
 */
export class Transcript {
  readonly #bytes: Uint8Array;
  readonly #channel: Channel;
  readonly #observer: Observer | undefined;
  #at = 0;
  #querying = false;

  constructor(bytes: Uint8Array, channel: Channel, observer: Observer | undefined) {
    this.#bytes = bytes;
    this.#channel = channel;
    this.#observer = observer;
  }

  /** @throws Rejected `truncated` */
  take(size: number): Uint8Array {
    const end = this.#at + size;
    demand(end <= this.#bytes.length, 'truncated', `${end} bytes`, this.#bytes.length);
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    if (!this.#querying) this.#channel.absorb(bytes);
    return bytes;
  }

  #said(label: () => string, size: number, values: () => readonly (Uint8Array | bigint)[]): void {
    if (this.#observer === undefined) return;
    const [start, end] = [this.#at - size, this.#at];
    this.#observer({ from: 'prover', label: label(), start, end, values: values() });
  }

  digest(label: () => string): Uint8Array {
    const digest = this.take(32);
    this.#said(label, 32, () => [digest]);
    return digest;
  }

  /** `count` elements absorbed as one message. @throws Rejected `truncated felt_range` */
  felts(count: number, label: () => string): bigint[] {
    const bytes = this.take(32 * count);
    const values: bigint[] = [];
    for (let i = 0; i < count; i++) {
      const value = readUint(bytes, 32 * i, 32);
      demand(value < P, 'felt_range', 'a field element below p', 'one at or above p');
      values.push(value);
    }
    this.#said(label, bytes.length, () => values.map(fromMontgomery));
    return values;
  }

  felt(label: () => string): bigint {
    return this.felts(1, label)[0] as bigint;
  }

  nonce(label: () => string): Uint8Array {
    const nonce = this.take(8);
    this.#said(label, 8, () => [readUint(nonce, 0, 8)]);
    return nonce;
  }

  /** A challenge, standard form. */
  challenge(label: () => string): bigint {
    const value = this.#channel.felt();
    this.#observer?.({ from: 'verifier', label: label(), values: [value] });
    return value;
  }

  /** Query indices, sorted, each once; nothing is absorbed after them. */
  queries(count: number, bound: number, label: (i: number) => string): number[] {
    const drawn = new Set<number>();
    for (let i = 0; i < count; i++) {
      const index = this.#channel.index(bound);
      this.#observer?.({ from: 'verifier', label: label(i), values: [BigInt(index)] });
      drawn.add(index);
    }
    this.#querying = true;
    return [...drawn].sort((a, b) => a - b);
  }

  /** @throws Rejected `trailing_bytes` unless everything was read. */
  end(): void {
    const size = this.#bytes.length;
    demand(this.#at === size, 'trailing_bytes', `${this.#at} bytes`, size);
  }

  get channel(): Channel {
    return this.#channel;
  }
}
