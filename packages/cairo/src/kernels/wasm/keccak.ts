import type { Code, Local, ModuleBuilder } from './encoder.ts';
import { swapBytes } from './vectors.ts';

/** Fixed places in memory that the hash functions use. */
export interface KeccakPlaces {
  /** 400 bytes: the states of two sponges. */
  readonly state: number;
  /** 24 round constants of 8 bytes; the builder of the instance writes them. */
  readonly constants: number;
  /** 32 bytes: a digest is ANDed with them before it is stored. */
  readonly mask: number;
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

/** Adds Keccak-256 over arrays, as Ethereum and Stone use it (padding 0x01). */
export function addKeccakFunctions(module: ModuleBuilder, places: KeccakPlaces): void {
  const single = addHash(module, places, 1);
  const double = addHash(module, places, 2);
  module.add('hashRows', 4, (code, to, rows, rowSize, count) => {
    const [target, from, size, left] = [to, rows, rowSize, count] as [Local, Local, Local, Local];
    const [other, pairs] = [code.i32(), code.i32()];
    const advance = (): void => {
      code.advance(target, 32).get(from, size).op('i32.add').set(from);
    };
    code.get(left).i32Const(1).op('i32.shr_u').set(pairs);
    code.repeat(pairs, () => {
      code.get(from, size).op('i32.add').set(other);
      code.get(target, from).get(target).i32Const(32).op('i32.add').get(other, size).call(double);
      advance();
      advance();
    });
    code.get(left).i32Const(1).op('i32.and');
    code.when(() => {
      code.get(target, from, size).call(single);
    });
  });
  // Nodes `last` (odd) down to 1 from their children: two at a time, and the root.
  module.add('hashNodes', 2, (code, tree, last) => {
    const at = (size: number, below: number): Code =>
      code
        .get(last as Local)
        .i32Const(below)
        .op('i32.sub')
        .i32Const(size)
        .op('i32.mul')
        .get(tree as Local)
        .op('i32.add');
    const pairs = code.i32();
    code
      .get(last as Local)
      .i32Const(1)
      .op('i32.shr_u')
      .set(pairs);
    code.repeat(pairs, () => {
      at(32, 0);
      at(64, 0);
      at(32, 1);
      at(64, 1);
      code.i32Const(64).call(double);
      code.advance(last as Local, -2);
    });
    at(32, 0);
    at(64, 0);
    code.i32Const(64).call(single);
  });
  addGrind(module, places, single);
}

/** Message of 40 bytes at `message`, the nonce its last 8: counts nonces up to one that passes. */
function addGrind(module: ModuleBuilder, places: KeccakPlaces, hash: number): void {
  const write = (code: Code, message: Local, bits: Local, count: Local): void => {
    const [nonce, limit, word] = [code.i64(), code.i64(), code.i64()];
    const tried = code.i32();
    code.i64Const(64).get(bits).op('i64.extend_i32_u', 'i64.sub').set(limit);
    code.get(message).memory('i64.load', 32);
    swapBytes(code);
    code.set(nonce);
    code.loop(
      () => {
        code.get(message, nonce);
        swapBytes(code);
        code.memory('i64.store', 32);
        code.i32Const(places.state).get(message).i32Const(40).call(hash);
        code.i32Const(places.state).memory('i64.load', 0);
        swapBytes(code);
        code.get(limit).op('i64.shr_u').set(word);
        code.get(nonce).i64Const(1).op('i64.add').set(nonce);
        code.advance(tried, 1);
      },
      () => {
        // Go on while the digest is too large and nonces are left.
        code.get(word).op('i64.eqz', 'i32.eqz');
        code.get(tried, count).op('i32.lt_u', 'i32.and');
      },
    );
    // The number of the nonce that passed, or `count`.
    code.get(tried).get(word).op('i64.eqz', 'i32.sub');
  };
  module.add(
    'grind',
    3,
    (code, message, bits, count) => {
      write(code, message as Local, bits as Local, count as Local);
    },
    true,
  );
}

/**
 * Adds a function that hashes `ways` messages of one size, a multiple of 8, at once: parameters
 * (to, from) for each, then the size. A digest is ANDed with the mask.
 */
function addHash(module: ModuleBuilder, places: KeccakPlaces, ways: 1 | 2): number {
  const permute = module.add(`keccakF${ways}`, 0, (code) => {
    writePermutation(code, places, ways === 1 ? new Scalar(code) : new Pair(code));
  });
  return module.add(`keccak${ways}`, 2 * ways + 1, (code, ...parameters) => {
    writeHash(code, places, permute, parameters);
  });
}

function writeHash(
  code: Code,
  { state, mask }: KeccakPlaces,
  permute: number,
  parameters: readonly Local[],
): void {
  const ways = (parameters.length - 1) / 2;
  const [target, left] = [code.i32(), code.i32()];
  /** Lane i of message `way`; the states of two messages are interleaved. */
  const lane = (i: number, way: number): number => state + 8 * (i * ways + way);
  const xorLane = (place: number, value: bigint): void => {
    code.i32Const(0).i32Const(0).memory('i64.load', place).i64Const(value).op('i64.xor');
    code.memory('i64.store', place);
  };
  for (let i = 0; i < 25 * ways; i++)
    code
      .i32Const(0)
      .i64Const(0)
      .memory('i64.store', state + 8 * i);
  code.i32Const(0).set(target);
  code
    .get(parameters.at(-1) as Local)
    .i32Const(3)
    .op('i32.shr_u')
    .set(left);
  code.repeat(left, () => {
    for (let way = 0; way < ways; way++) {
      const from = parameters[2 * way + 1] as Local;
      code.get(target, target).memory('i64.load', lane(0, way));
      code.get(from).memory('i64.load', 0).op('i64.xor').memory('i64.store', lane(0, way));
      code.advance(from, 8);
    }
    code.advance(target, 8 * ways);
    code
      .get(target)
      .i32Const(8 * RATE_LANES * ways)
      .op('i32.lt_u', 'i32.eqz');
    code.when(() => {
      code.call(permute).i32Const(0).set(target);
    });
  });
  for (let way = 0; way < ways; way++) {
    code.get(target, target).memory('i64.load', lane(0, way)).i64Const(1).op('i64.xor');
    code.memory('i64.store', lane(0, way));
    xorLane(lane(RATE_LANES - 1, way), 1n << 63n);
  }
  code.call(permute);
  for (let way = 0; way < ways; way++)
    for (let i = 0; i < 4; i++) {
      code
        .get(parameters[2 * way] as Local)
        .i32Const(0)
        .memory('i64.load', lane(i, way));
      code
        .i32Const(0)
        .memory('i64.load', mask + 8 * i)
        .op('i64.and')
        .memory('i64.store', 8 * i);
    }
}

/** What the permutation needs of its lanes: one state in 64-bit locals, or two in vectors. */
interface Lanes {
  local(): Local;
  /** Onto the stack, from `place` plus lane i, at an address that is already there. */
  load(i: number, place: number): void;
  store(i: number, place: number): void;
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

  load(i: number, place: number): void {
    this.#code.memory('i64.load', place + 8 * i);
  }

  store(i: number, place: number): void {
    this.#code.memory('i64.store', place + 8 * i);
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

  load(i: number, place: number): void {
    this.#code.vectorMemory('v128.load', place + 16 * i);
  }

  store(i: number, place: number): void {
    this.#code.vectorMemory('v128.store', place + 16 * i);
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
function writePermutation(code: Code, { state, constants }: KeccakPlaces, lanes: Lanes): void {
  const locals = (count: number): Local[] => Array.from({ length: count }, () => lanes.local());
  const [a, b, c, d] = [locals(25), locals(25), locals(5), locals(5)];
  const [constant, left] = [code.i32(), code.i32()];
  const at = (list: readonly Local[], i: number): Local => list[i] as Local;
  for (const [i, lane] of a.entries()) {
    code.i32Const(0);
    lanes.load(i, state);
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
    code.i32Const(0).get(lane);
    lanes.store(i, state);
  }
}
