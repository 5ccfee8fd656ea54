// Code for one field element.
import {
  type Arithmetic,
  type Element,
  LIMB_BITS,
  LIMB_MASK,
  LIMBS,
  partsOf,
  SIX,
  TOP_SHIFT,
} from './element.ts';
import type { Code, Local } from './encoder.ts';

/** One element, its limbs in i64 locals. */
export class One implements Arithmetic {
  readonly width = 1;
  readonly #code: Code;
  readonly #quotients: readonly Local[];
  readonly #sum: Local;
  readonly #result: Element;

  constructor(code: Code) {
    this.#code = code;
    this.#quotients = code.i64s(LIMBS);
    this.#sum = code.i64();
    this.#result = this.element();
  }

  element(): Element {
    return this.#code.i64s(LIMBS);
  }

  load(to: Element, address: Local): void {
    for (const [i, limb] of to.entries())
      this.#code
        .get(address)
        .memory('i64.load32_s', 4 * i)
        .set(limb);
  }

  spread(to: Element, address: Local): void {
    this.load(to, address);
  }

  store(address: Local, from: Element): void {
    for (const [i, limb] of from.entries())
      this.#code.get(address, limb).memory('i64.store32', 4 * i);
  }

  join(op: 'add' | 'sub', to: Element, a: Element, b: Element): void {
    for (const [i, limb] of to.entries())
      this.#code
        .get(a[i] as Local, b[i] as Local)
        .op(`i64.${op}`)
        .set(limb);
  }

  normalise(x: Element): void {
    this.#carry(x);
    const quotient = this.#code.i64();
    this.#code
      .get(x[8] as Local)
      .i64Const(TOP_SHIFT)
      .op('i64.shr_s')
      .set(quotient);
    this.#takeAway(x, quotient);
  }

  /** x −= quotient·p */
  #takeAway(x: Element, quotient: Local): void {
    const code = this.#code;
    const [low, six, top] = [x[0], x[6], x[8]] as [Local, Local, Local];
    code.get(low, quotient).op('i64.sub').set(low);
    code.get(six, quotient).i64Const(SIX).op('i64.mul', 'i64.sub').set(six);
    code.get(top, quotient).i64Const(TOP_SHIFT).op('i64.shl', 'i64.sub').set(top);
  }

  #carry(x: Element): void {
    const code = this.#code;
    for (let i = 0; i < LIMBS - 1; i++) {
      const [limb, next] = [x[i] as Local, x[i + 1] as Local];
      code.get(next, limb).i64Const(LIMB_BITS).op('i64.shr_s', 'i64.add').set(next);
      code.get(limb).i64Const(LIMB_MASK).op('i64.and').set(limb);
    }
  }

  reduceFully(x: Element): void {
    const code = this.#code;
    this.normalise(x);
    this.#carry(x);
    // −1 or 0 in a mask: add p where the value is negative, then take it away where it is too large.
    const mask = code.i64();
    const signOf = (element: Element): void => {
      code
        .get(element[8] as Local)
        .i64Const(63)
        .op('i64.shr_s')
        .set(mask);
    };
    signOf(x);
    this.#takeAway(x, mask);
    this.#carry(x);
    const trial = this.element();
    const one = code.i64();
    code.i64Const(1).set(one);
    for (const [i, limb] of trial.entries()) code.get(x[i] as Local).set(limb);
    this.#takeAway(trial, one);
    this.#carry(trial);
    signOf(trial);
    for (const [i, limb] of x.entries()) {
      const other = trial[i] as Local;
      code.get(limb, other).op('i64.xor').get(mask).op('i64.and');
      code.get(other).op('i64.xor').set(limb);
    }
  }

  multiply(to: Element, a: Element, b: Element): void {
    const code = this.#code;
    const sum = this.#sum;
    code.i64Const(0).set(sum);
    for (let column = 0; column < 2 * LIMBS - 1; column++) {
      code.get(sum);
      this.#addProducts(column, a, b);
      this.#subtractQuotients(column);
      const limb = column < LIMBS ? this.#quotients[column] : this.#result[column - LIMBS];
      code
        .tee(sum)
        .i64Const(LIMB_MASK)
        .op('i64.and')
        .set(limb as Local);
      code.get(sum).i64Const(LIMB_BITS).op('i64.shr_s').set(sum);
    }
    code.get(sum);
    this.#subtractQuotients(2 * LIMBS - 1);
    code.set(this.#result[LIMBS - 1] as Local);
    for (const [i, limb] of to.entries()) code.get(this.#result[i] as Local).set(limb);
  }

  #addProducts(column: number, a: Element, b: Element): void {
    for (let i = Math.max(0, column - LIMBS + 1); i < LIMBS && i <= column; i++) {
      const [x, y] = [a[i], b[column - i]] as [Local, Local];
      this.#code.get(x, y).op('i64.mul', 'i64.add');
    }
  }

  /** Quotient k stands in columns k (where it makes the limb vanish), k + 6 and k + 8. */
  #subtractQuotients(column: number): void {
    const code = this.#code;
    const six = this.#quotients[column - 6];
    const eight = this.#quotients[column - 8];
    if (six !== undefined) code.get(six).i64Const(SIX).op('i64.mul', 'i64.sub');
    if (eight !== undefined) code.get(eight).i64Const(TOP_SHIFT).op('i64.shl', 'i64.sub');
    // p itself, shifted by the radix.
    if (column === LIMBS) code.i64Const(1).op('i64.add');
    if (column === LIMBS + 6) code.i64Const(SIX).op('i64.add');
    if (column === LIMBS + 8) code.i64Const(2n ** BigInt(TOP_SHIFT)).op('i64.add');
  }

  storeBytes(address: Local, _: Local, x: Element): void {
    const code = this.#code;
    for (let word = 0; word < 4; word++) {
      code.get(address).i64Const(0);
      for (const [limb, shift] of partsOf(word, 64)) {
        code.get(x[limb] as Local);
        shiftLeft(code, shift);
        code.op('i64.or');
      }
      swapBytes(code);
      code.memory('i64.store', 24 - 8 * word);
    }
  }

  /** From 32 bytes, little-endian. */
  loadBytes(to: Element, address: Local): void {
    const code = this.#code;
    const words = code.i64s(4);
    for (const [i, word] of words.entries())
      code
        .get(address)
        .memory('i64.load', 8 * i)
        .set(word);
    for (const [i, limb] of to.entries()) {
      code.i64Const(0);
      for (const [word, local] of words.entries())
        for (const [part, shift] of partsOf(word, 64)) {
          if (part !== i) continue;
          code.get(local);
          shiftLeft(code, -shift);
          code.op('i64.or');
        }
      code.i64Const(LIMB_MASK).op('i64.and').set(limb);
    }
  }
}

/** Of the i64 on the stack; to the right if negative. */
function shiftLeft(code: Code, bits: number): void {
  if (bits > 0) code.i64Const(bits).op('i64.shl');
  if (bits < 0) code.i64Const(-bits).op('i64.shr_u');
}

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
