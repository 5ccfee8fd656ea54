// Keccak-256 in WebAssembly: one message, and two at a time.
import type { Code, Local, ModuleBuilder } from './encoder.ts';
import type { HashFunctions, HashPlaces } from './hashing.ts';

/** Fixed places in memory. The states of two sponges, 400 bytes, are where the scratch begins. */
export interface KeccakPlaces extends HashPlaces {
  /** 24 round constants of 8 bytes; the builder of the instance writes them. */
  readonly constants: number;
}

/** Lanes of one block of Keccak-256. */
const RATE_LANES = 17;
const ROUNDS = 24;

/** Round constants by the LFSR of FIPS 202, section 3.2.5. */
export function roundConstants(): bigint[] {
  const constants: bigint[] = [];
  let lfsr = 1;
  for (let round = 0; round < ROUNDS; round++) {
    let constant = 0n;
    for (let j = 0; j <= 6; j++) {
      if (lfsr & 1) constant |= 1n << BigInt(2 ** j - 1);
      lfsr = lfsr & 0x80 ? ((lfsr << 1) ^ 0x171) & 0xff : lfsr << 1;
    }
    constants.push(constant);
  }
  return constants;
}

/** Rotations of lane x + 5y, FIPS 202, section 3.2.2. */
function rotations(): number[] {
  const result = Array.from({ length: 25 }, () => 0);
  let [x, y] = [1, 0];
  for (let t = 0; t < ROUNDS; t++) {
    result[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return result;
}

/** Adds Keccak-256 as Ethereum and Stone use it (padding 0x01): one message, and two at once. */
export function addKeccakFunctions(module: ModuleBuilder, places: KeccakPlaces): HashFunctions {
  return { single: addHash(module, places, 1), many: addHash(module, places, 2), ways: 2 };
}

/** Of messages whose size is a multiple of 8. */
function addHash(module: ModuleBuilder, places: KeccakPlaces, ways: 1 | 2): number {
  const permute = module.add(`keccakF${ways}`, 0, (code) => {
    writePermutation(code, places, ways === 1 ? new Scalar(code) : new Pair(code));
  });
  return module.add(`keccak${ways}`, 4, (code, ...parameters) => {
    writeHash(code, places, permute, parameters as [Local, Local, Local, Local], ways);
  });
}

function writeHash(
  code: Code,
  { mask }: KeccakPlaces,
  permute: number,
  [to, from, size, step]: readonly [Local, Local, Local, Local],
  ways: number,
): void {
  const [base, target, left] = [code.i32(), code.i32(), code.i32()];
  /** Lane i of message `way`; the states of two messages are interleaved. */
  const lane = (i: number, way: number): number => 8 * (i * ways + way);
  const messages = Array.from({ length: ways }, () => code.i32());
  for (const [way, message] of messages.entries()) {
    code.get(from).set(message);
    if (way > 0)
      code
        .get(messages[way - 1] as Local, step)
        .op('i32.add')
        .set(message);
  }
  code.scratch().set(base).get(base).set(target);
  for (let i = 0; i < 25 * ways; i++)
    code
      .get(base)
      .i64Const(0)
      .memory('i64.store', 8 * i);
  code.get(size).i32Const(3).op('i32.shr_u').set(left);
  code.repeat(left, () => {
    for (const [way, message] of messages.entries()) {
      code.get(target, target).memory('i64.load', lane(0, way));
      code.get(message).memory('i64.load', 0).op('i64.xor').memory('i64.store', lane(0, way));
      code.advance(message, 8);
    }
    code.advance(target, 8 * ways);
    code
      .get(target, base)
      .op('i32.sub')
      .i32Const(8 * RATE_LANES * ways)
      .op('i32.lt_u', 'i32.eqz');
    code.when(() => {
      code.call(permute).get(base).set(target);
    });
  });
  const flip = (address: Local, place: number, bits: bigint): void => {
    code.get(address, address).memory('i64.load', place).i64Const(bits).op('i64.xor');
    code.memory('i64.store', place);
  };
  for (const way of messages.keys()) {
    flip(target, lane(0, way), 1n);
    flip(base, lane(RATE_LANES - 1, way), 1n << 63n);
  }
  code.call(permute);
  for (const way of messages.keys())
    for (let i = 0; i < 4; i++) {
      code.get(to, base).memory('i64.load', lane(i, way));
      code.i32Const(0).memory('i64.load', mask + 8 * i);
      code.op('i64.and').memory('i64.store', 32 * way + 8 * i);
    }
}

/** What the permutation needs of its lanes: one state in 64-bit locals, or two in vectors. */
interface Lanes {
  local(): Local;
  /** Onto the stack, lane i of the state at an address that is already there. */
  load(i: number): void;
  store(i: number): void;
  xor(): void;
  /** a, b → a & ~b */
  andNot(): void;
  rotate(bits: number): void;
  /** A constant in memory, into all states; the address is on the stack. */
  constant(): void;
}

class Scalar implements Lanes {
  readonly #code: Code;

  constructor(code: Code) {
    this.#code = code;
  }

  local(): Local {
    return this.#code.i64();
  }

  load(i: number): void {
    this.#code.memory('i64.load', 8 * i);
  }

  store(i: number): void {
    this.#code.memory('i64.store', 8 * i);
  }

  xor(): void {
    this.#code.op('i64.xor');
  }

  andNot(): void {
    this.#code.i64Const(-1).op('i64.xor', 'i64.and');
  }

  rotate(bits: number): void {
    this.#code.i64Const(bits).op('i64.rotl');
  }

  constant(): void {
    this.#code.memory('i64.load', 0);
  }
}

/** There is no rotation of lanes: two shifts. Still fewer instructions per state than one alone. */
class Pair implements Lanes {
  readonly #code: Code;
  readonly #turned: Local;

  constructor(code: Code) {
    this.#code = code;
    this.#turned = code.v128();
  }

  local(): Local {
    return this.#code.v128();
  }

  load(i: number): void {
    this.#code.vectorMemory('v128.load', 16 * i);
  }

  store(i: number): void {
    this.#code.vectorMemory('v128.store', 16 * i);
  }

  xor(): void {
    this.#code.vector('v128.xor');
  }

  andNot(): void {
    this.#code.vector('v128.andnot');
  }

  rotate(bits: number): void {
    this.#code.tee(this.#turned).i32Const(bits).vector('i64x2.shl');
    this.#code
      .get(this.#turned)
      .i32Const(64 - bits)
      .vector('i64x2.shr_u', 'v128.or');
  }

  constant(): void {
    this.#code.vectorMemory('v128.load64_splat', 0);
  }
}

/** Keccak-f[1600], FIPS 202, section 3.3: theta, rho and pi, chi, iota, 24 times. */
function writePermutation(code: Code, { constants }: KeccakPlaces, lanes: Lanes): void {
  const locals = (count: number): Local[] => Array.from({ length: count }, () => lanes.local());
  const [a, b, c, d] = [locals(25), locals(25), locals(5), locals(5)];
  const [constant, left] = [code.i32(), code.i32()];
  const at = (list: readonly Local[], i: number): Local => list[i] as Local;
  for (const [i, lane] of a.entries()) {
    code.scratch();
    lanes.load(i);
    code.set(lane);
  }
  code.i32Const(constants).set(constant).i32Const(ROUNDS).set(left);
  const offsets = rotations();
  code.repeat(left, () => {
    for (let x = 0; x < 5; x++) {
      code.get(at(a, x));
      for (let y = 1; y < 5; y++) {
        code.get(at(a, x + 5 * y));
        lanes.xor();
      }
      code.set(at(c, x));
    }
    for (let x = 0; x < 5; x++) {
      code.get(at(c, (x + 4) % 5), at(c, (x + 1) % 5));
      lanes.rotate(1);
      lanes.xor();
      code.set(at(d, x));
    }
    for (let i = 0; i < 25; i++) {
      const [x, y] = [i % 5, Math.floor(i / 5)];
      code.get(at(a, i), at(d, x));
      lanes.xor();
      if (i > 0) lanes.rotate(offsets[i] ?? 0);
      code.set(at(b, y + 5 * ((2 * x + 3 * y) % 5)));
    }
    for (let i = 0; i < 25; i++) {
      const row = i - (i % 5);
      code.get(at(b, i), at(b, row + ((i + 2) % 5)), at(b, row + ((i + 1) % 5)));
      lanes.andNot();
      lanes.xor();
      code.set(at(a, i));
    }
    code.get(at(a, 0), constant);
    lanes.constant();
    lanes.xor();
    code.set(at(a, 0));
    code.advance(constant, 8);
  });
  for (const [i, lane] of a.entries()) {
    code.scratch().get(lane);
    lanes.store(i);
  }
}
