// Writes WebAssembly modules to bytes.

/**
 * As much of the WebAssembly binary format (core specification 2.0, section 5) as the kernels need,
 * written by methods: a function is its parameters, its locals and the bytes of its body. By hand: `wabt`
 * would be 0.7 MB of script in every worker's install, and it reads text, which these kernels are not.
 */

/** A local variable or parameter, by index. */
export type Local = number & { readonly local: unique symbol };

const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;
const VOID = 0x40;
/** First byte of all vector instructions. */
const VECTOR = 0xfd;

/** Magic and version. */
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** Instructions without immediates. */
const OPCODES = {
  'i32.eqz': 0x45,
  'i32.lt_u': 0x49,
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.mul': 0x6c,
  'i32.and': 0x71,
  'i32.xor': 0x73,
  'i32.shl': 0x74,
  'i32.shr_u': 0x76,
  'i32.rotr': 0x78,
  'i64.eqz': 0x50,
  'i64.lt_s': 0x53,
  'i64.lt_u': 0x54,
  'i64.add': 0x7c,
  'i64.sub': 0x7d,
  'i64.mul': 0x7e,
  'i64.and': 0x83,
  'i64.or': 0x84,
  'i64.xor': 0x85,
  'i64.shl': 0x86,
  'i64.shr_s': 0x87,
  'i64.shr_u': 0x88,
  'i64.rotl': 0x89,
  'i32.wrap_i64': 0xa7,
  'i64.extend_i32_u': 0xad,
} as const;

/** Vector instructions without immediates, behind {@link VECTOR}. */
const VECTOR_OPCODES = {
  'i32x4.splat': 0x11,
  'i64x2.splat': 0x12,
  'v128.and': 0x4e,
  'v128.andnot': 0x4f,
  'v128.or': 0x50,
  'v128.xor': 0x51,
  'v128.bitselect': 0x52,
  'i32x4.shl': 0xab,
  'i32x4.shr_s': 0xac,
  'i32x4.shr_u': 0xad,
  'i32x4.add': 0xae,
  'i32x4.sub': 0xb1,
  'i64x2.shl': 0xcb,
  'i64x2.shr_s': 0xcc,
  'i64x2.shr_u': 0xcd,
  'i64x2.add': 0xce,
  'i64x2.sub': 0xd1,
  'i64x2.extmul_low_i32x4_s': 0xdc,
  'i64x2.extmul_high_i32x4_s': 0xdd,
} as const;

/** Loads and stores of vectors, and log2 of their alignment. */
const VECTOR_MEMORY = {
  'v128.load': [0x00, 3],
  'v128.load64_splat': [0x0a, 3],
  'v128.store': [0x0b, 3],
  'v128.load32_zero': [0x5c, 2],
} as const;

/** Loads and stores, and log2 of their natural alignment. */
const MEMORY = {
  'i32.load': [0x28, 2],
  'i64.load': [0x29, 3],
  'i64.load32_s': [0x34, 2],
  'i64.load32_u': [0x35, 2],
  'i32.store': [0x36, 2],
  'i64.store': [0x37, 3],
  'i64.store32': [0x3e, 2],
} as const;

/** Instructions without an immediate. */
export type Opcode = keyof typeof OPCODES;
/** Loads and stores of one value. */
export type MemoryOpcode = keyof typeof MEMORY;
/** SIMD instructions without an immediate. */
export type VectorOpcode = keyof typeof VECTOR_OPCODES;
/** Loads and stores of a vector. */
export type VectorMemoryOpcode = keyof typeof VECTOR_MEMORY;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) + 0x80);
  return [...bytes, left];
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7n) {
    const byte = Number(left & 0x7fn);
    const done = left >> 7n === (byte & 0x40 ? -1n : 0n);
    bytes.push(done ? byte : byte + 0x80);
    if (done) return bytes;
  }
}

const text = (value: string): number[] => {
  const bytes = [...new TextEncoder().encode(value)];
  return [...unsigned(bytes.length), ...bytes];
};

/** The body of a function, written in order. Methods chain. */
export class Code {
  readonly #bytes: number[] = [];
  readonly #locals: number[] = [];
  readonly #parameters: number;

  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  #local(type: number): Local {
    this.#locals.push(type);
    return (this.#parameters + this.#locals.length - 1) as Local;
  }

  i32(): Local {
    return this.#local(I32);
  }

  i64(): Local {
    return this.#local(I64);
  }

  i64s(count: number): Local[] {
    return Array.from({ length: count }, () => this.i64());
  }

  /** A local of 128 bits: lanes of 32 or 64. */
  v128(): Local {
    return this.#local(V128);
  }

  v128s(count: number): Local[] {
    return Array.from({ length: count }, () => this.v128());
  }

  get(...locals: readonly Local[]): this {
    for (const local of locals) this.#bytes.push(0x20, ...unsigned(local));
    return this;
  }

  set(local: Local): this {
    this.#bytes.push(0x21, ...unsigned(local));
    return this;
  }

  tee(local: Local): this {
    this.#bytes.push(0x22, ...unsigned(local));
    return this;
  }

  i32Const(value: number): this {
    this.#bytes.push(0x41, ...signed(BigInt(value)));
    return this;
  }

  i64Const(value: bigint | number): this {
    this.#bytes.push(0x42, ...signed(BigInt.asIntN(64, BigInt(value))));
    return this;
  }

  op(...opcodes: readonly Opcode[]): this {
    for (const opcode of opcodes) this.#bytes.push(OPCODES[opcode]);
    return this;
  }

  /** A load or store at a constant offset from the address on the stack. */
  memory(opcode: MemoryOpcode, offset: number): this {
    const [code, align] = MEMORY[opcode];
    this.#bytes.push(code, align, ...unsigned(offset));
    return this;
  }

  vector(...opcodes: readonly VectorOpcode[]): this {
    for (const opcode of opcodes) this.#bytes.push(VECTOR, ...unsigned(VECTOR_OPCODES[opcode]));
    return this;
  }

  vectorMemory(opcode: VectorMemoryOpcode, offset: number): this {
    const [code, align] = VECTOR_MEMORY[opcode];
    this.#bytes.push(VECTOR, ...unsigned(code), align, ...unsigned(offset));
    return this;
  }

  /** One lane of 32 bits from an address, into the vector on top of it. */
  loadLane(lane: number, offset: number): this {
    this.#bytes.push(VECTOR, 0x56, 2, ...unsigned(offset), lane);
    return this;
  }

  /** Lane of 32 bits of the vector on the stack, to the address below it. */
  storeLane(lane: number, offset: number): this {
    this.#bytes.push(VECTOR, 0x5a, 2, ...unsigned(offset), lane);
    return this;
  }

  /** Lane of 32 bits of the vector on the stack, as an i32. */
  extractLane(lane: number): this {
    this.#bytes.push(VECTOR, 0x1b, lane);
    return this;
  }

  /** Bytes of two vectors on the stack, chosen by index 0..31. */
  shuffle(bytes: readonly number[]): this {
    this.#bytes.push(VECTOR, 0x0d, ...bytes);
    return this;
  }

  /** The one imported global. */
  scratch(): this {
    this.#bytes.push(0x23, 0x00);
    return this;
  }

  call(index: number): this {
    this.#bytes.push(0x10, ...unsigned(index));
    return this;
  }

  /** local += value, for an i32 */
  advance(local: Local, value: number): this {
    return this.get(local).i32Const(value).op('i32.add').set(local);
  }

  /** Runs `body` once; then again as long as `condition` leaves an i32 that is not 0. */
  loop(body: () => void, condition: () => void): this {
    this.#bytes.push(0x03, VOID);
    body();
    condition();
    this.#bytes.push(0x0d, 0x00, 0x0b);
    return this;
  }

  /** Runs `body` if the i32 on the stack is not 0. */
  when(body: () => void): this {
    this.#bytes.push(0x04, VOID);
    body();
    this.#bytes.push(0x0b);
    return this;
  }

  /** Runs `body` `count` times; `count` (an i32 local) is 0 in the end. */
  repeat(count: Local, body: () => void): this {
    return this.get(count).when(() => {
      this.loop(body, () => this.get(count).i32Const(1).op('i32.sub').tee(count));
    });
  }

  encode(): number[] {
    const locals = this.#locals.flatMap((type) => [1, type]);
    const body = [...unsigned(this.#locals.length), ...locals, ...this.#bytes, 0x0b];
    return [...unsigned(body.length), ...body];
  }
}

/** A function's parameters are all i32: addresses and counts. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: number;
  /** Whether it answers an i32. */
  readonly answers: boolean;
  readonly code: Code;
}

/** Pages of 64 KiB of a memory that has all addresses. */
export const PAGES_MAX: number = 2 ** 16;

/**
 * Collects functions into a module that exports all of them. It imports its `memory`, and as
 * `scratch` an address that its thread has for itself, both from `thread`.
 */
export class ModuleBuilder {
  readonly #functions: WasmFunction[] = [];

  /** Writes one function; answers its index for calls. */
  add(
    name: string,
    parameters: number,
    write: (code: Code, ...parameters: Local[]) => void,
    answers = false,
  ): number {
    const code = new Code(parameters);
    write(code, ...Array.from({ length: parameters }, (_, i) => i as Local));
    return this.#functions.push({ name, parameters, answers, code }) - 1;
  }

  /** For a memory that threads share, or one that they do not. */
  encode(shared: boolean): Uint8Array<ArrayBuffer> {
    const section = (id: number, entries: readonly (readonly number[])[]): number[] => {
      const body = [...unsigned(entries.length), ...entries.flat()];
      return [id, ...unsigned(body.length), ...body];
    };
    const functions = this.#functions;
    const types = functions.map(({ parameters, answers }) => [
      0x60,
      ...unsigned(parameters),
      ...Array.from({ length: parameters }, () => I32),
      ...(answers ? [1, I32] : [0]),
    ]);
    const limits = [shared ? 0x03 : 0x01, 1, ...unsigned(PAGES_MAX)];
    const imported = [
      [...text('thread'), ...text('memory'), 0x02, ...limits],
      [...text('thread'), ...text('scratch'), 0x03, I32, 0x00],
    ];
    const exported = functions.map(({ name }, i) => [...text(name), 0x00, ...unsigned(i)]);
    return Uint8Array.from([
      ...HEADER,
      ...section(1, types),
      ...section(2, imported),
      ...section(
        3,
        functions.map((_, i) => unsigned(i)),
      ),
      ...section(7, exported),
      ...section(
        10,
        functions.map(({ code }) => code.encode()),
      ),
    ]);
  }
}
