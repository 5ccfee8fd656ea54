// The numbered notices of a session, and whether one is missing (R21b).

interface Promised {
  readonly lastNumber: number;
  readonly leaseExpiry: number;
}

/** Renewals that wait for news at once; of more, the oldest is forgotten, which extends nothing. */
const PROMISES_MAX = 64;

/**
 * What a session has heard of its locks and waits (R21b): the cell counts that news 1, 2, 3…, and a
 * renewal names the last number. What it promises counts for holds only once everything up to
 * that number has been heard: else one of them may be lost, and given to somebody else.
 */
export class News {
  /** Everything up to this number has been heard. */
  #heard = 0;
  /** Heard, with a gap before. */
  readonly #beyond = new Set<number>();
  #promised: Promised[] = [];
  #covered = 0;

  /** The largest lease expiry that holds may count on, ms on the lease clock; 0 before the first. */
  get covered(): number {
    return this.#covered;
  }

  /** Something was told that we have not heard. */
  get hasGap(): boolean {
    return this.#beyond.size > 0 || this.#promised.length > 0;
  }

  /** One piece of news, believed. */
  hear(number: number): void {
    if (number > this.#heard) this.#beyond.add(number);
    this.#settle();
  }

  /** A believed renewal. */
  renewed(leaseExpiry: number, lastNumber: number): void {
    this.#promised.push({ lastNumber, leaseExpiry });
    if (this.#promised.length > PROMISES_MAX) this.#promised.shift();
    this.#settle();
  }

  /** The session was read: what was told up to `lastNumber` is known. */
  caughtUp(lastNumber: number): void {
    this.#heard = Math.max(this.#heard, lastNumber);
    this.#settle();
  }

  #settle(): void {
    while (this.#beyond.delete(this.#heard + 1)) this.#heard += 1;
    for (const number of this.#beyond) if (number <= this.#heard) this.#beyond.delete(number);
    const isKept = ({ lastNumber }: Promised): boolean => lastNumber <= this.#heard;
    for (const one of this.#promised.filter(isKept)) {
      this.#covered = Math.max(this.#covered, one.leaseExpiry);
    }
    this.#promised = this.#promised.filter((one) => !isKept(one));
  }
}
