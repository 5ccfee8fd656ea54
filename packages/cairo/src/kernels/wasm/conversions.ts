import { ELEMENT, load, Multiplier, newElement, reduceFully, store } from './element.ts';
import type { Code, Local, ModuleBuilder } from './encoder.ts';

/** Bits 64·word.. of nine 29-bit limbs are in these limbs, shifted left by so much. */
const WORDS: readonly (readonly (readonly [limb: number, shift: number])[])[] = [
  [
    [0, 0],
    [1, 29],
    [2, 58],
  ],
  [
    [2, -6],
    [3, 23],
    [4, 52],
  ],
  [
    [4, -12],
    [5, 17],
    [6, 46],
  ],
  [
    [6, -18],
    [7, 11],
    [8, 40],
  ],
];

/** Reverses the bytes of the i64 on the stack. */
export function swapBytes(code: Code): void {
  const x = code.i64();
  for (const [bits, mask] of [
    [8, 0x00ff00ff00ff00ffn],
    [16, 0x0000ffff0000ffffn],
  ] as const) {
    code.set(x).get(x).i64Const(bits).op('i64.shr_u').i64Const(mask).op('i64.and');
    code.get(x).i64Const(mask).op('i64.and').i64Const(bits).op('i64.shl', 'i64.or');
  }
  code.i64Const(32).op('i64.rotl');
}

function shift(code: Code, bits: number): void {
  if (bits > 0) code.i64Const(bits).op('i64.shl');
  if (bits < 0) code.i64Const(-bits).op('i64.shr_u');
}

/** Functions that turn elements into bytes, and numbers into elements. */
export function addConversions(module: ModuleBuilder): void {
  // 32 bytes, big-endian, of factor·value/2^261 mod p, at every step-th byte.
  module.add('pack', 5, (code, to, step, from, factor, count) => {
    const [x, y] = [newElement(code), newElement(code)];
    const multiplier = new Multiplier(code);
    load(code, y, factor as Local);
    code.repeat(count as Local, () => {
      load(code, x, from as Local);
      multiplier.emit(x, x, y);
      reduceFully(code, x);
      for (const [i, parts] of WORDS.entries()) {
        code.get(to as Local).i64Const(0);
        for (const [limb, bits] of parts) {
          code.get(x[limb] as Local);
          shift(code, bits);
          code.op('i64.or');
        }
        swapBytes(code);
        code.memory('i64.store', 24 - 8 * i);
      }
      code
        .get(to as Local, step as Local)
        .op('i32.add')
        .set(to as Local);
      code.advance(from as Local, ELEMENT);
    });
  });
  // From 32 bytes each, little-endian, below 2^256; times factor/2^261.
  module.add('unpack', 4, (code, to, from, factor, count) => {
    const [x, y] = [newElement(code), newElement(code)];
    const words = code.i64s(4);
    const multiplier = new Multiplier(code);
    load(code, y, factor as Local);
    code.repeat(count as Local, () => {
      for (const [i, word] of words.entries())
        code
          .get(from as Local)
          .memory('i64.load', 8 * i)
          .set(word);
      for (const [limb, local] of x.entries()) {
        code.i64Const(0);
        for (const [i, parts] of WORDS.entries())
          for (const [target, bits] of parts) {
            if (target !== limb) continue;
            code.get(words[i] as Local);
            shift(code, -bits);
            code.op('i64.or');
          }
        code
          .i64Const(2 ** 29 - 1)
          .op('i64.and')
          .set(local);
      }
      multiplier.emit(x, x, y);
      store(code, to as Local, x);
      code.advance(to as Local, ELEMENT);
      code.advance(from as Local, 32);
    });
  });
}
