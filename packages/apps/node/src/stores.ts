// Opens the folder of a replica, and replays its log.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fail, ok } from '@fatty/codec';
import type { Written } from '@fatty/host';
import type { KvStore, LogStore, Outcome, PlacedRecord } from '@fatty/interface';
import {
  type DurableMark,
  type FolderLock,
  type FrameStore,
  isDiskFull,
  type LogOptions,
  lockFolder,
  openFrames,
  openKv,
  openLog,
  openMark,
  type Patience,
  StorageError,
} from '@fatty/storage';
import { fullDisk } from './full-disk.ts';

/** Everything of a replica that outlives its process, in one locked folder. */
export interface Stores {
  readonly log: LogStore;
  readonly kv: KvStore;
  readonly mark: DurableMark;
  readonly frames: FrameStore;
  close(): Promise<void>;
}

/**
 * Opens DIR/{LOCK, log, frames, state.lmdb, signer}.
 * Codes: `folder_locked`, `log_corrupt` and the others of package storage, `disk_full`, `folder_unusable`.
 * The index begins empty: a replay fills it. `patience`: what a write does that finds the disk full.
 */
export async function openStores(
  dir: string,
  patience: Pick<Patience, 'attempt'> = { attempt: (write) => write() },
  log: Pick<LogOptions, 'segmentBytesMax'> = {},
): Promise<Outcome<Stores>> {
  let lock: FolderLock | undefined;
  try {
    lock = await lockFolder(dir);
    return ok(await openAll(dir, lock, patience, log));
  } catch (error) {
    await lock?.release();
    return failureOf(error, dir);
  }
}

function failureOf(error: unknown, dir: string): Outcome<never> {
  if (isDiskFull(error)) return fail('disk_full', 'room on the disk', fullDisk(dir, error));
  if (error instanceof StorageError) return fail(error.code, error.expected, error.actual);
  return fail('folder_unusable', `a folder to read and write at ${dir}`, (error as Error).message);
}

async function openAll(
  dir: string,
  lock: FolderLock,
  patience: Pick<Patience, 'attempt'>,
  files: Pick<LogOptions, 'segmentBytesMax'>,
): Promise<Stores> {
  const log = await openLog(join(dir, 'log'), { ...files, patience });
  const mark = await openMark(join(dir, 'signer'), { patience });
  const frames = await openFrames(join(dir, 'frames'));
  const kv = openKv(join(dir, 'state.lmdb'), { fresh: true });
  const close = async (): Promise<void> => {
    await Promise.all([log.close(), mark.close(), frames.close(), kv.close()]);
    await lock.release();
  };
  return {
    log,
    mark,
    frames: {
      read: () => frames.read(),
      readPart: (index, from, bytes) => frames.readPart(index, from, bytes),
      write: (index, frame) => patience.attempt(() => frames.write(index, frame)),
      close: () => frames.close(),
    },
    kv: {
      get: (key) => kv.get(key),
      range: (from, to, limit) => kv.range(from, to, limit),
      write: (entries) => patience.attempt(() => kv.write(entries)),
      close: () => kv.close(),
    },
    close,
  };
}

/** Records and bytes handed to the replica at once: bounds what a replay holds in memory. */
const RECORDS_AT_ONCE = 1_000;
const BYTES_AT_ONCE = 8 << 20;

/** Who takes the log at the start: see `Driver.restore`. */
export type Restoring = (
  records: readonly PlacedRecord[],
  mark: Uint8Array | undefined,
  written: Written,
) => void;

/**
 * Feeds the log and the signer mark to a host, a bounded part at a time; between two parts other work
 * gets its turn. Answers the number of records; `progress` hears how many there are so far.
 * Codes as {@link openStores}.
 */
export async function replayLog(
  { log, mark }: Pick<Stores, 'log' | 'mark'>,
  restore: Restoring,
  progress: (records: number) => void,
): Promise<Outcome<number>> {
  let count = 0;
  let bytes = 0;
  let records: PlacedRecord[] = [];
  const take = (part: readonly PlacedRecord[], last?: Uint8Array): Promise<void> =>
    new Promise((done, fail) => {
      restore(part, last, (failure) => (failure ? fail(failure) : done()));
    });
  const feed = async (): Promise<void> => {
    await take(records);
    count += records.length;
    records = [];
    bytes = 0;
    progress(count);
    await setImmediate();
  };
  try {
    for await (const record of log.replay()) {
      bytes += record.body.length;
      if (records.push(record) >= RECORDS_AT_ONCE || bytes >= BYTES_AT_ONCE) await feed();
    }
    await feed();
    await take([], await mark.read());
  } catch (error) {
    return failureOf(error, 'log and state.lmdb');
  }
  return ok(count);
}
