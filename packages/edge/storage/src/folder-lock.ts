// The lock of a replica's folder.
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { hostname } from 'node:os';
import { messageOf, StorageError } from './errors.ts';

/** A folder that this process owns. */
export interface FolderLock {
  release(): Promise<void>;
}

/** Who has the lock, for people: what the LOCK file says decides nothing. */
interface Owner {
  readonly pid: number;
  readonly host: string;
}

/** A LOCK file holds one short line. */
const OWNER_BYTES_MAX = 1024;

/** The lock itself is native code: a platform without it has no safe way to share a volume. */
async function loadTryLock(): Promise<(fd: number) => boolean> {
  try {
    const { tryLock } = await import('fs-native-extensions');
    return tryLock;
  } catch (error) {
    const here = `${process.platform} ${process.arch}`;
    throw new StorageError('lock_unsupported', 'a platform with file locks', here, error);
  }
}

async function readOwner(file: FileHandle): Promise<Owner | undefined> {
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(OWNER_BYTES_MAX), 0, undefined, 0);
    const owner: unknown = JSON.parse(buffer.toString('utf8', 0, bytesRead));
    if (typeof owner !== 'object' || owner === null || !('pid' in owner)) return undefined;
    const host = 'host' in owner ? String(owner.host) : hostname();
    return { pid: Number(owner.pid), host };
  } catch {
    // Empty, half written, or of another version: the holder stays unnamed.
    return undefined;
  }
}

function nameOf(owner: Owner | undefined): string {
  if (owner === undefined) return 'process unknown';
  const elsewhere = owner.host === hostname() ? '' : ` on ${owner.host}`;
  return `process ${owner.pid}${elsewhere}`;
}

/**
 * Makes an existing folder this process's own until `release` or the end of the process. The lock is
 * on the file DIR/LOCK itself, which the kernel takes back however the process dies; so it holds
 * wherever the volume is mounted, in containers that see neither each other's processes nor network.
 * (Linux: an open-file-description lock; macOS: flock.) Two machines that share a volume need a file
 * system that shares locks, as NFS from version 4 does.
 * Rejects with `folder_locked` when another process has it, or this one already does, and with
 * `lock_unsupported`.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const tryLock = await loadTryLock();
  const path = `${await realpath(folder)}/LOCK`;
  const { O_RDWR, O_CREAT } = constants;
  const file = await open(path, O_RDWR | O_CREAT, 0o600);
  try {
    if (!tryLock(file.fd)) {
      const holder = `held by ${nameOf(await readOwner(file))}`;
      throw new StorageError('folder_locked', `${folder} for ourselves`, holder);
    }
    const self: Owner = { pid: process.pid, host: hostname() };
    await nameOwner(file, `${JSON.stringify(self)}\n`);
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    async release() {
      await nameOwner(file, '');
      // The lock goes with the open file.
      await file.close();
    },
  };
}

/** On a full disk the holder stays unnamed, and is the holder all the same. */
async function nameOwner(file: FileHandle, line: string): Promise<void> {
  try {
    await file.truncate(0);
    await file.write(line, 0);
  } catch (error) {
    if (messageOf(error).includes('ENOSPC')) return;
    throw error;
  }
}
