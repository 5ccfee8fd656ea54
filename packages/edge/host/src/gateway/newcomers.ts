// Work for keys without a session, within one budget.
import { TokenBucket } from './bucket.ts';

/** Messages of one key that wait for their turn, and bytes of all. */
const PLACES_PER_KEY = 4;
const WAITING_BYTES_MAX = 8 << 20;

/** A piece of work, and what it costs. */
export interface Chore {
  /** What it costs this replica's event loop, ms. */
  readonly costMs: number;
  readonly sizeBytes: number;
  readonly act: () => void;
}

/** When things happen: the gateway's clock, and a timer. */
export interface Turns {
  nowMs(): number;
  after(delayMs: number, run: () => void): void;
}

/**
 * Work for keys without a live session. Keys are free, so all of them together get `msPerSecMax` of
 * the event loop, and what is over waits its turn: one message of each key, round and round. So a
 * flood by k keys delays a newcomer's first message by at most k messages, however fast they ask, and
 * holders of sessions not at all.
 */
export class Newcomers {
  readonly #budget: TokenBucket;
  readonly #turns: Turns;
  /** By key; who had a turn goes to the end. */
  readonly #waiting = new Map<string, readonly Chore[]>();
  #waitingBytes = 0;
  #isArmed = false;

  constructor(msPerSecMax: number, turns: Turns) {
    this.#budget = new TokenBucket(msPerSecMax, turns.nowMs());
    this.#turns = turns;
  }

  /** Acts now or later. False: the key, or the waiting room, has no place left. */
  take(key: string, chore: Chore): boolean {
    if (this.#waiting.size === 0 && this.#takeTurn(chore) === 0) {
      chore.act();
      return true;
    }
    const queue = this.#waiting.get(key) ?? [];
    const bytes = this.#waitingBytes + chore.sizeBytes;
    if (queue.length >= PLACES_PER_KEY || bytes > WAITING_BYTES_MAX) return false;
    this.#waiting.set(key, [...queue, chore]);
    this.#waitingBytes = bytes;
    this.#serve();
    return true;
  }

  /** The key has no link any more. */
  forget(key: string): void {
    for (const { sizeBytes } of this.#waiting.get(key) ?? []) this.#waitingBytes -= sizeBytes;
    this.#waiting.delete(key);
  }

  /** Pays for the chore, or answers how many ms until that is possible. */
  #takeTurn({ costMs }: Chore): number {
    return this.#budget.take(costMs, this.#turns.nowMs());
  }

  #serve(): void {
    for (const [key, [first, ...rest]] of this.#waiting) {
      const waitMs = first === undefined ? 0 : this.#takeTurn(first);
      if (waitMs > 0) return this.#arm(waitMs);
      this.#waiting.delete(key);
      if (rest.length > 0) this.#waiting.set(key, rest);
      this.#waitingBytes -= first?.sizeBytes ?? 0;
      first?.act();
    }
  }

  #arm(delayMs: number): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#turns.after(delayMs, () => {
      this.#isArmed = false;
      this.#serve();
    });
  }
}
