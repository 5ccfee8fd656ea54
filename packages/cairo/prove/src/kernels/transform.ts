// Fast Fourier transforms: tables and passes, whatever the kernels.
import { inverse, mul, pow, rootOfUnity } from '@fatty/cairo-air';
import { type Kernels, slice, type Vector } from './kernels.ts';

/**
 * Fast Fourier transforms on cosets. The 2^log values of a polynomial on offset·⟨g⟩ stand in
 * bit-reversed order: value k is at offset·g^reverse(k). The polynomial is split by x^n − s^n =
 * (x^(n/2) − s^(n/2))·(x^(n/2) + s^(n/2)) down to single points, so that block k of level l has one
 * factor, offset^(n/2^(l+1)) · root(2^(l+1))^reverse(k). A table keeps it at 2^l + k: the coset
 * costs a table, not a multiplication per value and column.
 */
export class Transforms {
  readonly #kernels: Kernels;
  /** root(2^(l+1))^reverse(k), which does not depend on l; and the inverses. */
  readonly #roots: Vector;
  readonly #inverses: Vector;

  /** For tables of at most 2^log values. */
  constructor(kernels: Kernels, log: number) {
    this.#kernels = kernels;
    this.#roots = this.#sequence(log, (level) => rootOfUnity(level));
    this.#inverses = this.#sequence(log, (level) => inverse(rootOfUnity(level)));
  }

  #sequence(log: number, root: (level: number) => bigint): Vector {
    const kernels = this.#kernels;
    const roots = kernels.vector(Math.max(2 ** (log - 1), 1));
    kernels.write(slice(kernels, roots, 0, 1), [1n]);
    for (let level = 0; level < log - 1; level++) {
      const size = 2 ** level;
      const known = slice(kernels, roots, 0, size);
      kernels.scale(slice(kernels, roots, size, size), known, root(level + 2));
    }
    return roots;
  }

  /** Fills `table` (2^log elements) for {@link Kernels.forward} on the coset of `offset`. */
  fillForward(table: Vector, offset: bigint): void {
    this.#fill(table, offset, this.#roots);
  }

  #fill(table: Vector, offset: bigint, roots: Vector): void {
    const kernels = this.#kernels;
    for (let size = 1; size < table.length; size *= 2) {
      const factor = pow(offset, BigInt(table.length / (2 * size)));
      kernels.scale(slice(kernels, table, size, size), slice(kernels, roots, 0, size), factor);
    }
  }

  /** Values on offset·⟨g⟩ in bit-reversed order to coefficients, in place. */
  interpolate(values: Vector, offset: bigint): void {
    const kernels = this.#kernels;
    const mark = kernels.mark();
    const table = kernels.vector(values.length);
    this.#fill(table, inverse(offset), this.#inverses);
    kernels.backward(values, table);
    kernels.scale(values, values, inverse(BigInt(values.length)));
    kernels.release(mark);
  }
}

/** first, first·ratio, first·ratio², … */
export function fillPowers(kernels: Kernels, to: Vector, first: bigint, ratio: bigint): void {
  kernels.write(slice(kernels, to, 0, 1), [first]);
  let power = ratio;
  for (let size = 1; size < to.length; size *= 2) {
    const count = Math.min(size, to.length - size);
    kernels.scale(slice(kernels, to, size, count), slice(kernels, to, 0, count), power);
    power = mul(power, power);
  }
}

/** value, value, … */
export function fillWith(kernels: Kernels, to: Vector, value: bigint): void {
  kernels.write(slice(kernels, to, 0, 1), [value]);
  for (let size = 1; size < to.length; size *= 2) {
    const count = Math.min(size, to.length - size);
    kernels.copy(slice(kernels, to, size, count), 1, to, 1, count);
  }
}
