// Watches the room on the disk.
import { statfs } from 'node:fs/promises';
import { failure } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import { Patience } from '@fatty/storage';

/** What {@link DiskRoom} needs. */
export interface DiskRoomParts {
  readonly dir: string;
  /** Below this the replica takes nothing more. Bytes. */
  readonly freeBytesMin: number;
  /** Bytes that are free to this process. Default: what the file system of `dir` says. */
  readonly measure?: () => Promise<number>;
}

/** Told when room begins to lack (why), and when there is enough again. */
export type OnRoom = (lack: Failure | undefined) => void;

/** Between two measures. */
const LOOK_MS = 1_000;

/** Room must come back by this much more than the margin, or a replica would go back and forth. */
const ENOUGH = 1.25;

/** Bytes that are free on the file system of a folder, to who is not root. */
async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/**
 * Whether the disk of a replica has room (R24). It lacks room when less than the margin is free, and as
 * long as a write waits for room: a quota shows only there.
 */
export class DiskRoom {
  readonly #parts: DiskRoomParts;
  readonly #measure: () => Promise<number>;
  /** Of the writes to this disk. */
  readonly patience: Patience = new Patience({
    onFull: (isFull) => {
      this.#isFull = isFull;
      this.#judge();
    },
  });
  #onRoom: OnRoom = () => undefined;
  #looks: NodeJS.Timeout | undefined;
  #free = Number.POSITIVE_INFINITY;
  #isFull = false;
  #lack: Failure | undefined;
  #looking: Promise<void> | undefined;

  constructor(parts: DiskRoomParts) {
    this.#parts = parts;
    this.#measure = parts.measure ?? (() => freeBytes(parts.dir));
  }

  /** Measures; one measure is under way at a time. What cannot be measured says nothing. */
  look(): Promise<void> {
    this.#looking ??= this.#measure()
      .then(
        (free) => {
          this.#free = free;
          this.#judge();
        },
        () => undefined,
      )
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  /** Measures every second from now on, and tells of changes; room that lacks already is one. */
  watch(onRoom: OnRoom): void {
    this.#onRoom = onRoom;
    if (this.#lack) onRoom(this.#lack);
    void this.look();
    this.#looks = setInterval(() => void this.look(), LOOK_MS);
  }

  /** The process ends: no write waits any longer. */
  close(): void {
    clearInterval(this.#looks);
    this.#onRoom = () => undefined;
    this.patience.giveUp();
  }

  #judge(): void {
    const { dir, freeBytesMin } = this.#parts;
    const needed = this.#lack === undefined ? freeBytesMin : freeBytesMin * ENOUGH;
    const lacks = this.#isFull || this.#free < needed;
    if (lacks === (this.#lack !== undefined)) return;
    const free = this.#isFull ? 'a write that found no room' : `${this.#free} bytes free`;
    this.#lack = lacks
      ? failure('disk_low', `${freeBytesMin} bytes free on the disk of ${dir}`, free)
      : undefined;
    this.#onRoom(this.#lack);
  }
}
