// How a field element stands in WebAssembly memory, and the code that reads, reduces and stores it.
import type { Local } from './encoder.ts';

/**
 * Field elements: nine limbs of 29 bits, the lowest first, each in an i32 of memory; the value
 * x·2^261 mod p (Montgomery form). Limbs are signed and need not be normalised: a product takes
 * operands whose limbs are below 2^29 and below 3·2^29 in size (81 products of at most 2^58·3 keep
 * nine to a column below 2^63). p = 2^251 + 17·2^192 + 1 is 1 modulo 2^192, so that a round of the
 * reduction has its quotient for nothing: it is the limb that shall vanish.
 */
export type Element = readonly Local[];

/** Limbs of an element. */
export const LIMBS = 9;
/** Bits of a limb. */
export const LIMB_BITS = 29;
/** Bytes of an element in memory. */
export const ELEMENT: number = 4 * LIMBS;
/** log2 of the Montgomery radix. */
export const RADIX_LOG: number = LIMBS * LIMB_BITS;
/** The bits of a limb that is normalised. */
export const LIMB_MASK: number = 2 ** LIMB_BITS - 1;

/** 17·2^192 stands in limb 6: 17·2^18. */
export const SIX_SHIFTS = [18, 22] as const;
/** What p adds to limb 6. */
export const SIX: bigint = 17n << 18n;
/** 2^251 stands in limb 8. */
export const TOP_SHIFT = 19;

/** Code for elements, `width` of them at a time: neighbours in memory, lanes of its locals. */
export interface Arithmetic {
  readonly width: 1 | 4;
  element(): Element;
  load(to: Element, address: Local): void;
  /** The same element for all lanes. */
  spread(to: Element, address: Local): void;
  store(address: Local, from: Element): void;
  /** to = a ± b, limb by limb. */
  join(op: 'add' | 'sub', to: Element, a: Element, b: Element): void;
  /**
   * Carries, then takes as many p away as the bits from 2^251 on say: limbs are below 2^29 again (in
   * size; limbs 0 and 6 may be a little below zero) and the value near 0..2^251.
   */
  normalise(x: Element): void;
  /** Into 0..p−1, from a value between −8p and 8p. */
  reduceFully(x: Element): void;
  /**
   * Montgomery product a·b/2^261, column by column, reduction included. The sum is made positive by
   * one p, so that the result is in 0..2p and its limbs below 2^29. `to` may be `a` or `b`.
   */
  multiply(to: Element, a: Element, b: Element): void;
  /** Bytes, big-endian, of what is fully reduced: 32 from the address on, each `step` further. */
  storeBytes(address: Local, step: Local, x: Element): void;
}

/** Limbs that have bits of word `word` of so many bits, shifted left by so much. */
export function partsOf(
  word: number,
  bits: number,
): readonly (readonly [limb: number, shift: number])[] {
  const all = Array.from({ length: LIMBS }, (_, i) => [i, LIMB_BITS * i - bits * word] as const);
  return all.filter(([, shift]) => shift > -LIMB_BITS && shift < bits);
}
