// How much one author may leave waiting.
import type { Ref } from '@fatty/broadcast';
import { failure } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import type { Tuning } from '../boundary/tuning.ts';
import type { Waiting, WaitingBlock } from './waiting.ts';

/**
 * R12: what one author may fill with blocks that wait, in bytes and in number. Every author has an
 * equal share, so nobody can fill another's, and one block always has room.
 */
export class Room {
  /** Of one author, for blocks that wait and blocks on the shelf together. */
  readonly shareBytes: number;
  readonly #waiting: Waiting;
  readonly #blocksMax: number;

  constructor(waiting: Waiting, members: number, { pendingBytesMax, pendingPerAuthor }: Tuning) {
    this.shareBytes = Math.floor(pendingBytesMax / members);
    this.#waiting = waiting;
    this.#blocksMax = pendingPerAuthor;
  }

  /** Why so many bytes more of the author do not fit, if they do not. */
  lackOfBytes(author: number, bytes: number): Failure | undefined {
    const held = this.#waiting.bytesOf(author);
    if (held === 0 || held + bytes <= this.shareBytes) return undefined;
    return failure('pending_full', `${this.shareBytes} bytes of one author`, `${held}`);
  }

  /** Why one more block of the author that has to wait for a parent is too many, if it is. */
  lackOfPlaces(author: number): Failure | undefined {
    const count = this.#waiting.countOf(author);
    if (count < this.#blocksMax) return undefined;
    return failure('author_pending', `at most ${this.#blocksMax} waiting`, `${count}`);
  }

  /**
   * The author's highest waiting block makes room for a lower one. Otherwise pushes from the tip fill
   * the room of a replica that comes back, the lowest blocks it misses a parent of are not kept,
   * nobody asks for that parent, and it never catches up.
   */
  givesWayTo({ author, round }: Ref): WaitingBlock | undefined {
    const top = this.#waiting.highestOf(author);
    return top !== undefined && top.block.ref.round > round ? top : undefined;
  }
}
