/** The key-value store of one life of a process: derived data, so nothing of it outlives a crash. */
import { toHex } from '@fatty/codec';
import type { KvEntry, KvPort, KvWrite, Written } from '@fatty/host';

/** What is written is found, and told as written, when the disk has got to it. */
export class VirtualKv implements KvPort {
  readonly #rows = new Map<string, KvEntry>();
  readonly #afterWrite: (act: () => void) => void;

  constructor(afterWrite: (act: () => void) => void) {
    this.#afterWrite = afterWrite;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(toHex(key))?.value;
  }

  range(from: Uint8Array, to: Uint8Array, limit: number): readonly KvEntry[] {
    const [first, end] = [toHex(from), toHex(to)];
    return [...this.#rows]
      .filter(([name]) => first <= name && name < end)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([, entry]) => entry);
  }

  write(entries: readonly KvWrite[], written: Written): void {
    this.#afterWrite(() => {
      for (const { key, value } of entries) {
        if (value === undefined) this.#rows.delete(toHex(key));
        else this.#rows.set(toHex(key), { key, value });
      }
      written(undefined);
    });
  }
}
