// The kernels of WebAssembly: memory, modules and the calls into them.
import { type CommitmentHash, type Hashes, P, readUint } from '@fatty/cairo-air';
import { type Bytes, type Kernels, OutOfMemory, type Vector } from '../kernels.ts';
import { addBlakeFunctions } from './blake.ts';
import { type Crew, listSize, Rounds, SCRATCH, type Task, writeList } from './crew.ts';
import { ELEMENT, LIMB_BITS, LIMBS, RADIX_LOG } from './element.ts';
import { ModuleBuilder, PAGES_MAX } from './encoder.ts';
import { type Call, compile, instantiate, type Memory, newMemory } from './engine.ts';
import { addHashing, MESSAGE_STEP, MESSAGES } from './hashing.ts';
import { addKeccakFunctions, roundConstants } from './keccak.ts';
import { addVectorFunctions } from './vectors.ts';

/** Fixed places below the arena, all multiples of 8. Threads meet in the first 64 bytes. */
const PLACES = {
  /** An element that a call takes. */
  scalar: 64,
  /** Plain integers as limbs: 2^522 mod p, 2^256 mod p, 1; and one in Montgomery form. */
  toRadix: 128,
  stone: 192,
  plain: 256,
  one: 320,
  mask: 384,
  constants: 448,
  scratch: 640,
} as const;
const ARENA: number = PLACES.scratch + SCRATCH;
const PAGE = 65_536;
/** Unpacked through a buffer of so many elements. */
const CHUNK = 512;
/** Sub-transforms of 2^9 elements, 18 KiB, stay in the first-level cache. */
const CACHED = 2 ** 9;
const FACTORS_MAX = 2 ** 10;

function limbsOf(value: bigint): Int32Array {
  return Int32Array.from({ length: LIMBS }, (_, i) =>
    Number(BigInt.asUintN(LIMB_BITS, value >> BigInt(LIMB_BITS * i))),
  );
}

/** Compiled kernels; instances of them are cheap. */
export interface KernelCode {
  readonly module: object;
  readonly shared: boolean;
}

/** For memory that threads share, or for one thread. */
export function compileKernels(shared: boolean): Promise<KernelCode> {
  const builder = new ModuleBuilder();
  addVectorFunctions(builder);
  addHashing(builder, 'keccak256', addKeccakFunctions(builder, PLACES));
  addHashing(builder, 'blake256', addBlakeFunctions(builder, PLACES));
  return compile(builder.encode(shared)).then((module) => ({ module, shared }));
}

/** What the kernels of one proof are made for. */
export interface WasmOptions {
  /** Of Merkle trees. */
  readonly commitment: CommitmentHash;
  /** Of the proof of work. */
  readonly channel: keyof Hashes;
  /** Further threads; only with code for shared memory. */
  readonly crew?: Crew | undefined;
  /**
   * Memories of kernels that were closed, to be used again: memory that threads share is not given
   * back before all of them collected their garbage.
   */
  readonly idle?: Memory[] | undefined;
}

/**
 * Kernels in WebAssembly, one memory per instance. With a crew the calls of tasks are not made but
 * written down, and then made by all threads.
 */
export class WasmKernels implements Kernels {
  readonly stride: number = ELEMENT;
  readonly threads: number;
  peak: number = ARENA;
  readonly #memory: Memory;
  readonly #calls: ReadonlyMap<string, Call>;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #commitment: CommitmentHash;
  readonly #channel: keyof Hashes;
  readonly #buffer: Bytes;
  readonly #rounds: Rounds | undefined;
  /** Limbs of factors by value: the same few come again and again. */
  readonly #factors = new Map<bigint, Int32Array>();
  readonly #idle: Memory[] | undefined;
  /** The task that is being written down. */
  #task: number[] | undefined;
  #top: number = ARENA;

  constructor({ module, shared }: KernelCode, options: WasmOptions) {
    const { commitment, channel, crew, idle } = options;
    this.#idle = idle;
    this.#memory = idle?.pop() ?? newMemory(PAGES_MAX, shared);
    this.#calls = instantiate(module, this.#memory, PLACES.scratch);
    this.#numbers = new Map([...this.#calls.keys()].map((name, i) => [name, i] as const));
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
    this.threads = 1 + (crew?.helpers ?? 0);
    if (crew === undefined || crew.helpers === 0) return;
    const aid = { module, memory: this.#memory };
    this.#rounds = new Rounds({ ...aid, scratch: PLACES.scratch });
    this.#rounds.start();
    for (let i = 0; i < crew.helpers; i++)
      crew.summon(i, { ...aid, scratch: this.#allocate(SCRATCH).at });
  }

  close(): void {
    this.#rounds?.stop();
    this.#idle?.push(this.#memory);
  }

  together(tasks: readonly (() => void)[]): void {
    this.#round(tasks);
  }

  /** Does tasks; answers what the last call of each answered. */
  #round(tasks: readonly (() => unknown)[]): number[] {
    const mark = this.mark();
    try {
      if (this.#rounds === undefined || tasks.length < 2)
        return tasks.map((task) => {
          const answer = task();
          this.release(mark);
          return Number(answer);
        });
      const lists = tasks.map((task) => this.#written(task));
      const { at } = this.#allocate(listSize(lists));
      writeList(new Int32Array(this.#memory.buffer), at, lists);
      return this.#rounds.play(at, lists.length);
    } finally {
      this.release(mark);
    }
  }

  /** The calls of a task. What it allocates stays until the round is over. */
  #written(task: () => unknown): Task {
    const calls: number[] = [];
    this.#task = calls;
    try {
      task();
    } finally {
      this.#task = undefined;
    }
    return calls;
  }

  #call(name: string, ...parameters: number[]): number {
    if (this.#task === undefined) return (this.#calls.get(name) as Call)(...parameters);
    this.#task.push(this.#numbers.get(name) as number, parameters.length, ...parameters);
    return 0;
  }

  /** Values exist when they are computed, which is after a task is written. */
  #demandNoTask(): void {
    if (this.#task !== undefined) throw new Error('a task cannot see a value');
  }

  #view(): DataView {
    return new DataView(this.#memory.buffer);
  }

  #array(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  #setMask(from: number, to: number): void {
    this.#array(PLACES.mask, 32).fill(0).fill(0xff, from, to);
  }

  #allocate(size: number): Bytes {
    const at = this.#top;
    this.#top = Math.ceil((at + size) / 8) * 8;
    const missing = this.#top - this.#memory.buffer.byteLength;
    if (missing > 0) this.#grow(missing);
    this.peak = Math.max(this.peak, this.#top);
    return { at, length: size };
  }

  #grow(missing: number): void {
    try {
      this.#memory.grow(Math.ceil(missing / PAGE));
    } catch {
      throw new OutOfMemory(this.#top);
    }
  }

  vector(length: number): Vector {
    return { at: this.#allocate(length * ELEMENT).at, length };
  }

  bytes(length: number): Bytes {
    return this.#allocate(length);
  }

  mark(): number {
    return this.#top;
  }

  release(mark: number): void {
    if (this.#task === undefined) this.#top = mark;
  }

  #writeLimbs(at: number, value: bigint): void {
    new Int32Array(this.#memory.buffer, at, LIMBS).set(limbsOf(value));
  }

  /** Puts a factor where the kernels find it. A task is done later: it has places of its own. */
  #scalar(value: bigint): number {
    const at = this.#task === undefined ? PLACES.scalar : this.vector(1).at;
    let limbs = this.#factors.get(value);
    if (limbs === undefined) {
      if (this.#factors.size === FACTORS_MAX) this.#factors.clear();
      limbs = limbsOf((value << BigInt(RADIX_LOG)) % P);
      this.#factors.set(value, limbs);
    }
    new Int32Array(this.#memory.buffer, at, LIMBS).set(limbs);
    return at;
  }

  write(to: Vector, values: readonly bigint[]): void {
    for (let from = 0; from < values.length; from += CHUNK) {
      const count = Math.min(CHUNK, values.length - from);
      const { at } = this.#task === undefined ? this.#buffer : this.#allocate(32 * count);
      const words = new BigUint64Array(this.#memory.buffer, at, 4 * count);
      words.fill(0n);
      for (let i = 0; i < count; i++) {
        let left = values[from + i] as bigint;
        for (let word = 4 * i; left > 0n; word++, left >>= 64n) words[word] = left;
      }
      this.#call('unpack', to.at + from * ELEMENT, at, PLACES.toRadix, count);
    }
  }

  read({ at, length }: Vector): bigint[] {
    this.#demandNoTask();
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

  /** One inversion for all, and three products each. */
  invert(values: Vector): void {
    const mark = this.mark();
    const products = this.vector(values.length);
    const inverse = this.vector(1);
    this.copy(products, 1, values, 1, values.length);
    this.accumulate(products);
    this.#call('inverse', inverse.at, products.at + (values.length - 1) * ELEMENT);
    this.#call('unwind', values.at, products.at, inverse.at, values.length - 1);
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

  evaluate(to: Vector, coefficients: Vector, x: bigint): void {
    this.#call('evaluate', to.at, coefficients.at, this.#scalar(x), coefficients.length);
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
    this.#call(`hashRows_${this.#commitment.base}`, to.at, rows.at, rowSize, count);
  }

  peek({ at, length }: Bytes): Uint8Array {
    this.#demandNoTask();
    return this.#array(at, length).slice();
  }

  grind(challenge: Uint8Array, bits: number, first: number, count: number): number | undefined {
    this.#demandNoTask();
    const share = Math.ceil(count / this.threads);
    const shares = Array.from({ length: this.threads }, (_, i) => {
      const from = Math.min(i * share, count);
      return { from, count: Math.min(share, count - from) };
    }).filter((one) => one.count > 0);
    // The digest of work is not masked.
    this.#setMask(0, 32);
    const tried = this.#round(
      shares.map((one) => () => {
        const digests = this.bytes(MESSAGES * 32);
        const messages = this.bytes(MESSAGES * MESSAGE_STEP);
        const bytes = this.#array(messages.at, messages.length).fill(0);
        for (let way = 0; way < MESSAGES; way++) bytes.set(challenge, way * MESSAGE_STEP);
        this.#view().setBigUint64(messages.at + 32, BigInt(first + one.from));
        return this.#call(`grind_${this.#channel}`, digests.at, messages.at, bits, one.count);
      }),
    );
    this.#setMask(this.#commitment.from, this.#commitment.to);
    const found = shares.findIndex((one, i) => (tried[i] as number) < one.count);
    return found < 0 ? undefined : first + (shares[found]?.from ?? 0) + (tried[found] as number);
  }
}
