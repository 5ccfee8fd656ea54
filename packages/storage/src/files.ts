import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';

/** A file open for writing. */
export interface StoredFile {
  /** Writes all of `bytes` at `position`, growing the file with zeros where needed. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Resolves when everything written before is on disk. */
  datasync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * The few file system calls that the log and the mark make: a seam, so that tests can count
 * datasyncs and lose power at any of them (`memoryDisk`).
 */
export interface Files {
  /** Creates a folder and what leads to it. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder, in no order. */
  list(folder: string): Promise<readonly string[]>;
  /** Rejects with code ENOENT when there is no such file. */
  read(path: string): Promise<Uint8Array>;
  /** Opens for writing; creates the file when it is missing. */
  open(path: string): Promise<StoredFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a folder durable. */
  syncFolder(folder: string): Promise<void>;
}

function storedFile(handle: FileHandle): StoredFile {
  return {
    async write(bytes, position) {
      let at = 0;
      while (at < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at);
        at += bytesWritten;
      }
    },
    datasync: () => handle.datasync(),
    truncate: (size) => handle.truncate(size),
    close: () => handle.close(),
  };
}

/** The real disk. Every call runs on Node's thread pool; none blocks the event loop. */
export const nodeFiles: Files = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true });
  },
  list: (folder) => readdir(folder),
  read: (path) => readFile(path),
  open: async (path) => storedFile(await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)),
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path),
  async syncFolder(folder) {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
