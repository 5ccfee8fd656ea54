// A disk in memory that loses what was not synced.
import { StorageError } from './errors.ts';
import type { Files, StoredFile } from './files.ts';

/** What a disk may do to a write that was not synced when the power went, sector by sector. */
export type Survives = (path: string, sector: number) => boolean;

/** Smallest unit that a disk writes whole, bytes. */
const SECTOR_BYTES = 512;

interface Change {
  readonly position: number;
  /** Undefined: cut the file at `position`. */
  readonly bytes: Uint8Array | undefined;
}

/** Bytes that grow. */
class Content {
  #bytes = new Uint8Array(64);
  size = 0;

  put(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, position);
    this.size = Math.max(this.size, end);
  }

  cut(size: number): void {
    this.#bytes.fill(0, size);
    this.size = size;
  }

  copy(): Uint8Array {
    return this.#bytes.slice(0, this.size);
  }
}

class Inode {
  readonly durable: Content = new Content();
  readonly live: Content = new Content();
  unsynced: Change[] = [];

  apply(change: Change): void {
    this.unsynced.push(change);
    put(this.live, change);
  }

  sync(): void {
    for (const change of this.unsynced) put(this.durable, change);
    this.unsynced = [];
  }

  /** Keeps what was synced, and of the rest the sectors that survive. */
  crash(path: string, survives: Survives): void {
    for (const { position, bytes } of this.unsynced) {
      if (bytes === undefined) {
        if (survives(path, Math.floor(position / SECTOR_BYTES))) this.durable.cut(position);
        continue;
      }
      for (let at = 0; at < bytes.length; ) {
        const sector = Math.floor((position + at) / SECTOR_BYTES);
        const end = Math.min(bytes.length, (sector + 1) * SECTOR_BYTES - position);
        if (survives(path, sector)) this.durable.put(bytes.subarray(at, end), position + at);
        at = end;
      }
    }
    this.unsynced = [];
    this.live.cut(0);
    this.live.put(this.durable.copy(), 0);
  }
}

function put(content: Content, { position, bytes }: Change): void {
  if (bytes === undefined) content.cut(position);
  else content.put(bytes, position);
}

const missing = (path: string): Error =>
  Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });

/**
 * A disk in memory that forgets what was not synced: contents since the last datasync, folder
 * entries since the last folder sync. For tests and simulated worlds; deterministic.
 */
export class MemoryDisk implements Files {
  #entries = new Map<string, Inode>();
  #durableEntries = new Map<string, Inode>();
  #era = 0;
  #callsLeft = Number.POSITIVE_INFINITY;
  #failing = new Set<'write' | 'datasync'>();
  #isFull = false;
  #gate: Promise<void> = Promise.resolve();
  /** Calls that changed or synced something, so far. */
  calls = 0;
  /** Datasyncs of files, so far. */
  datasyncs = 0;

  /**
   * The power goes: open files are dead, unsynced data is lost except where `survives` says so
   * (default: nowhere). Also ends every fault switch.
   */
  crash(survives: Survives = () => false): void {
    this.#era++;
    this.#callsLeft = Number.POSITIVE_INFINITY;
    this.#failing.clear();
    this.#gate = Promise.resolve();
    this.#entries = new Map(this.#durableEntries);
    for (const [path, inode] of this.#entries) inode.crash(path, survives);
  }

  /**
   * The process is killed and the power stays: open files are dead, what was written can be read, and
   * is lost with the power all the same until somebody syncs it.
   */
  kill(): void {
    this.#era++;
    this.#callsLeft = Number.POSITIVE_INFINITY;
    this.#failing.clear();
    this.#gate = Promise.resolve();
  }

  /** Lets `calls` more changing calls through, then fails every one, as at a loss of power. */
  powerLossAfter(calls: number): void {
    this.#callsLeft = calls;
  }

  /** Makes every later call of a kind fail, as a broken disk would, until the next crash. */
  fail(kind: 'write' | 'datasync'): void {
    this.#failing.add(kind);
  }

  /** While it is full, a write gets half of its bytes through and fails. */
  fill(isFull: boolean): void {
    this.#isFull = isFull;
  }

  /** Holds every datasync until the answered function is called. */
  holdDatasyncs(): () => void {
    let release: () => void = () => undefined;
    this.#gate = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  /** Overwrites what is durable: bit rot. */
  damage(path: string, position: number, bytes: Uint8Array): void {
    const inode = this.#inode(path);
    inode.durable.put(bytes, position);
    inode.live.put(bytes, position);
  }

  makeFolder(): Promise<void> {
    return Promise.resolve();
  }

  async list(folder: string): Promise<readonly string[]> {
    const start = `${folder}/`;
    return [...this.#entries.keys()]
      .filter((path) => path.startsWith(start) && !path.slice(start.length).includes('/'))
      .map((path) => path.slice(start.length));
  }

  async read(path: string): Promise<Uint8Array> {
    return this.#inode(path).live.copy();
  }

  async readPart(path: string, from: number, bytes: number): Promise<Uint8Array> {
    return (await this.read(path)).slice(from, from + bytes);
  }

  async open(path: string): Promise<StoredFile> {
    if (!this.#entries.has(path)) {
      this.#call(this.#era);
      this.#entries.set(path, new Inode());
    }
    return this.#file(this.#inode(path), this.#era);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#call(this.#era);
    this.#entries.set(to, this.#inode(from));
    this.#entries.delete(from);
  }

  async remove(path: string): Promise<void> {
    this.#call(this.#era);
    this.#inode(path);
    this.#entries.delete(path);
  }

  async syncFolder(folder: string): Promise<void> {
    this.#call(this.#era);
    const inside = (path: string): boolean => path.startsWith(`${folder}/`);
    for (const path of this.#durableEntries.keys()) {
      if (inside(path) && !this.#entries.has(path)) this.#durableEntries.delete(path);
    }
    for (const [path, inode] of this.#entries) {
      if (inside(path)) this.#durableEntries.set(path, inode);
    }
  }

  #file(inode: Inode, era: number): StoredFile {
    const write = async (bytes: Uint8Array, position: number): Promise<void> => {
      this.#call(era, 'write');
      const fitting = this.#isFull ? bytes.length >> 1 : bytes.length;
      inode.apply({ position, bytes: bytes.slice(0, fitting) });
      if (this.#isFull) throw Object.assign(new Error('ENOSPC: no room'), { code: 'ENOSPC' });
    };
    const datasync = async (): Promise<void> => {
      await this.#gate;
      this.#call(era, 'datasync');
      this.datasyncs++;
      inode.sync();
    };
    return {
      write,
      datasync,
      // The power can go between the two.
      writeDurably: async (bytes, position) => {
        await write(bytes, position);
        await datasync();
      },
      truncate: async (size) => {
        this.#call(era);
        inode.apply({ position: size, bytes: undefined });
      },
      close: async () => undefined,
    };
  }

  #inode(path: string): Inode {
    const inode = this.#entries.get(path);
    if (inode === undefined) throw missing(path);
    return inode;
  }

  #call(era: number, kind?: 'write' | 'datasync'): void {
    const failing = kind !== undefined && this.#failing.has(kind);
    if (era !== this.#era || this.#callsLeft <= 0 || failing) {
      throw new StorageError('disk_failed', 'power', failing ? `a failed ${kind}` : 'none');
    }
    this.#callsLeft--;
    this.calls++;
  }
}

/** A new, empty disk. */
export function memoryDisk(): MemoryDisk {
  return new MemoryDisk();
}
