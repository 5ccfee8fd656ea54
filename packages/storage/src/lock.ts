import { constants } from 'node:fs';
import { open, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { StorageError } from './errors.ts';

/** A folder that this process owns. */
export interface FolderLock {
  release(): Promise<void>;
}

/** Who wrote the LOCK file; `startedAt` tells a process from a later one with its number. */
interface Owner {
  readonly pid: number;
  readonly startedAt: string;
}

/** Boot id and start time of a process in ticks, or undefined when it is gone (Linux). */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [boot, status] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    // Field 22, counted from behind the command name, which may hold anything but a later `)`.
    const start = status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
    return `${boot.trim()}/${start}`;
  } catch {
    return undefined;
  }
}

/** Binds a kernel name: exclusive, and gone with the process however it dies. */
function bind(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => void socket.destroy());
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: name, exclusive: true }, () => {
      // A lock is no reason to keep running.
      server.unref();
      resolve(server);
    });
  });
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof owner !== 'object' || owner === null) return undefined;
    if (!('pid' in owner) || !('startedAt' in owner)) return undefined;
    return { pid: Number(owner.pid), startedAt: String(owner.startedAt) };
  } catch {
    return undefined;
  }
}

const locked = (folder: string, holder: string): StorageError =>
  new StorageError('folder_locked', `${folder} for ourselves`, `held by ${holder}`);

/**
 * Linux: an abstract socket named after the folder's inode is the lock. The kernel grants it to one
 * process and takes it back when that dies, SIGKILL included, so there is nothing stale to guess
 * about. It holds within one network namespace; the LOCK file says who, and also stops a process of
 * the same machine that shares our process table but not our network.
 */
async function lockByName(folder: string): Promise<FolderLock> {
  const path = `${folder}/LOCK`;
  const { dev, ino } = await stat(folder);
  const server = await bind(`\0fatty-folder-${dev}-${ino}`);
  const owner = await readOwner(path);
  if (server === undefined) throw locked(folder, `process ${owner?.pid ?? 'unknown'}`);
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  const self: Owner = { pid: process.pid, startedAt: (await startOf(process.pid)) ?? '' };
  if (owner !== undefined && owner.pid !== self.pid) {
    if ((await startOf(owner.pid)) === owner.startedAt) {
      await close();
      throw locked(folder, `process ${owner.pid}`);
    }
  }
  await writeFile(path, `${JSON.stringify(self)}\n`, { mode: 0o600 });
  return {
    async release() {
      await writeFile(path, '');
      await close();
    },
  };
}

/** O_EXLOCK: on BSD and macOS `open` itself takes a flock, which dies with the process. */
const O_EXLOCK = 0x20;

async function lockByOpen(folder: string): Promise<FolderLock> {
  const { O_RDWR, O_CREAT, O_NONBLOCK } = constants;
  try {
    const handle = await open(`${folder}/LOCK`, O_RDWR | O_CREAT | O_NONBLOCK | O_EXLOCK, 0o600);
    return { release: () => handle.close() };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') {
      throw locked(folder, 'another process');
    }
    throw error;
  }
}

/**
 * Makes an existing folder this process's own until `release` or the end of the process.
 * Rejects with `folder_locked` when another process has it, or this one already does.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const real = await realpath(folder);
  return process.platform === 'linux' ? lockByName(real) : lockByOpen(real);
}
