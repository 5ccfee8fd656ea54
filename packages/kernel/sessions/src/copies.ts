// The copies of a commit's batches.
import { toHex } from '@fatty/codec';
import type { Digest, OrderedBatch } from '@fatty/interface';

/** Which batches of a commit are settled, and which of their copies are still to come (R19). */
export class Copies {
  readonly #left = new Map<string, number>();
  readonly #settled = new Map<string, Digest>();

  constructor(batches: readonly OrderedBatch[]) {
    for (const { id } of batches) {
      const key = toHex(id);
      this.#left.set(key, (this.#left.get(key) ?? 0) + 1);
    }
  }

  /** Takes the next copy; true when it is the last one of its batch. */
  take({ id }: OrderedBatch): boolean {
    const key = toHex(id);
    const left = (this.#left.get(key) ?? 1) - 1;
    this.#left.set(key, left);
    return left === 0;
  }

  settle({ id }: OrderedBatch): void {
    this.#settled.set(toHex(id), id);
  }

  /** From now on its copies are repeats; none is tried. */
  isSettled({ id }: OrderedBatch): boolean {
    return this.#settled.has(toHex(id));
  }

  /** In the order in which they were settled. */
  get settled(): readonly Digest[] {
    return [...this.#settled.values()];
  }
}
