// Blocks of authors that are shunned or over their budget.
import { type Dag, type OpenedBlock, type Ref, refKey } from '@fatty/broadcast';
import { failure } from '@fatty/codec';
import type { Outbox } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { Fetch } from '../catchup/fetch.ts';
import type { Peers } from '../cell/peers.ts';
import type { Room } from './room.ts';
import { Shelf, type Shelved } from './shelf.ts';
import type { Waiting } from './waiting.ts';

/** What Outcasts needs of its replica. */
export interface OutcastsPort {
  readonly dag: Dag;
  readonly fetch: Fetch;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly tuning: Tuning;
}

/**
 * R12: blocks of authors that are shunned or over their budget. One is taken only when a block that
 * waits references it. That one is welcome itself, so the need goes back to an author who is no
 * outcast; without this a liar could make everybody fetch, keep and log another history of its own
 * with every block. What nobody needs is put on a shelf, unread.
 */
export class Outcasts {
  readonly #port: OutcastsPort;
  readonly #waiting: Waiting;
  readonly #room: Room;
  readonly #shelf: Shelf;

  constructor(port: OutcastsPort, waiting: Waiting, room: Room, members: number) {
    this.#port = port;
    this.#waiting = waiting;
    this.#room = room;
    this.#shelf = new Shelf(members, port.tuning.pendingPerAuthor);
  }

  isWelcome(ref: Ref): boolean {
    return !this.#port.peers.isOutcast(ref.author) || this.#waiting.isNeeded(refKey(ref));
  }

  isShelved(ref: Ref, key: string): boolean {
    return this.#shelf.has(ref, key);
  }

  /**
   * Shunning is this replica's opinion. Until the others share it they build on the author's blocks,
   * so the first `shunnedTakenMax`, one a slot, are taken as if nothing had been said. False: this one
   * is not; true counts.
   */
  forgive({ author, round }: Ref): boolean {
    const { peers, dag, tuning } = this.#port;
    if (peers.isOver(author) || dag.primary(author, round) !== undefined) return false;
    return peers.forgive(author, tuning.shunnedTakenMax);
  }

  /** From now on the author's blocks are taken only when others need them. */
  shun(author: number): void {
    if (this.#port.peers.shun(author)) this.setAside(author);
  }

  /** What waits of the author, and nothing else needs, goes on the shelf. */
  setAside(author: number): void {
    for (const { block, peer } of this.#waiting.of(author)) {
      if (!this.isWelcome(block.ref)) this.shelve(block, peer);
    }
  }

  /** Puts a block on the shelf, and leaves all that nothing but this block needed. */
  shelve(block: OpenedBlock, peer: number): void {
    const { ref } = block;
    const flaw = failure('shunned', 'a block that others need', `one of ${ref.author}`);
    this.#port.out.note({ what: 'blockDeferred', peer, failure: flaw, ref });
    const entry = this.#waiting.get(refKey(ref));
    if (entry) this.#waiting.remove(entry);
    this.#shelf.put(block, peer);
    this.fitShelf(ref.author);
    this.tidy();
  }

  /** The block is needed now. */
  takeFromShelf(ref: Ref): Shelved | undefined {
    return this.#shelf.take(ref);
  }

  /** Shelf and waiting blocks of an author have one share of memory between them. */
  fitShelf(author: number): void {
    this.#shelf.fit(author, this.#room.shareBytes - this.#waiting.bytesOf(author));
  }

  horizonMoved(horizon: number): void {
    this.#shelf.horizonMoved(horizon);
  }

  /** Leaves what nothing needs any more: questions, and blocks that were taken because of a need. */
  tidy(): void {
    for (const key of this.#waiting.takeUnneeded()) {
      this.#port.fetch.forget(key);
      const entry = this.#waiting.get(key);
      if (entry === undefined || this.isWelcome(entry.block.ref)) continue;
      this.shelve(entry.block, entry.peer);
    }
  }
}
