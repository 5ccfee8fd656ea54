import { inverse as invertFelt, P, readUint } from '../../felt/felt.ts';
import type { CommitmentHash, Hash, Hashes } from '../../stark/hashes.ts';
import { type Bytes, type Kernels, OutOfMemory, type Vector } from '../kernels.ts';
import { grind } from '../reference.ts';
import { ELEMENT, LIMB_BITS, LIMBS, RADIX_LOG } from './element.ts';
import { ModuleBuilder } from './encoder.ts';
import { compile, type Instance, instantiate } from './engine.ts';
import { addKeccakFunctions, roundConstants } from './keccak.ts';
import { addVectorFunctions } from './vectors.ts';

/** Fixed places below the arena; all multiples of 8. */
const PLACES = {
  /** An element that a call takes or answers. */
  scalar: 64,
  /** Plain integers as limbs: 2^522 mod p, 2^256 mod p, 1; and one in Montgomery form. */
  toRadix: 128,
  stone: 192,
  plain: 256,
  one: 320,
  bytes: 384,
  message: 448,
  mask: 512,
  constants: 576,
  state: 768,
} as const;
const ARENA = 1280;
const PAGE = 65_536;
/** Unpacked through a buffer of so many elements. */
const CHUNK = 512;
/** Sub-transforms of 2^9 elements, 18 KiB, stay in the first-level cache. */
const CACHED = 2 ** 9;

/** Compiles the module; instances of it are cheap. */
export function compileKernels(): Promise<object> {
  const module = new ModuleBuilder();
  addVectorFunctions(module);
  addKeccakFunctions(module, PLACES);
  return compile(module.encode(1));
}

type Call = (...parameters: number[]) => number;

/**
 * Kernels in WebAssembly, one memory per instance. Trees are hashed there if it is Keccak; BLAKE2s
 * goes row by row through its own module.
 */
export class WasmKernels implements Kernels {
  readonly stride: number = ELEMENT;
  peak: number = ARENA;
  readonly #instance: Instance;
  readonly #calls = new Map<string, Call>();
  readonly #commitment: CommitmentHash;
  readonly #hashes: Hashes;
  readonly #channel: keyof Hashes;
  readonly #buffer: Vector;
  #top: number = ARENA;

  constructor(module: object, hashes: Hashes, commitment: CommitmentHash, channel: keyof Hashes) {
    this.#instance = instantiate(module);
    this.#hashes = hashes;
    this.#commitment = commitment;
    this.#channel = channel;
    this.#writeLimbs(PLACES.toRadix, 2n ** BigInt(2 * RADIX_LOG) % P);
    this.#writeLimbs(PLACES.stone, 2n ** 256n % P);
    this.#writeLimbs(PLACES.plain, 1n);
    this.#writeLimbs(PLACES.one, 2n ** BigInt(RADIX_LOG) % P);
    const view = this.#view();
    for (const [i, constant] of roundConstants().entries())
      view.setBigUint64(PLACES.constants + 8 * i, constant, true);
    this.#setMask(commitment.from, commitment.to);
    this.#buffer = this.#allocate(32 * CHUNK);
  }

  #view(): DataView {
    return new DataView(this.#instance.memory.buffer);
  }

  #array(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#instance.memory.buffer, at, length);
  }

  #setMask(from: number, to: number): void {
    this.#array(PLACES.mask, 32).fill(0).fill(0xff, from, to);
  }

  #call(name: string, ...parameters: number[]): number {
    let call = this.#calls.get(name);
    if (call === undefined) {
      call = this.#instance.call(name);
      this.#calls.set(name, call);
    }
    return call(...parameters);
  }

  #allocate(size: number): { at: number; length: number } {
    const at = this.#top;
    this.#top = Math.ceil((at + size) / 8) * 8;
    const missing = this.#top - this.#instance.memory.buffer.byteLength;
    if (missing > 0) this.#grow(missing);
    this.peak = Math.max(this.peak, this.#top);
    return { at, length: size };
  }

  #grow(missing: number): void {
    try {
      this.#instance.memory.grow(Math.ceil(missing / PAGE));
    } catch {
      throw new OutOfMemory(this.#top);
    }
  }

  vector(length: number): Vector {
    return { at: this.#allocate(length * ELEMENT).at, length };
  }

  bytes(length: number): Bytes {
    const bytes = this.#allocate(length);
    this.#array(bytes.at, length).fill(0);
    return bytes;
  }

  mark(): number {
    return this.#top;
  }

  release(mark: number): void {
    this.#top = mark;
  }

  #writeLimbs(at: number, value: bigint): void {
    const view = this.#view();
    for (let i = 0; i < LIMBS; i++) {
      const limb = BigInt.asUintN(LIMB_BITS, value >> BigInt(LIMB_BITS * i));
      view.setUint32(at + 4 * i, Number(limb), true);
    }
  }

  /** Puts a factor where the kernels find it. */
  #scalar(value: bigint): number {
    this.#writeLimbs(PLACES.scalar, (value << BigInt(RADIX_LOG)) % P);
    return PLACES.scalar;
  }

  write(to: Vector, values: readonly bigint[]): void {
    for (let from = 0; from < values.length; from += CHUNK) {
      const count = Math.min(CHUNK, values.length - from);
      const words = new BigUint64Array(this.#instance.memory.buffer, this.#buffer.at, 4 * count);
      words.fill(0n);
      for (let i = 0; i < count; i++) {
        let left = values[from + i] as bigint;
        for (let word = 4 * i; left > 0n; word++, left >>= 64n) words[word] = left;
      }
      this.#call('unpack', to.at + from * ELEMENT, this.#buffer.at, PLACES.toRadix, count);
    }
  }

  read({ at, length }: Vector): bigint[] {
    const values: bigint[] = [];
    for (let from = 0; from < length; from += CHUNK) {
      const count = Math.min(CHUNK, length - from);
      this.#call('pack', this.#buffer.at, 32, at + from * ELEMENT, PLACES.plain, count);
      const bytes = this.#array(this.#buffer.at, 32 * count);
      for (let i = 0; i < count; i++) values.push(readUint(bytes, 32 * i, 32));
    }
    return values;
  }

  copy(to: Vector, toStep: number, from: Vector, fromStep: number, count: number): void {
    this.#call('copy', to.at, toStep * ELEMENT, from.at, fromStep * ELEMENT, count);
  }

  reverse(to: Vector, from: Vector): void {
    this.#call('reverse', to.at, from.at, from.length);
  }

  add(to: Vector, a: Vector, b: Vector): void {
    this.#call('add', to.at, a.at, b.at, to.length);
  }

  sub(to: Vector, a: Vector, b: Vector): void {
    this.#call('sub', to.at, a.at, b.at, to.length);
  }

  mul(to: Vector, a: Vector, b: Vector): void {
    this.#call('mul', to.at, a.at, b.at, to.length);
  }

  scale(to: Vector, a: Vector, factor: bigint): void {
    this.#call('scale', to.at, a.at, this.#scalar(factor), to.length);
  }

  addScaled(to: Vector, a: Vector, factor: bigint): void {
    this.#call('addScaled', to.at, a.at, this.#scalar(factor), to.length);
  }

  invert(values: Vector): void {
    const mark = this.mark();
    const products = this.vector(values.length);
    this.copy(products, 1, values, 1, values.length);
    this.accumulate(products);
    const last = { at: products.at + (values.length - 1) * ELEMENT, length: 1 };
    const inverse = this.#scalar(invertFelt(this.read(last)[0] as bigint));
    this.#call('unwind', values.at, products.at, inverse, values.length - 1);
    this.release(mark);
  }

  accumulate(values: Vector): void {
    this.#call('accumulate', values.at, PLACES.one, values.length);
  }

  forward(values: Vector, table: Vector): void {
    this.#forward(values.at, values.length, table.at, 1, 0);
  }

  /** Whole layers while they exceed the cache, then part after part; carries every third layer. */
  #forward(at: number, size: number, table: number, first: number, layer: number): void {
    let factor = first;
    let depth = layer;
    for (let half = size / 2; half >= 1; half /= 2, factor *= 2, depth++) {
      const blocks = size / (2 * half);
      if (half < CACHED && size > CACHED) {
        const part = 2 * half;
        for (let i = 0; i < blocks; i++)
          this.#forward(at + i * part * ELEMENT, part, table, factor + i, depth);
        return;
      }
      const name = depth % 3 === 2 || half === 1 ? 'forward' : 'forwardLoose';
      this.#call(name, at, table + factor * ELEMENT, half, blocks);
    }
  }

  backward(values: Vector, table: Vector): void {
    const part = Math.min(values.length, CACHED);
    for (let i = 0; i * part < values.length; i++)
      this.#backward(values.at + i * part * ELEMENT, part, 1, table.at, values.length / part + i);
    for (let half = part; half < values.length; half *= 2) {
      const blocks = values.length / (2 * half);
      this.#call('backward', values.at, table.at + blocks * ELEMENT, half, blocks);
    }
  }

  #backward(at: number, size: number, from: number, table: number, first: number): void {
    for (let half = from; half < size; half *= 2) {
      const blocks = size / (2 * half);
      this.#call('backward', at, table + first * blocks * ELEMENT, half, blocks);
    }
  }

  evaluate(coefficients: Vector, x: bigint): bigint {
    const point = this.#scalar(x);
    this.#call('evaluate', PLACES.scalar, coefficients.at, point, coefficients.length);
    return this.read({ at: PLACES.scalar, length: 1 })[0] as bigint;
  }

  addQuotient(to: Vector, coefficients: Vector, x: bigint): void {
    this.#call('addQuotient', to.at, coefficients.at, this.#scalar(x), coefficients.length);
  }

  fold(to: Vector, coefficients: Vector, beta: bigint): void {
    this.#call('fold', to.at, coefficients.at, this.#scalar(beta), to.length);
  }

  pack(to: Bytes, step: number, from: Vector): void {
    this.#call('pack', to.at, step, from.at, PLACES.stone, from.length);
  }

  hashRows(to: Bytes, rows: Bytes, rowSize: number): void {
    const count = rows.length / rowSize;
    if (this.#commitment.base === 'keccak256') {
      this.#call('hashRows', to.at, rows.at, rowSize, count);
      return;
    }
    const hash = this.#byteHash();
    for (let i = 0; i < count; i++)
      this.#array(to.at + 32 * i, 32).set(hash(this.#array(rows.at + i * rowSize, rowSize)));
  }

  hashNodes(tree: Bytes): void {
    const last = tree.length / 64 - 1;
    if (this.#commitment.base === 'keccak256') {
      this.#call('hashNodes', tree.at, last);
      return;
    }
    const hash = this.#byteHash();
    for (let i = last; i >= 1; i--)
      this.#array(tree.at + 32 * i, 32).set(hash(this.#array(tree.at + 64 * i, 64)));
  }

  #byteHash(): Hash {
    const { base, from, to } = this.#commitment;
    return (bytes) => this.#hashes[base](bytes).fill(0, 0, from).fill(0, to);
  }

  peek({ at, length }: Bytes): Uint8Array {
    return this.#array(at, length).slice();
  }

  grind(challenge: Uint8Array, bits: number, first: number, count: number): number | undefined {
    if (this.#channel !== 'keccak256')
      return grind(this.#hashes[this.#channel], challenge, bits, first, count);
    this.#array(PLACES.message, 32).set(challenge);
    this.#view().setBigUint64(PLACES.message + 32, BigInt(first));
    this.#setMask(0, 32);
    const tried = this.#call('grind', PLACES.message, bits, count);
    this.#setMask(this.#commitment.from, this.#commitment.to);
    return tried < count ? first + tried : undefined;
  }
}
