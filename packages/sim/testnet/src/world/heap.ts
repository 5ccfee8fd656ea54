// The events of a simulated world that are still to come.
import TinyQueue from 'tinyqueue';

/** A thing that happens at a virtual time. Ties are broken by the order of scheduling. */
export interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Scheduled events, the next one first: the whole clockwork of a simulated world. */
export class EventHeap {
  readonly #queue = new TinyQueue<Scheduled>([], (a, b) => a.atMs - b.atMs || a.order - b.order);
  #order = 0;

  get size(): number {
    return this.#queue.length;
  }

  peekMs(): number | undefined {
    return this.#queue.peek()?.atMs;
  }

  push(atMs: number, run: () => void): void {
    this.#queue.push({ atMs, order: this.#order++, run });
  }

  pop(): Scheduled | undefined {
    return this.#queue.pop();
  }
}
