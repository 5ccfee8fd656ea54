// Virtual time, what comes next in it, and what it has come to.
import { EventHeap } from './heap.ts';
import type { Violation } from './observation.ts';

/**
 * One heap of events, and nothing else that moves a world: the same events give the same run, byte by
 * byte. Whatever the processes of a world are, they live on one of these.
 */
export class Clockwork {
  readonly violations: Violation[] = [];
  /** What the run reached: every net states how much of each it wants to have seen. */
  readonly reached: Record<string, number> = {};
  readonly #heap = new EventHeap();
  readonly #startMs: number;
  #nowMs: number;
  #events = 0;

  constructor(startMs: number) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events so far: what a run costs, the same on every machine. */
  get events(): number {
    return this.#events;
  }

  /** ms since the world began. */
  get elapsedMs(): number {
    return this.#nowMs - this.#startMs;
  }

  after(delayMs: number, run: () => void): void {
    this.#heap.push(this.#nowMs + delayMs, run);
  }

  /** Runs until `done`, a violation, or `elapsedMs` of world time. Answers whether `done` came. */
  run(untilElapsedMs: number, done: () => boolean = () => false): boolean {
    const endMs = this.#startMs + untilElapsedMs;
    while (this.violations.length === 0) {
      if (done()) return true;
      const nextMs = this.#heap.peekMs();
      if (nextMs === undefined || nextMs > endMs) break;
      const event = this.#heap.pop();
      if (event === undefined) break;
      this.#nowMs = event.atMs;
      this.#events += 1;
      event.run();
    }
    if (this.violations.length === 0) this.#nowMs = Math.max(this.#nowMs, endMs);
    return done();
  }

  /** Adds to a coverage counter and answers its new value. */
  count(what: string, by = 1): number {
    const total = (this.reached[what] ?? 0) + by;
    this.reached[what] = total;
    return total;
  }
}
