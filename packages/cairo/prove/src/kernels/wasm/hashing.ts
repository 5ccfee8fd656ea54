// Code that hashes rows and nodes of a Merkle tree, whatever the hash function.
import type { Code, Local, ModuleBuilder } from './encoder.ts';
import { swapBytes } from './one.ts';

/** Fixed places in memory that all hash functions use. */
export interface HashPlaces {
  /** 32 bytes: a digest is ANDed with them before it is stored. */
  readonly mask: number;
}

/**
 * Indices of functions (to, from, size, step): digests of 32 bytes, to `to`, of messages of `size`
 * bytes, one every `step` bytes: of one, and of `ways` at once.
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
      writeGrind(code, hash, parameters);
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
        .get(to, rows, rowSize, rowSize)
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

/** Messages of a proof of work that are hashed at once, at most. */
export const MESSAGES = 4;
/** Bytes from one message of a proof of work to the next. */
export const MESSAGE_STEP = 64;

/**
 * Messages of 40 bytes that differ in their last 8, the nonce, with zeros behind: counts nonces, as
 * many at once as the hash takes, up to one that passes. Answers how many are before it; `count` or
 * more if none did.
 */
function writeGrind(
  code: Code,
  { many, ways }: HashFunctions,
  [digests, messages, bits, count]: readonly [Local, Local, Local, Local],
): void {
  const [nonce, limit] = [code.i64(), code.i64()];
  const [tried, answer] = [code.i32(), code.i32()];
  code.i64Const(64).get(bits).op('i64.extend_i32_u', 'i64.sub').set(limit);
  code.get(messages).memory('i64.load', 32);
  swapBytes(code);
  code.set(nonce).get(count).set(answer);
  code.loop(
    () => {
      for (let way = 0; way < ways; way++) {
        code.get(messages, nonce).i64Const(way).op('i64.add');
        swapBytes(code);
        code.memory('i64.store', MESSAGE_STEP * way + 32);
      }
      code.get(digests, messages).i32Const(40).i32Const(MESSAGE_STEP).call(many);
      // From the last to the first, which wins.
      for (let way = ways - 1; way >= 0; way--) {
        code.get(digests).memory('i64.load', 32 * way);
        swapBytes(code);
        code.get(limit).op('i64.shr_u', 'i64.eqz');
        code.when(() => {
          code.get(tried).i32Const(way).op('i32.add').set(answer);
        });
      }
      code.get(nonce).i64Const(ways).op('i64.add').set(nonce);
      code.advance(tried, ways);
    },
    () => {
      // Go on while none has passed and nonces are left.
      code.get(answer, count).op('i32.lt_u', 'i32.eqz');
      code.get(tried, count).op('i32.lt_u', 'i32.and');
    },
  );
  code.get(answer);
}
