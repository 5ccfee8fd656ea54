// Groups of roots of unity in bit-reversed order.
import { inverse, mul, rootOfUnity } from '../felt/felt.ts';

/** The lowest `bits` bits of a number below 2^32, in reverse. */
export function reverseBits(value: number, bits: number): number {
  let result = 0;
  for (let i = 0; i < bits; i++) result = result * 2 + (Math.floor(value / 2 ** i) % 2);
  return result;
}

/** The group of 2^log roots of unity in bit-reversed order, with cheap powers. */
export class Domain {
  readonly log: number;
  /** g^(2^i) and g^(−2^i). */
  readonly #powers: bigint[] = [];
  readonly #inverses: bigint[] = [];

  constructor(log: number) {
    this.log = log;
    let power = rootOfUnity(log);
    let inverted = inverse(power);
    for (let i = 0; i < log; i++) {
      this.#powers.push(power);
      this.#inverses.push(inverted);
      power = mul(power, power);
      inverted = mul(inverted, inverted);
    }
  }

  /** g^reverse(index). */
  at(index: number): bigint {
    return this.#product(index, this.#powers);
  }

  /** g^−reverse(index). */
  inverseAt(index: number): bigint {
    return this.#product(index, this.#inverses);
  }

  /** Bit i of the index is bit log − 1 − i of the exponent. */
  #product(index: number, powers: readonly bigint[]): bigint {
    let product = 1n;
    let left = index;
    for (let i = this.log - 1; left > 0; i--) {
      if (left % 2 === 1) product = mul(product, powers[i] as bigint);
      left = Math.floor(left / 2);
    }
    return product;
  }
}
