// The key-value store, on LMDB.
import { rmSync } from 'node:fs';
import type { KvStore } from '@fatty/interface';
import { open, type RootDatabase } from 'lmdb';
import { messageOf, StorageError } from './errors.ts';

/** What may be said of a store. */
export interface KvOptions {
  /** Reserved address space, bytes; grows by itself. Default 64 MiB. */
  readonly mapBytes?: number;
  /**
   * Begins empty, whatever is there, and need not survive a power cut: for data that is derived
   * anew at each start. LMDB maps its pages unchecked, so reading a damaged file ends the process,
   * and nobody can tell beforehand. A store that begins empty never reads one. Default false.
   */
  readonly fresh?: boolean;
}

/** Longest key, bytes; LMDB's own limit. The empty key is refused too (`bad_key`). */
export const KEY_BYTES_MAX = 1978;

/** @throws StorageError `bad_key` for an empty key and for one that is too long */
export function checkKey(key: Uint8Array): void {
  if (key.length === 0 || key.length > KEY_BYTES_MAX) {
    throw new StorageError('bad_key', `1 to ${KEY_BYTES_MAX} bytes`, `${key.length} bytes`);
  }
}

/** LMDB takes Buffers; this one shares the bytes. */
const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Callers get plain bytes of their own, never LMDB's page. */
const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

class LmdbStore implements KvStore {
  readonly #db: RootDatabase<Buffer, Buffer>;

  constructor(db: RootDatabase<Buffer, Buffer>) {
    this.#db = db;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    checkKey(key);
    const value = this.#db.get(bufferOf(key));
    return value === undefined ? undefined : copyOf(value);
  }

  async write(
    entries: readonly { readonly key: Uint8Array; readonly value: Uint8Array | undefined }[],
  ): Promise<void> {
    // Before the transaction: a throw inside would leave the first half of it applied.
    for (const { key } of entries) checkKey(key);
    try {
      await this.#write(entries);
    } catch (error) {
      throw new StorageError('kv_failed', 'a durable write', messageOf(error), error);
    }
  }

  async #write(entries: Parameters<KvStore['write']>[0]): Promise<void> {
    await this.#db.transaction(() => {
      for (const { key, value } of entries) {
        if (value === undefined) this.#db.removeSync(bufferOf(key));
        else this.#db.putSync(bufferOf(key), bufferOf(value));
      }
    });
    // The transaction resolves when it is visible; only this says that it is on disk.
    await this.#db.flushed;
  }

  *range(
    from: Uint8Array,
    to: Uint8Array,
    limit: number,
  ): Generator<{ key: Uint8Array; value: Uint8Array }> {
    if (from.length > 0) checkKey(from);
    const start = from.length > 0 ? { start: bufferOf(from) } : {};
    const rows = this.#db.getRange({ ...start, end: bufferOf(to), limit, snapshot: true });
    for (const { key, value } of rows) yield { key: copyOf(key), value: copyOf(value) };
  }

  close(): Promise<void> {
    return this.#db.close();
  }
}

/** Opens an LMDB store in one file (and `<path>-lock`); keys in bytewise order, values bytes. */
export function openKv(path: string, options: KvOptions = {}): KvStore {
  const { fresh = false } = options;
  if (fresh)
    for (const file of [path, `${path}-lock`]) rmSync(file, { recursive: true, force: true });
  const db = open<Buffer, Buffer>({
    path,
    noSubdir: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    compression: false,
    noSync: fresh,
    mapSize: options.mapBytes ?? 64 * 1024 * 1024,
  });
  return new LmdbStore(db);
}
