import type { Code, Local, ModuleBuilder } from './encoder.ts';
import { swapBytes } from './one.ts';

/** Fixed places in memory that all hash functions use. */
export interface HashPlaces {
  /** 32 bytes: a digest is ANDed with them before it is stored. */
  readonly mask: number;
}

/**
 * Indices of functions (to, from, size): digests of 32 bytes, to `to`, of messages of `size` bytes
 * that stand one after the other: of one, and of `ways` at once.
 */
export interface HashFunctions {
  readonly single: number;
  readonly many: number;
  readonly ways: number;
}

/** Adds what trees and the proof of work need of a hash: `hashRows_name` and `grind_name`. */
export function addHashing(module: ModuleBuilder, name: string, hash: HashFunctions): void {
  module.add(`hashRows_${name}`, 4, (code, to, rows, rowSize, count) => {
    writeRows(code, hash, [to, rows, rowSize, count] as [Local, Local, Local, Local]);
  });
  module.add(
    `grind_${name}`,
    4,
    (code, digest, message, bits, count) => {
      const parameters = [digest, message, bits, count] as [Local, Local, Local, Local];
      writeGrind(code, hash.single, parameters);
    },
    true,
  );
}

function writeRows(
  code: Code,
  { single, many, ways }: HashFunctions,
  [to, rows, rowSize, count]: readonly [Local, Local, Local, Local],
): void {
  const left = code.i32();
  const hashRows = (call: number, number: number): void => {
    code.repeat(left, () => {
      code
        .get(to, rows, rowSize)
        .call(call)
        .advance(to, 32 * number);
      code.get(rows, rowSize).i32Const(number).op('i32.mul', 'i32.add').set(rows);
    });
  };
  const log = Math.log2(ways);
  code.get(count).i32Const(log).op('i32.shr_u').set(left);
  hashRows(many, ways);
  code
    .get(count)
    .i32Const(ways - 1)
    .op('i32.and')
    .set(left);
  hashRows(single, 1);
}

/**
 * Message of 40 bytes, the nonce its last 8, zeros behind: counts nonces up to one that passes, and
 * answers how many did not; `count` if none did.
 */
function writeGrind(
  code: Code,
  hash: number,
  [digest, message, bits, count]: readonly [Local, Local, Local, Local],
): void {
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
      code.get(digest, message).i32Const(40).call(hash);
      code.get(digest).memory('i64.load', 0);
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
  code.get(tried).get(word).op('i64.eqz', 'i32.sub');
}
