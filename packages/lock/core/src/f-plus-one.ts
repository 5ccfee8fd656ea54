// The f + 1 rule (R32): what is believed, because one who says so is honest.

/**
 * Counts who says what about one question, each replica once (its first word; a liar cannot vote
 * twice), and answers when `need` of them agree (R32: f+1, so one of them is honest).
 */
export class Tally<T> {
  readonly #need: number;
  readonly #voters = new Map<number, string>();
  readonly #counts = new Map<string, number>();

  constructor(need: number) {
    this.#need = need;
  }

  /** `key` is the canonical text of `value`. Returns the value the moment its last vote arrives. */
  vote(replica: number, key: string, value: T): T | undefined {
    if (this.#voters.has(replica)) return undefined;
    this.#voters.set(replica, key);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count === this.#need ? value : undefined;
  }

  has(replica: number): boolean {
    return this.#voters.has(replica);
  }

  get voters(): number {
    return this.#voters.size;
  }

  /** How many different answers were given: more than one means a liar or different positions. */
  get answers(): number {
    return this.#counts.size;
  }
}

/**
 * Like {@link Tally}, by each replica's latest word: what an honest one says of a question may change as
 * it learns more (an opening that was refused, then applied). f liars still have f voices.
 */
export class LatestWords<T> {
  readonly #need: number;
  readonly #words = new Map<number, string>();

  constructor(need: number) {
    this.#need = need;
  }

  /** Returns the value whenever `need` replicas say so now. */
  vote(replica: number, key: string, value: T): T | undefined {
    this.#words.set(replica, key);
    let count = 0;
    for (const word of this.#words.values()) if (word === key) count += 1;
    return count >= this.#need ? value : undefined;
  }
}
