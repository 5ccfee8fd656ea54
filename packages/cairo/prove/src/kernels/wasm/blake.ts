// BLAKE2s in WebAssembly: one message, and four at a time.
import type { Code, Local, ModuleBuilder } from './encoder.ts';
import type { HashFunctions, HashPlaces } from './hashing.ts';

/** RFC 7693, section 2.6. */
const IV = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];
/** Digests of 32 bytes, no key, fan-out and depth 1: section 2.5. */
const PARAMETERS = 0x01010020;
const BLOCK = 64;

/** Message words of each round, section 2.7. */
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/** Columns, then diagonals, of the four by four words that a round mixes: section 3.2. */
const MIXES = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/** Adds BLAKE2s-256 (RFC 7693): of one message, and of four at once. */
export function addBlakeFunctions(module: ModuleBuilder, { mask }: HashPlaces): HashFunctions {
  const add = (ways: 1 | 4): number =>
    module.add(`blake${ways}`, 4, (code, ...parameters) => {
      const [to, from, size, step] = parameters as [Local, Local, Local, Local];
      const words = ways === 1 ? new Single(code, from) : new Quad(code, from, step);
      new Blake(code, words).write(size);
      words.digest(to, mask);
    });
  return { single: add(1), many: add(4), ways: 4 };
}

/** What the function needs of its words of 32 bits: those of one message, or of four in vectors. */
interface Words {
  /** The state between blocks. */
  readonly state: readonly Local[];
  local(): Local;
  /** Onto the stack: the value of an i32 local; an i32 constant; the next block's word i. */
  splat(value: Local): void;
  constant(value: number): void;
  load(i: number): void;
  /** To the next block. */
  advance(): void;
  add(): void;
  xor(): void;
  rotateRight(bits: number): void;
  /** Stores the state, ANDed with the mask. */
  digest(to: Local, mask: number): void;
}

class Blake {
  readonly #code: Code;
  readonly #words: Words;
  readonly #message: readonly Local[];
  readonly #v: readonly Local[];

  constructor(code: Code, words: Words) {
    this.#code = code;
    this.#words = words;
    this.#message = Array.from({ length: 16 }, () => words.local());
    this.#v = Array.from({ length: 16 }, () => words.local());
  }

  /** Into the state, the digest of messages of `size` bytes: a multiple of 32, or zeros behind. */
  write(size: Local): void {
    const code = this.#code;
    const { state } = this.#words;
    const [left, after] = [code.i32(), code.i32()];
    for (const [i, word] of state.entries()) {
      this.#words.constant((IV[i] as number) ^ (i === 0 ? PARAMETERS : 0));
      code.set(word);
    }
    code.get(size).set(left);
    code.loop(
      () => {
        this.#loadBlock(left);
        // The bytes behind this block: left − 64, or 0 in the last one.
        code.get(left).i32Const(BLOCK).op('i32.sub');
        code.i32Const(BLOCK).get(left).op('i32.lt_u', 'i32.mul').set(after);
        this.#begin(size, after);
        for (const order of SIGMA) this.#round(order);
        for (const [i, word] of state.entries()) {
          code.get(word, this.#v[i] as Local);
          this.#words.xor();
          code.get(this.#v[i + 8] as Local);
          this.#words.xor();
          code.set(word);
        }
        this.#words.advance();
      },
      () => code.get(after).tee(left),
    );
  }

  #loadBlock(left: Local): void {
    const code = this.#code;
    const load = (i: number): void => {
      this.#words.load(i);
      code.set(this.#message[i] as Local);
    };
    for (let i = 0; i < 8; i++) load(i);
    for (const word of this.#message.slice(8)) {
      this.#words.constant(0);
      code.set(word);
    }
    code
      .i32Const(BLOCK / 2)
      .get(left)
      .op('i32.lt_u');
    code.when(() => {
      for (let i = 8; i < 16; i++) load(i);
    });
  }

  /** Word 12 takes the bytes so far, word 14 whether these are the last. */
  #begin(size: Local, after: Local): void {
    const code = this.#code;
    const number = code.i32();
    const mixIn = (i: number): void => {
      code.set(number).get(this.#v[i] as Local);
      this.#words.splat(number);
      this.#words.xor();
      code.set(this.#v[i] as Local);
    };
    for (const [i, word] of this.#v.entries()) {
      if (i < 8) code.get(this.#words.state[i] as Local);
      else this.#words.constant(IV[i - 8] as number);
      code.set(word);
    }
    code.get(size, after).op('i32.sub');
    mixIn(12);
    code.i32Const(0).get(after).op('i32.eqz', 'i32.sub');
    mixIn(14);
  }

  #round(order: readonly number[]): void {
    for (const [i, mix] of MIXES.entries()) {
      const [a, b, c, d] = mix.map((at) => this.#v[at]) as [Local, Local, Local, Local];
      for (const [half, [first, second]] of [
        [16, 12],
        [8, 7],
      ].entries()) {
        const word = this.#message[order[2 * i + half] as number] as Local;
        this.#sum(a, b, word);
        this.#turn(d, a, first as number);
        this.#sum(c, d);
        this.#turn(b, c, second as number);
      }
    }
  }

  #sum(to: Local, ...others: readonly Local[]): void {
    const code = this.#code.get(to);
    for (const other of others) {
      code.get(other);
      this.#words.add();
    }
    code.set(to);
  }

  #turn(to: Local, other: Local, bits: number): void {
    this.#code.get(to, other);
    this.#words.xor();
    this.#words.rotateRight(bits);
    this.#code.set(to);
  }
}

class Single implements Words {
  readonly state: readonly Local[];
  readonly #code: Code;
  readonly #message: Local;

  constructor(code: Code, message: Local) {
    this.#code = code;
    this.#message = message;
    this.state = IV.map(() => code.i32());
  }

  local(): Local {
    return this.#code.i32();
  }

  splat(value: Local): void {
    this.#code.get(value);
  }

  constant(value: number): void {
    this.#code.i32Const(value | 0);
  }

  load(i: number): void {
    this.#code.get(this.#message).memory('i32.load', 4 * i);
  }

  advance(): void {
    this.#code.advance(this.#message, BLOCK);
  }

  add(): void {
    this.#code.op('i32.add');
  }

  xor(): void {
    this.#code.op('i32.xor');
  }

  rotateRight(bits: number): void {
    this.#code.i32Const(bits).op('i32.rotr');
  }

  digest(to: Local, mask: number): void {
    for (const [i, word] of this.state.entries())
      storeWord(this.#code.get(to, word), mask, i, 4 * i);
  }
}

class Quad implements Words {
  readonly state: readonly Local[];
  readonly #code: Code;
  readonly #messages: readonly Local[];
  readonly #turned: Local;

  constructor(code: Code, message: Local, step: Local) {
    this.#code = code;
    this.state = IV.map(() => code.v128());
    this.#turned = code.v128();
    const others = [code.i32(), code.i32(), code.i32()];
    this.#messages = [message, ...others];
    for (const [i, other] of others.entries())
      code
        .get(this.#messages[i] as Local, step)
        .op('i32.add')
        .set(other);
  }

  local(): Local {
    return this.#code.v128();
  }

  splat(value: Local): void {
    this.#code.get(value).vector('i32x4.splat');
  }

  constant(value: number): void {
    this.#code.i32Const(value | 0).vector('i32x4.splat');
  }

  load(i: number): void {
    const code = this.#code.get(...[...this.#messages].reverse());
    code.vectorMemory('v128.load32_zero', 4 * i);
    for (const lane of [1, 2, 3]) code.loadLane(lane, 4 * i);
  }

  advance(): void {
    for (const message of this.#messages) this.#code.advance(message, BLOCK);
  }

  add(): void {
    this.#code.vector('i32x4.add');
  }

  xor(): void {
    this.#code.vector('v128.xor');
  }

  /** Whole bytes move in one shuffle. */
  rotateRight(bits: number): void {
    const code = this.#code.tee(this.#turned);
    if (bits % 8 === 0) {
      const from = (byte: number): number => (byte & ~3) + ((byte + bits / 8) & 3);
      code.get(this.#turned).shuffle(Array.from({ length: 16 }, (_, byte) => from(byte)));
      return;
    }
    code.i32Const(bits).vector('i32x4.shr_u').get(this.#turned);
    code.i32Const(32 - bits).vector('i32x4.shl', 'v128.or');
  }

  digest(to: Local, mask: number): void {
    for (const way of this.#messages.keys())
      for (const [i, word] of this.state.entries())
        storeWord(this.#code.get(to, word).extractLane(way), mask, i, 32 * way + 4 * i);
  }
}

/** Stores the i32 on the stack, word i of a digest. */
function storeWord(code: Code, mask: number, i: number, place: number): void {
  code.i32Const(0).memory('i32.load', mask + 4 * i);
  code.op('i32.and').memory('i32.store', place);
}
