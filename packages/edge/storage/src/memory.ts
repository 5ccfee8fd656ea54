// Log, mark and store in memory.
import { compareBytes } from '@fatty/codec';
import type { KvStore, LogStore } from '@fatty/interface';
import { type FrameStore, openFrames } from './frames.ts';
import { checkKey } from './kv.ts';
import { type LogOptions, openLog } from './log.ts';
import { type DurableMark, type MarkOptions, openMark } from './mark.ts';
import { type MemoryDisk, memoryDisk } from './memory-disk.ts';

const zeros = (size: number): Uint8Array => new Uint8Array(size);

/** The log on a disk in memory: the same code, so the same promises and the same flaws. */
export function memoryLog(
  disk: MemoryDisk = memoryDisk(),
  options: Omit<LogOptions, 'files'> = {},
): Promise<LogStore> {
  return openLog('log', { aheadBytes: 4096, random: zeros, ...options, files: disk });
}

/** Frames on a disk in memory. */
export function memoryFrames(disk: MemoryDisk = memoryDisk()): Promise<FrameStore> {
  return openFrames('frames', { files: disk });
}

/** The mark on a disk in memory. */
export function memoryMark(
  disk: MemoryDisk = memoryDisk(),
  options: Omit<MarkOptions, 'files'> = {},
): Promise<DurableMark> {
  return openMark('marks/signer', { ...options, files: disk });
}

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Rows in key order with the place where a key is or would be. */
function placeOf(rows: readonly Row[], key: Uint8Array): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes((rows[middle] as Row).key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** {@link KvStore} in memory; a write is durable one turn after it is visible. */
export class MemoryKv implements KvStore {
  #rows: Row[] = [];
  #durable: readonly Row[] = [];
  #era = 0;

  /** Loses what was not durable; the writes under way never resolve. */
  crash(): void {
    this.#era++;
    this.#rows = [...this.#durable];
  }

  get(key: Uint8Array): Uint8Array | undefined {
    checkKey(key);
    const row = this.#rows[placeOf(this.#rows, key)];
    return row !== undefined && compareBytes(row.key, key) === 0 ? row.value.slice() : undefined;
  }

  async write(
    entries: readonly { readonly key: Uint8Array; readonly value: Uint8Array | undefined }[],
  ): Promise<void> {
    for (const { key } of entries) checkKey(key);
    for (const { key, value } of entries) this.#set(key, value);
    const era = this.#era;
    await Promise.resolve();
    if (era !== this.#era) return new Promise(() => undefined);
    this.#durable = [...this.#rows];
  }

  *range(from: Uint8Array, to: Uint8Array, limit: number): Generator<Row> {
    const rows = this.#rows.slice(placeOf(this.#rows, from), placeOf(this.#rows, to));
    for (const { key, value } of rows.slice(0, limit)) {
      yield { key: key.slice(), value: value.slice() };
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #set(key: Uint8Array, value: Uint8Array | undefined): void {
    const at = placeOf(this.#rows, key);
    const row = this.#rows[at];
    const taken = row !== undefined && compareBytes(row.key, key) === 0 ? 1 : 0;
    const put = value === undefined ? [] : [{ key: key.slice(), value: value.slice() }];
    this.#rows.splice(at, taken, ...put);
  }
}

/** A new, empty store. */
export function memoryKv(): MemoryKv {
  return new MemoryKv();
}
