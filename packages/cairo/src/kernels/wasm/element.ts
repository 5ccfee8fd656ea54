import type { Code, Local } from './encoder.ts';

/**
 * Code for field elements: nine limbs of 29 bits, the lowest first, each in an i32 of memory and an
 * i64 local, the value x·2^261 mod p (Montgomery form). Limbs are signed and need not be
 * normalised: a product takes operands whose limbs are below 2^29 and below 3·2^29 in size (81
 * products of at most 2^58·3 keep nine to a column below 2^63). p = 2^251 + 17·2^192 + 1 is 1
 * modulo 2^192, so that a round of the reduction has its quotient for nothing: it is the limb that
 * shall vanish.
 */
export type Element = readonly Local[];

export const LIMBS = 9;
export const LIMB_BITS = 29;
/** Bytes of an element in memory. */
export const ELEMENT: number = 4 * LIMBS;
/** log2 of the Montgomery radix. */
export const RADIX_LOG: number = LIMBS * LIMB_BITS;

const MASK = 2 ** LIMB_BITS - 1;
/** 17·2^192 stands in limb 6, 2^251 in limb 8. */
const SIX = 17n << 18n;
const TOP_SHIFT = 19;

export function newElement(code: Code): Element {
  return code.i64s(LIMBS);
}

export function load(code: Code, to: Element, address: Local): void {
  to.forEach((limb, i) => {
    code
      .get(address)
      .memory('i64.load32_s', 4 * i)
      .set(limb);
  });
}

export function store(code: Code, address: Local, from: Element): void {
  from.forEach((limb, i) => {
    code.get(address, limb).memory('i64.store32', 4 * i);
  });
}

/** to = a ± b, limb by limb. */
export function join(
  code: Code,
  op: 'i64.add' | 'i64.sub',
  to: Element,
  a: Element,
  b: Element,
): void {
  to.forEach((limb, i) => {
    code
      .get(a[i] as Local, b[i] as Local)
      .op(op)
      .set(limb);
  });
}

/**
 * Carries, then takes as many p away as the bits from 2^251 on say: limbs are below 2^29 again (in
 * size; limbs 0 and 6 may be a little below zero) and the value near 0..2^251.
 */
export function normalise(code: Code, x: Element): void {
  carry(code, x);
  const top = x[8] as Local;
  const quotient = code.i64();
  code.get(top).i64Const(TOP_SHIFT).op('i64.shr_s').set(quotient);
  takeAway(code, x, quotient);
}

/** x −= quotient·p, where the quotient is the part of the top limb from bit 19 on. */
function takeAway(code: Code, x: Element, quotient: Local): void {
  const [low, six, top] = [x[0], x[6], x[8]] as [Local, Local, Local];
  code.get(low, quotient).op('i64.sub').set(low);
  code.get(six, quotient).i64Const(SIX).op('i64.mul', 'i64.sub').set(six);
  code.get(top, quotient).i64Const(TOP_SHIFT).op('i64.shl', 'i64.sub').set(top);
}

function carry(code: Code, x: Element): void {
  for (let i = 0; i < LIMBS - 1; i++) {
    const [limb, next] = [x[i] as Local, x[i + 1] as Local];
    code.get(next, limb).i64Const(LIMB_BITS).op('i64.shr_s', 'i64.add').set(next);
    code.get(limb).i64Const(MASK).op('i64.and').set(limb);
  }
}

/** Into 0..p−1, from a value between −8p and 8p. */
export function reduceFully(code: Code, x: Element): void {
  normalise(code, x);
  carry(code, x);
  // −1 or 0 in a mask: add p where the value is negative, then take it away where it is too large.
  const mask = code.i64();
  code
    .get(x[8] as Local)
    .i64Const(63)
    .op('i64.shr_s')
    .set(mask);
  takeAway(code, x, mask);
  carry(code, x);
  const trial = newElement(code);
  const one = code.i64();
  code.i64Const(1).set(one);
  trial.forEach((limb, i) => {
    code.get(x[i] as Local).set(limb);
  });
  takeAway(code, trial, one);
  carry(code, trial);
  code
    .get(trial[8] as Local)
    .i64Const(63)
    .op('i64.shr_s')
    .set(mask);
  x.forEach((limb, i) => {
    const other = trial[i] as Local;
    code.get(limb, other).op('i64.xor').get(mask).op('i64.and').get(other).op('i64.xor').set(limb);
  });
}

/**
 * Montgomery product a·b/2^261, column by column, reduction included. The sum is made positive by
 * one p, so that the result is in 0..2p and its limbs below 2^29. `to` may be `a` or `b`.
 */
export class Multiplier {
  readonly #code: Code;
  readonly #quotients: readonly Local[];
  readonly #sum: Local;
  readonly #result: Element;

  constructor(code: Code) {
    this.#code = code;
    this.#quotients = code.i64s(LIMBS);
    this.#sum = code.i64();
    this.#result = newElement(code);
  }

  emit(to: Element, a: Element, b: Element): void {
    const code = this.#code;
    const sum = this.#sum;
    code.i64Const(0).set(sum);
    for (let column = 0; column < 2 * LIMBS; column++) {
      code.get(sum);
      this.#addProducts(column, a, b);
      this.#subtractQuotients(column);
      if (column < LIMBS) {
        const quotient = this.#quotients[column] as Local;
        code.tee(sum).i64Const(MASK).op('i64.and').set(quotient);
      } else if (column < 2 * LIMBS - 1) {
        const limb = this.#result[column - LIMBS] as Local;
        code.tee(sum).i64Const(MASK).op('i64.and').set(limb);
      } else {
        code.set(this.#result[LIMBS - 1] as Local);
        break;
      }
      code.get(sum).i64Const(LIMB_BITS).op('i64.shr_s').set(sum);
    }
    to.forEach((limb, i) => {
      code.get(this.#result[i] as Local).set(limb);
    });
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
}
