import type { Code, Local, ModuleBuilder } from './encoder.ts';
import { swapBytes } from './vectors.ts';

/** Fixed places in memory that the hash functions use. */
export interface KeccakPlaces {
  /** 200 bytes: the state of the sponge. */
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
  const permute = module.add('keccakF', 0, (code) => {
    writePermutation(code, places);
  });
  const hash = module.add('keccak', 3, (code, to, from, size) => {
    writeHash(code, places, permute, [to as Local, from as Local, size as Local]);
  });
  module.add('hashRows', 4, (code, to, rows, rowSize, count) => {
    code.repeat(count as Local, () => {
      code.get(to as Local, rows as Local, rowSize as Local).call(hash);
      code.advance(to as Local, 32);
      code
        .get(rows as Local, rowSize as Local)
        .op('i32.add')
        .set(rows as Local);
    });
  });
  // Nodes `last` down to 1 from their children.
  module.add('hashNodes', 2, (code, tree, last) => {
    const at = (size: number): Code =>
      code
        .get(tree as Local, last as Local)
        .i32Const(size)
        .op('i32.mul', 'i32.add');
    code.repeat(last as Local, () => {
      at(32);
      at(64);
      code.i32Const(64).call(hash);
    });
  });
  addGrind(module, places, hash);
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

/** to = mask & Keccak-256 of `size` bytes, a multiple of 8. */
function writeHash(
  code: Code,
  { state, mask }: KeccakPlaces,
  permute: number,
  [to, from, size]: readonly [Local, Local, Local],
): void {
  const [target, left] = [code.i32(), code.i32()];
  const lane = (i: number): number => state + 8 * i;
  for (let i = 0; i < 25; i++) code.i32Const(0).i64Const(0).memory('i64.store', lane(i));
  code.i32Const(0).set(target);
  code.get(size).i32Const(3).op('i32.shr_u').set(left);
  code.repeat(left, () => {
    code.get(target, target).memory('i64.load', state);
    code.get(from).memory('i64.load', 0).op('i64.xor').memory('i64.store', state);
    code.advance(from, 8).advance(target, 8);
    code
      .get(target)
      .i32Const(8 * RATE_LANES)
      .op('i32.lt_u', 'i32.eqz');
    code.when(() => {
      code.call(permute).i32Const(0).set(target);
    });
  });
  code.get(target, target).memory('i64.load', state).i64Const(1).op('i64.xor');
  code.memory('i64.store', state);
  const last = lane(RATE_LANES - 1);
  code.i32Const(0).i32Const(0).memory('i64.load', last);
  code
    .i64Const(1n << 63n)
    .op('i64.xor')
    .memory('i64.store', last);
  code.call(permute);
  for (let i = 0; i < 4; i++) {
    code.get(to).i32Const(0).memory('i64.load', lane(i));
    code
      .i32Const(0)
      .memory('i64.load', mask + 8 * i)
      .op('i64.and')
      .memory('i64.store', 8 * i);
  }
}

function writePermutation(code: Code, { state, constants }: KeccakPlaces): void {
  const a = code.i64s(25);
  const b = code.i64s(25);
  const [c, d] = [code.i64s(5), code.i64s(5)];
  const [constant, left] = [code.i32(), code.i32()];
  const at = (lanes: readonly Local[], i: number): Local => lanes[i] as Local;
  for (const [i, lane] of a.entries())
    code
      .i32Const(0)
      .memory('i64.load', state + 8 * i)
      .set(lane);
  code.i32Const(constants).set(constant).i32Const(ROUNDS).set(left);
  const offsets = rotations();
  code.repeat(left, () => {
    for (let x = 0; x < 5; x++) {
      code.get(at(a, x));
      for (let y = 1; y < 5; y++) code.get(at(a, x + 5 * y)).op('i64.xor');
      code.set(at(c, x));
    }
    for (let x = 0; x < 5; x++) {
      code
        .get(at(c, (x + 4) % 5), at(c, (x + 1) % 5))
        .i64Const(1)
        .op('i64.rotl', 'i64.xor');
      code.set(at(d, x));
    }
    for (let i = 0; i < 25; i++) {
      const [x, y] = [i % 5, Math.floor(i / 5)];
      code.get(at(a, i), at(d, x)).op('i64.xor');
      if (i > 0) code.i64Const(offsets[i] ?? 0).op('i64.rotl');
      code.set(at(b, y + 5 * ((2 * x + 3 * y) % 5)));
    }
    for (let i = 0; i < 25; i++) {
      const row = i - (i % 5);
      code
        .get(at(b, i), at(b, row + ((i + 1) % 5)))
        .i64Const(-1)
        .op('i64.xor');
      code
        .get(at(b, row + ((i + 2) % 5)))
        .op('i64.and', 'i64.xor')
        .set(at(a, i));
    }
    code.get(at(a, 0), constant).memory('i64.load', 0).op('i64.xor').set(at(a, 0));
    code.advance(constant, 8);
  });
  for (const [i, lane] of a.entries())
    code
      .i32Const(0)
      .get(lane)
      .memory('i64.store', state + 8 * i);
}
