// The file system calls of log and mark.
import { constants, write } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';

/** A file open for writing. */
export interface StoredFile {
  /** Writes all of `bytes` at `position`, growing the file with zeros where needed. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Resolves when everything written before is on disk. */
  datasync(): Promise<void>;
  /** `write` and `datasync` as one call: each call wakes a thread, which costs as much as the rest. */
  writeDurably(bytes: Uint8Array, position: number): Promise<void>;
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
  /** So many bytes from an offset, or fewer at the end of the file. Rejects with code ENOENT as `read` does. */
  readPart(path: string, from: number, bytes: number): Promise<Uint8Array>;
  /** Opens for writing; creates the file when it is missing. */
  open(path: string): Promise<StoredFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a folder durable. */
  syncFolder(folder: string): Promise<void>;
}

/** Opened with O_DSYNC: a write returns when its bytes, and the size that finds them, are on disk. */
class DiskFile implements StoredFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return this.writeDurably(bytes, position);
  }

  datasync(): Promise<void> {
    return this.#handle.datasync();
  }

  /** With callbacks: a handle's promises cost a third of the call. */
  writeDurably(bytes: Uint8Array, position: number): Promise<void> {
    const { fd } = this.#handle;
    return new Promise((resolve, reject) => {
      const go = (from: number): void => {
        write(fd, bytes, from, bytes.length - from, position + from, (error, written) => {
          if (error) reject(error);
          else if (from + written < bytes.length) go(from + written);
          else resolve();
        });
      };
      go(0);
    });
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_DSYNC;

/** The real disk. Every call runs on Node's thread pool; none blocks the event loop. */
export const nodeFiles: Files = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true });
  },
  list: (folder) => readdir(folder),
  read: async (path) => {
    // No Buffer: its `slice` is a view, where everybody else's is a copy.
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  },
  readPart: async (path, from, bytes) => {
    const handle = await open(path, 'r');
    try {
      const part = new Uint8Array(bytes);
      let at = 0;
      while (at < bytes) {
        const { bytesRead } = await handle.read(part, at, bytes - at, from + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return part.slice(0, at);
    } finally {
      await handle.close();
    }
  },
  open: async (path) => new DiskFile(await open(path, OPEN_FLAGS, 0o600)),
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
