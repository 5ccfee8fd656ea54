import type { Ref } from '@fatty/broadcast';
import { compareBytes, toHex } from '@fatty/codec';
import type { KvStore } from '@fatty/interface';
import type { IndexedBlock } from '@fatty/replica';

const KEY_BYTES = 1 + 4 + 2 + 32;
const BLOCK = 0x62;
/** Blocks and bytes per write: what waits for its group is in memory. */
const GROUP_BLOCKS = 512;
const GROUP_BYTES = 8 << 20;

/** `b` ‖ round ‖ author ‖ digest, big-endian: bytewise order is the order of refs (R2). */
export function blockKey(ref: Ref): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  const view = new DataView(key.buffer);
  key[0] = BLOCK;
  view.setUint32(1, ref.round);
  view.setUint16(5, ref.author);
  key.set(ref.digest, 7);
  return key;
}

/** Keys of every block in rounds from..to, both included. */
export function roundsRange(from: number, to: number): readonly [Uint8Array, Uint8Array] {
  const edge = (round: number): Uint8Array => {
    const key = new Uint8Array(5);
    key[0] = BLOCK;
    new DataView(key.buffer).setUint32(1, round);
    return key;
  };
  return [edge(from), edge(to + 1)];
}

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * Serves blocks that have left memory. Derived from the log: what is lost here is rebuilt at the next
 * start. Written in large groups, so that it does not compete with the log for the disk; what waits
 * for its group is answered from here, because the replica has let go of it.
 */
export class BlockIndex {
  readonly #kv: KvStore;
  readonly #onFatal: (error: Error) => void;
  readonly #unwritten = new Map<string, Entry>();
  #group: Entry[] = [];
  #groupBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(kv: KvStore, onFatal: (error: Error) => void) {
    this.#kv = kv;
    this.#onFatal = onFatal;
  }

  add(blocks: readonly IndexedBlock[]): void {
    for (const { ref, bytes } of blocks) {
      const entry = { key: blockKey(ref), value: bytes };
      this.#group.push(entry);
      this.#unwritten.set(toHex(entry.key), entry);
      this.#groupBytes += bytes.length;
    }
    const isFull = this.#group.length >= GROUP_BLOCKS || this.#groupBytes >= GROUP_BYTES;
    if (isFull) void this.flush();
  }

  get(ref: Ref): Uint8Array | undefined {
    const key = blockKey(ref);
    return this.#unwritten.get(toHex(key))?.value ?? this.#kv.get(key);
  }

  /** Every block of rounds from..to, both included, in the order of refs; at most `blocksMax`. */
  rounds(from: number, to: number, blocksMax: number): readonly Uint8Array[] {
    const [first, end] = roundsRange(from, to);
    const found = [...this.#kv.range(first, end, blocksMax)];
    const written = new Set(found.map(({ key }) => toHex(key)));
    for (const [name, entry] of this.#unwritten) {
      const inside = compareBytes(first, entry.key) <= 0 && compareBytes(entry.key, end) < 0;
      if (inside && !written.has(name)) found.push(entry);
    }
    found.sort((a, b) => compareBytes(a.key, b.key));
    return found.slice(0, blocksMax).map(({ value }) => value);
  }

  /** Resolves when everything added so far is written, or the disk has failed. */
  flush(): Promise<void> {
    const group = this.#group.splice(0);
    this.#groupBytes = 0;
    if (group.length > 0) this.#writing = this.#writing.then(() => this.#write(group));
    return this.#writing;
  }

  async #write(group: readonly Entry[]): Promise<void> {
    try {
      await this.#kv.write(group);
      for (const { key } of group) this.#unwritten.delete(toHex(key));
    } catch (error) {
      this.#onFatal(error as Error);
    }
  }
}
