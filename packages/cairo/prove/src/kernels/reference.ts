// Kernels in BigInt, which the fast ones are compared with.
import {
  add,
  batchInverse,
  type Hash,
  mul,
  reduce,
  reverseBits,
  sub,
  toBytes32,
  toMontgomery,
} from '@fatty/cairo-air';
import type { Bytes, Kernels, Vector } from './kernels.ts';

/** What a new vector holds: nothing that could pass for a zero. */
const UNWRITTEN = 0xbadn;

/** Kernels that are right by inspection: one BigInt operation after the other. Slow. */
export class ReferenceKernels implements Kernels {
  readonly stride = 1;
  readonly threads = 1;
  peak = 0;
  readonly #commitment: Hash;
  readonly #channel: Hash;
  readonly #felts: bigint[] = [];
  #bytes: Uint8Array = new Uint8Array(2 ** 16);
  #top = 0;

  /** Hashes of Merkle trees (masked) and of the channel. */
  constructor(commitment: Hash, channel: Hash) {
    this.#commitment = commitment;
    this.#channel = channel;
  }

  #allocate(length: number): { at: number; length: number } {
    const at = this.#top;
    this.#top += length;
    this.peak = Math.max(this.peak, this.#top);
    return { at, length };
  }

  vector(length: number): Vector {
    const vector = this.#allocate(length);
    this.#felts.length = Math.max(this.#felts.length, this.#top);
    this.#felts.fill(UNWRITTEN, vector.at, vector.at + length);
    return vector;
  }

  bytes(length: number): Bytes {
    const bytes = this.#allocate(length);
    if (this.#top > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#top);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return bytes;
  }

  together(tasks: readonly (() => void)[]): void {
    for (const task of tasks) {
      const mark = this.mark();
      task();
      this.release(mark);
    }
  }

  close(): void {}

  mark(): number {
    return this.#top;
  }

  release(mark: number): void {
    this.#top = mark;
  }

  write(to: Vector, values: readonly bigint[]): void {
    for (const [i, value] of values.entries()) this.#felts[to.at + i] = value;
  }

  read({ at, length }: Vector): bigint[] {
    return this.#felts.slice(at, at + length);
  }

  #view({ at, length }: Bytes): Uint8Array {
    return this.#bytes.subarray(at, at + length);
  }

  copy(to: Vector, toStep: number, from: Vector, fromStep: number, count: number): void {
    for (let i = 0; i < count; i++)
      this.#felts[to.at + i * toStep] = this.#felts[from.at + i * fromStep] as bigint;
  }

  reverse(to: Vector, from: Vector): void {
    const bits = Math.log2(from.length);
    const values = this.read(from);
    for (const [i, value] of values.entries()) this.#felts[to.at + reverseBits(i, bits)] = value;
  }

  #map(to: Vector, a: Vector, b: Vector, join: (x: bigint, y: bigint) => bigint): void {
    for (let i = 0; i < to.length; i++) {
      const [x, y] = [this.#felts[a.at + i] as bigint, this.#felts[b.at + i] as bigint];
      this.#felts[to.at + i] = join(x, y);
    }
  }

  add(to: Vector, a: Vector, b: Vector): void {
    this.#map(to, a, b, add);
  }

  sub(to: Vector, a: Vector, b: Vector): void {
    this.#map(to, a, b, sub);
  }

  mul(to: Vector, a: Vector, b: Vector): void {
    this.#map(to, a, b, mul);
  }

  scale(to: Vector, a: Vector, factor: bigint): void {
    this.#map(to, a, a, (x) => mul(factor, x));
  }

  addScaled(to: Vector, a: Vector, factor: bigint): void {
    this.#map(to, to, a, (x, y) => add(x, mul(factor, y)));
  }

  invert(values: Vector): void {
    this.write(values, batchInverse(this.read(values)));
  }

  accumulate(values: Vector): void {
    let product = 1n;
    this.write(
      values,
      this.read(values).map((value) => {
        product = mul(product, value);
        return product;
      }),
    );
  }

  forward(values: Vector, table: Vector): void {
    const list = this.read(values);
    const roots = this.read(table);
    for (let blocks = 1; blocks < list.length; blocks *= 2) {
      const half = list.length / (2 * blocks);
      for (let i = 0; i < list.length / 2; i++) {
        const block = Math.floor(i / half);
        const [low, high] = [i + block * half, i + (block + 1) * half];
        const [x, y] = [list[low] as bigint, list[high] as bigint];
        const turned = mul(y, roots[blocks + block] as bigint);
        list[low] = add(x, turned);
        list[high] = sub(x, turned);
      }
    }
    this.write(values, list);
  }

  backward(values: Vector, table: Vector): void {
    const list = this.read(values);
    const roots = this.read(table);
    for (let blocks = list.length / 2; blocks >= 1; blocks /= 2) {
      const half = list.length / (2 * blocks);
      for (let i = 0; i < list.length / 2; i++) {
        const block = Math.floor(i / half);
        const [low, high] = [i + block * half, i + (block + 1) * half];
        const [x, y] = [list[low] as bigint, list[high] as bigint];
        list[low] = add(x, y);
        list[high] = mul(sub(x, y), roots[blocks + block] as bigint);
      }
    }
    this.write(values, list);
  }

  evaluate(to: Vector, coefficients: Vector, x: bigint): void {
    const list = this.read(coefficients);
    this.#felts[to.at] = list.reduceRight((sum, value) => add(mul(sum, x), value), 0n);
  }

  addQuotient(to: Vector, coefficients: Vector, x: bigint): void {
    const list = this.read(coefficients);
    let carry = 0n;
    for (let i = list.length - 1; i >= 0; i--) {
      this.#felts[to.at + i] = add(this.#felts[to.at + i] as bigint, carry);
      carry = add(mul(carry, x), list[i] as bigint);
    }
  }

  fold(to: Vector, coefficients: Vector, beta: bigint): void {
    const list = this.read(coefficients);
    for (let i = 0; i < list.length / 2; i++) {
      const [even, odd] = [list[2 * i] as bigint, list[2 * i + 1] as bigint];
      this.#felts[to.at + i] = reduce(2n * (even + beta * odd));
    }
  }

  pack(to: Bytes, step: number, from: Vector): void {
    for (const [i, value] of this.read(from).entries())
      this.#bytes.set(toBytes32(toMontgomery(value)), to.at + i * step);
  }

  hashRows(to: Bytes, rows: Bytes, rowSize: number): void {
    const view = this.#view(rows);
    for (let i = 0; i * rowSize < rows.length; i++)
      this.#bytes.set(
        this.#commitment(view.subarray(i * rowSize, (i + 1) * rowSize)),
        to.at + 32 * i,
      );
  }

  peek(from: Bytes): Uint8Array {
    return this.#view(from).slice();
  }

  grind(challenge: Uint8Array, bits: number, first: number, count: number): number | undefined {
    return grind(this.#channel, challenge, bits, first, count);
  }
}

/** Proof of work with any hash. */
export function grind(
  hash: Hash,
  challenge: Uint8Array,
  bits: number,
  first: number,
  count: number,
): number | undefined {
  const message = new Uint8Array(40);
  message.set(challenge);
  const view = new DataView(message.buffer);
  const limit = 2n ** BigInt(64 - bits);
  for (let nonce = first; nonce < first + count; nonce++) {
    view.setBigUint64(32, BigInt(nonce));
    const digest = hash(message);
    if (new DataView(digest.buffer, digest.byteOffset).getBigUint64(0) < limit) return nonce;
  }
  return undefined;
}
