// What the prover asks of a set of kernels: field arithmetic, hashing and memory in bulk.

/** `length` field elements that a set of kernels keeps, from its address `at`. */
export interface Vector {
  readonly at: number;
  readonly length: number;
}

/** `length` bytes that a set of kernels keeps, from its address `at`. */
export interface Bytes {
  readonly at: number;
  readonly length: number;
}

/** Thrown where the kernels' memory cannot grow any more: 4 GiB, or what the machine has. */
export class OutOfMemory extends Error {
  readonly bytes: number;

  constructor(bytes: number) {
    super(`no room for ${bytes} bytes`);
    this.bytes = bytes;
  }
}

/**
 * All arithmetic and hashing of a prover, on arrays in memory of its own. There are two
 * implementations, BigInt (the reference) and WebAssembly, and the prover cannot tell them apart.
 * Values go in and come out in standard form, 0..p−1. Operands may be the same vector or apart;
 * vectors that overlap otherwise are an error of the caller. Operands have equal lengths.
 */
export interface Kernels {
  /** Addresses from one element of a vector to the next. */
  readonly stride: number;
  /** Its elements are anything until they are written. @throws OutOfMemory */
  vector(length: number): Vector;
  /** Anything until they are written. @throws OutOfMemory */
  bytes(length: number): Bytes;
  /** How many tasks are done at the same time. */
  readonly threads: number;
  /**
   * Does all tasks, in any order or at the same time. None may depend on another, nor see a value:
   * `read`, `peek` and `grind` are not for tasks. What a task allocates is given back in the end.
   */
  together(tasks: readonly (() => void)[]): void;
  /** No more calls will come: lets go of other threads. */
  close(): void;

  /** What is in use now; {@link release} gives back everything allocated since. */
  mark(): number;
  release(mark: number): void;
  /** Most bytes ever in use. */
  readonly peak: number;

  write(to: Vector, values: readonly bigint[]): void;
  read(from: Vector): bigint[];
  /** to[i·toStep] = from[i·fromStep] for i < count. */
  copy(to: Vector, toStep: number, from: Vector, fromStep: number, count: number): void;
  /** to[reverse(i)] = from[i], where reverse mirrors the bits of an index; a power of two long. */
  reverse(to: Vector, from: Vector): void;

  add(to: Vector, a: Vector, b: Vector): void;
  sub(to: Vector, a: Vector, b: Vector): void;
  mul(to: Vector, a: Vector, b: Vector): void;
  /** to = factor · a */
  scale(to: Vector, a: Vector, factor: bigint): void;
  /** to += factor · a */
  addScaled(to: Vector, a: Vector, factor: bigint): void;
  /** Every element becomes its inverse; none may be 0. */
  invert(values: Vector): void;
  /** Every element becomes the product of itself and all before it. */
  accumulate(values: Vector): void;

  /** Coefficients to values, in place: see `transform.ts` for the tables and the order. */
  forward(values: Vector, table: Vector): void;
  /** Values to coefficients times their number, in place. */
  backward(values: Vector, table: Vector): void;
  /** to[0] = the polynomial with these coefficients, at x. */
  evaluate(to: Vector, coefficients: Vector, x: bigint): void;
  /** to += (f − f(x)) / (X − x) */
  addQuotient(to: Vector, coefficients: Vector, x: bigint): void;
  /** to[i] = 2·(f[2i] + beta·f[2i+1]): one halving of FRI, on coefficients. */
  fold(to: Vector, coefficients: Vector, beta: bigint): void;

  /** Stone's 32 bytes of element i at byte i·step of `to`: Montgomery form, big-endian. */
  pack(to: Bytes, step: number, from: Vector): void;
  /** Digests of rows of `rowSize` bytes (a multiple of 32), written to `to` one after the other. */
  hashRows(to: Bytes, rows: Bytes, rowSize: number): void;
  /** A copy. */
  peek(from: Bytes): Uint8Array;
  /**
   * The smallest of `count` nonces from `first` whose 8 bytes after `challenge` hash to something
   * that begins with `bits` zeros, or undefined. By the channel's hash, unmasked.
   */
  grind(challenge: Uint8Array, bits: number, first: number, count: number): number | undefined;
}

/** `length` elements of `vector` from its element `from`. */
export function slice(kernels: Kernels, vector: Vector, from: number, length: number): Vector {
  return { at: vector.at + from * kernels.stride, length };
}
