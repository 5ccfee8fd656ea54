// What one peer may have answered.
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';

/** Answers to one peer within `WINDOW_MS`, in multiples of the largest. */
const ANSWERS_MAX = 4;
const WINDOW_MS = 100;

/** What Served needs of its replica. */
export interface ServedPort {
  readonly clock: OwnClock;
  readonly committee: { readonly members: readonly unknown[] };
  readonly tuning: Tuning;
}

/**
 * A question is short and its answer long, so a peer that asks without end is not answered for a while: one
 * budget for each, whatever it asks for. Guests (numbers below 0) have one together.
 */
export class Served {
  readonly #port: ServedPort;
  readonly #peers: { sinceMs: number; bytes: number }[];
  readonly #guests = { sinceMs: 0, bytes: 0 };

  constructor(port: ServedPort) {
    this.#port = port;
    this.#peers = port.committee.members.map(() => ({ sinceMs: 0, bytes: 0 }));
  }

  hasBudget(peer: number): boolean {
    const nowMs = this.#port.clock.runningMs;
    const served = this.#of(peer);
    if (served === undefined) return false;
    if (Math.abs(nowMs - served.sinceMs) >= WINDOW_MS) {
      served.sinceMs = nowMs;
      served.bytes = 0;
    }
    return served.bytes < ANSWERS_MAX * this.#port.tuning.rangeBytesMax;
  }

  charge(peer: number, bytes: number): void {
    const served = this.#of(peer);
    if (served) served.bytes += bytes;
  }

  #of(peer: number): { sinceMs: number; bytes: number } | undefined {
    return peer < 0 ? this.#guests : this.#peers[peer];
  }
}
