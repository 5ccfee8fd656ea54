// Code for four field elements at a time, by SIMD.
import {
  type Arithmetic,
  ELEMENT,
  type Element,
  LIMB_BITS,
  LIMB_MASK,
  LIMBS,
  partsOf,
  SIX,
  SIX_SHIFTS,
  TOP_SHIFT,
} from './element.ts';
import type { Code, Local } from './encoder.ts';

const LANES = [0, 1, 2, 3];
/** The low halves of two lanes of 64 bits, of one vector and then of another. */
const LOW_HALVES = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];

/** Every lane of 32 bits from its last byte to its first. */
const SWAPPED = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];

/** Constants that products need, the same in both lanes. */
interface Constants {
  readonly mask: Local;
  /** p by its limbs 0, 6 and 8. */
  readonly one: Local;
  readonly six: Local;
  readonly top: Local;
}

/**
 * Four neighbours, limb by limb in lanes of 32 bits. Sums are instructions on all four; products
 * are 64 bits wide, so that two pairs are multiplied one after the other. The limbs that come out
 * are the same as those of {@link One}.
 */
export class Four implements Arithmetic {
  readonly width = 4;
  readonly #code: Code;
  readonly #quotients: readonly Local[];
  readonly #sum: Local;
  readonly #low: Element;
  readonly #high: Element;
  readonly #mask: Local;
  readonly #constants: Constants;

  constructor(code: Code) {
    this.#code = code;
    this.#quotients = code.v128s(LIMBS);
    this.#sum = code.v128();
    this.#low = this.element();
    this.#high = this.element();
    this.#mask = code.v128();
    code.i32Const(LIMB_MASK).vector('i32x4.splat').set(this.#mask);
    const constant = (value: bigint | number): Local => {
      const local = code.v128();
      code.i64Const(value).vector('i64x2.splat').set(local);
      return local;
    };
    this.#constants = {
      mask: constant(LIMB_MASK),
      one: constant(1),
      six: constant(SIX),
      top: constant(2 ** TOP_SHIFT),
    };
  }

  element(): Element {
    return this.#code.v128s(LIMBS);
  }

  load(to: Element, address: Local): void {
    const code = this.#code;
    for (const [i, limb] of to.entries()) {
      code.get(...LANES.map(() => address)).vectorMemory('v128.load32_zero', 4 * i);
      for (const lane of LANES.slice(1)) code.loadLane(lane, ELEMENT * lane + 4 * i);
      code.set(limb);
    }
  }

  spread(to: Element, address: Local): void {
    for (const [i, limb] of to.entries())
      this.#code
        .get(address)
        .memory('i32.load', 4 * i)
        .vector('i32x4.splat')
        .set(limb);
  }

  store(address: Local, from: Element): void {
    for (const [i, limb] of from.entries())
      for (const lane of LANES)
        this.#code.get(address, limb).storeLane(lane, ELEMENT * lane + 4 * i);
  }

  join(op: 'add' | 'sub', to: Element, a: Element, b: Element): void {
    for (const [i, limb] of to.entries())
      this.#code
        .get(a[i] as Local, b[i] as Local)
        .vector(`i32x4.${op}`)
        .set(limb);
  }

  normalise(x: Element): void {
    this.#carry(x);
    const quotient = this.#code.v128();
    this.#code
      .get(x[8] as Local)
      .i32Const(TOP_SHIFT)
      .vector('i32x4.shr_s')
      .set(quotient);
    this.#takeAway(x, quotient);
  }

  /** x −= quotient·p */
  #takeAway(x: Element, quotient: Local): void {
    const code = this.#code;
    const [low, six, top] = [x[0], x[6], x[8]] as [Local, Local, Local];
    const subtract = (shift: number): void => {
      code.get(quotient).i32Const(shift).vector('i32x4.shl', 'i32x4.sub');
    };
    code.get(low, quotient).vector('i32x4.sub').set(low);
    code.get(six);
    for (const shift of SIX_SHIFTS) subtract(shift);
    code.set(six).get(top);
    subtract(TOP_SHIFT);
    code.set(top);
  }

  #carry(x: Element): void {
    const code = this.#code;
    for (let i = 0; i < LIMBS - 1; i++) {
      const [limb, next] = [x[i] as Local, x[i + 1] as Local];
      code.get(next, limb).i32Const(LIMB_BITS).vector('i32x4.shr_s', 'i32x4.add').set(next);
      code.get(limb, this.#mask).vector('v128.and').set(limb);
    }
  }

  reduceFully(x: Element): void {
    const code = this.#code;
    this.normalise(x);
    this.#carry(x);
    // −1 or 0 in a mask: add p where the value is negative, then take it away where it is too large.
    const mask = code.v128();
    const signOf = (element: Element): void => {
      code
        .get(element[8] as Local)
        .i32Const(31)
        .vector('i32x4.shr_s')
        .set(mask);
    };
    signOf(x);
    this.#takeAway(x, mask);
    this.#carry(x);
    const trial = this.element();
    const one = code.v128();
    code.i32Const(1).vector('i32x4.splat').set(one);
    for (const [i, limb] of trial.entries()) code.get(x[i] as Local).set(limb);
    this.#takeAway(trial, one);
    this.#carry(trial);
    signOf(trial);
    for (const [i, limb] of x.entries())
      code
        .get(limb, trial[i] as Local, mask)
        .vector('v128.bitselect')
        .set(limb);
  }

  multiply(to: Element, a: Element, b: Element): void {
    this.#multiplyPairs('low', this.#low, a, b);
    this.#multiplyPairs('high', this.#high, a, b);
    for (const [i, limb] of to.entries())
      this.#code
        .get(this.#low[i] as Local, this.#high[i] as Local)
        .shuffle(LOW_HALVES)
        .set(limb);
  }

  #multiplyPairs(half: 'low' | 'high', to: Element, a: Element, b: Element): void {
    const code = this.#code;
    const sum = this.#sum;
    const { mask } = this.#constants;
    code.i64Const(0).vector('i64x2.splat').set(sum);
    for (let column = 0; column < 2 * LIMBS - 1; column++) {
      code.get(sum);
      for (let i = Math.max(0, column - LIMBS + 1); i < LIMBS && i <= column; i++) {
        code.get(a[i] as Local, b[column - i] as Local);
        code.vector(`i64x2.extmul_${half}_i32x4_s`, 'i64x2.add');
      }
      this.#subtractQuotients(column);
      const limb = column < LIMBS ? this.#quotients[column] : to[column - LIMBS];
      code
        .tee(sum)
        .get(mask)
        .vector('v128.and')
        .set(limb as Local);
      code.get(sum).i32Const(LIMB_BITS).vector('i64x2.shr_s').set(sum);
    }
    code.get(sum);
    this.#subtractQuotients(2 * LIMBS - 1);
    code.set(to[LIMBS - 1] as Local);
  }

  /** Quotient k stands in columns k (where it makes the limb vanish), k + 6 and k + 8. */
  #subtractQuotients(column: number): void {
    const code = this.#code;
    const subtract = (quotient: Local | undefined, shift: number): void => {
      if (quotient !== undefined)
        code.get(quotient).i32Const(shift).vector('i64x2.shl', 'i64x2.sub');
    };
    for (const shift of SIX_SHIFTS) subtract(this.#quotients[column - 6], shift);
    subtract(this.#quotients[column - 8], TOP_SHIFT);
    // p itself, shifted by the radix.
    const { one, six, top } = this.#constants;
    if (column === LIMBS) code.get(one).vector('i64x2.add');
    if (column === LIMBS + 6) code.get(six).vector('i64x2.add');
    if (column === LIMBS + 8) code.get(top).vector('i64x2.add');
  }

  storeBytes(address: Local, step: Local, x: Element): void {
    const code = this.#code;
    const targets = LANES.map(() => code.i32());
    for (const [lane, target] of targets.entries()) {
      code.get(address);
      if (lane > 0) code.get(step).i32Const(lane).op('i32.mul', 'i32.add');
      code.set(target);
    }
    const bytes = code.v128();
    for (let word = 0; word < 8; word++) {
      for (const [i, [limb, shift]] of partsOf(word, 32).entries()) {
        code.get(x[limb] as Local);
        if (shift > 0) code.i32Const(shift).vector('i32x4.shl');
        if (shift < 0) code.i32Const(-shift).vector('i32x4.shr_u');
        if (i > 0) code.vector('v128.or');
      }
      code.set(bytes).get(bytes, bytes).shuffle(SWAPPED).set(bytes);
      for (const [lane, target] of targets.entries())
        code.get(target, bytes).storeLane(lane, 28 - 4 * word);
    }
  }
}
