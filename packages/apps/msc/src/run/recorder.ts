// Keeps the events of a run in memory.
import type { TraceEvent, Tracer } from '@fatty/interface';

/** Events kept by a {@link Recorder} unless told otherwise. */
export const EVENTS_MAX = 200_000;

/** Keeps the last events of a run in memory. */
export class Recorder implements Tracer {
  readonly #eventsMax: number;
  #events: TraceEvent[] = [];
  #seen = 0;

  constructor(eventsMax: number = EVENTS_MAX) {
    this.#eventsMax = eventsMax;
  }

  /** The last `eventsMax` events, oldest first. */
  get events(): readonly TraceEvent[] {
    return this.#events.slice(-this.#eventsMax);
  }

  /** Events that were too old to keep. */
  get forgotten(): number {
    return Math.max(0, this.#seen - this.#eventsMax);
  }

  trace(event: TraceEvent): void {
    this.#seen++;
    this.#events.push(event);
    // Cutting at twice the size makes one event cost O(1) on average.
    if (this.#events.length >= 2 * this.#eventsMax) {
      this.#events = this.#events.slice(-this.#eventsMax);
    }
  }
}
