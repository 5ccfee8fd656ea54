// Which peers own blocks may go to.

/**
 * Which links own blocks of this life may go over (R26). The memory of a replica may be that of a
 * virtual machine that was put back to a snapshot: then its links are dead, and it finds that out one
 * link after the other. So a link that comes up gets no own block of this life before q − 1 others
 * have said, since then and over their own links, that they know no own block but those that this
 * replica has. A dead link says nothing; a link that goes on from before the snapshot has carried
 * nothing since.
 *
 * Moments are counted, not timed: link p is good when p came up before the (q − 1)-th newest word.
 */
export class Hearers {
  readonly #wordsMin: number;
  #moment = 0;
  /** By peer: when its link came up. */
  readonly #linkedAt = new Map<number, number>();
  /** By peer: when it last gave its word over that link. */
  readonly #wordAt = new Map<number, number>();
  readonly #good = new Set<number>();
  /** Own blocks above this round are of this life. */
  #bornRound = Number.POSITIVE_INFINITY;
  #isClosed = false;

  /** `wordsMin`: q − 1. */
  constructor(wordsMin: number) {
    this.#wordsMin = wordsMin;
  }

  /** A life begins. `lastOwnRound`: of the log. */
  begin(lastOwnRound: number): void {
    this.#bornRound = lastOwnRound;
  }

  linkUp(peer: number): void {
    this.linkDown(peer);
    this.#linkedAt.set(peer, ++this.#moment);
  }

  linkDown(peer: number): void {
    this.#linkedAt.delete(peer);
    this.#wordAt.delete(peer);
    this.#good.delete(peer);
  }

  /** The peer knows no own block that this replica does not. */
  vouchedBy(peer: number): void {
    if (this.#linkedAt.has(peer)) this.#wordAt.set(peer, ++this.#moment);
  }

  /** It claims to know one. */
  doubtedBy(peer: number): void {
    this.#wordAt.delete(peer);
  }

  /** Takes in the links that are good now, and answers which. */
  admit(): readonly number[] {
    const words = [...this.#wordAt.values()].sort((a, b) => b - a);
    const newest = words[this.#wordsMin - 1];
    if (this.#isClosed || newest === undefined) return [];
    const admitted = [...this.#linkedAt].filter(
      ([peer, atMoment]) => atMoment < newest && !this.#good.has(peer),
    );
    return admitted.map(([peer]) => {
      this.#good.add(peer);
      return peer;
    });
  }

  /** An own block turned up that this replica never made: no link is good any more. */
  close(): void {
    this.#isClosed = true;
    this.#good.clear();
  }

  /** An own block of this round may go to this peer. What is in the log of an earlier life may. */
  mayHear(peer: number, ownRound: number): boolean {
    return ownRound <= this.#bornRound || this.#good.has(peer);
  }

  /** Some link is not good yet. */
  get isIncomplete(): boolean {
    return !this.#isClosed && this.#good.size < this.#linkedAt.size;
  }

  /** Links that are good. */
  get count(): number {
    return this.#good.size;
  }
}
