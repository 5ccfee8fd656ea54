// Reads a proof front to back, and draws the verifier's challenges.
import {
  demand,
  type FiatShamir,
  fromMontgomery,
  P,
  readUint,
  toMontgomery,
} from '@fatty/cairo-air';

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

/** Hears each line of a transcript as it is read or drawn. */
export type Observer = (event: TranscriptEvent) => void;

/**
 * Reads a proof front to back. Until `startQueries` everything read is absorbed into the channel.
 * Field elements are handed out in Montgomery form, as they stand in the bytes (but for what a
 * Poseidon channel absorbs): DEEP and FRI are linear in them, so that only the out-of-domain values
 * need converting.
 */
export class Transcript {
  readonly #bytes: Uint8Array;
  readonly #channel: FiatShamir;
  readonly #observer: Observer | undefined;
  #at = 0;
  #querying = false;

  constructor(bytes: Uint8Array, channel: FiatShamir, observer: Observer | undefined) {
    this.#bytes = bytes;
    this.#channel = channel;
    this.#observer = observer;
  }

  /** @throws Rejected `truncated` */
  #take(size: number): Uint8Array {
    const end = this.#at + size;
    demand(end <= this.#bytes.length, 'truncated', `${end} bytes`, this.#bytes.length);
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  #said(label: () => string, size: number, values: () => readonly (Uint8Array | bigint)[]): void {
    if (this.#observer === undefined) return;
    const [start, end] = [this.#at - size, this.#at];
    this.#observer({ from: 'prover', label: label(), start, end, values: values() });
  }

  digest(label: () => string): Uint8Array {
    const digest = this.#take(32);
    if (!this.#querying) this.#channel.absorbDigest(digest);
    this.#said(label, 32, () => [digest]);
    return digest;
  }

  /** `count` elements absorbed as one message. @throws Rejected `truncated felt_range` */
  felts(count: number, label: () => string): bigint[] {
    const bytes = this.#take(32 * count);
    const isStandard = this.#channel.isFriendly && !this.#querying;
    const values: bigint[] = [];
    for (let i = 0; i < count; i++) {
      const value = readUint(bytes, 32 * i, 32);
      demand(value < P, 'felt_range', 'a field element below p', 'one at or above p');
      values.push(isStandard ? toMontgomery(value) : value);
    }
    if (!this.#querying) this.#channel.absorbFelts(bytes);
    this.#said(label, bytes.length, () => values.map(fromMontgomery));
    return values;
  }

  felt(label: () => string): bigint {
    return this.felts(1, label)[0] as bigint;
  }

  /** Values of the mask and the composition, absorbed one by one or as one message. */
  outOfDomain(count: number, label: string): bigint[] {
    if (this.#channel.isFriendly) return this.felts(count, () => `${label}: `);
    return Array.from({ length: count }, (_, i) => this.felt(() => `${label}: ${i}`));
  }

  /** The 8 bytes of a nonce. @throws Rejected `truncated felt_range` */
  nonce(label: () => string): Uint8Array {
    const size = this.#channel.nonceSize;
    const nonce = this.#take(size);
    const value = readUint(nonce, 0, size);
    demand(value < 2n ** 64n, 'felt_range', 'a nonce below 2^64', 'one at or above it');
    this.#channel.absorbNonce(nonce);
    this.#said(label, size, () => [value]);
    return nonce.subarray(size - 8);
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

  get channel(): FiatShamir {
    return this.#channel;
  }
}
