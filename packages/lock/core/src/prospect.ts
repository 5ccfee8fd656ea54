// Whether it is worth asking all members for one answer, and for how long (READS.md, Q3).
import { Latencies } from './timing.ts';

/** The first wait, and the bounds of those that follow, as shares of Δ. */
const FIRST_WAITS_PER_DELTA = 4;
const SHORTEST_WAITS_PER_DELTA = 16;
/** How many usual answers a wait is. */
const ANSWERS_PER_WAIT = 4;
/** The longest pause is Δ × 2^5: 8 s by default. */
const RELAPSES_MAX = 5;
/** So many answers of all in a row make up for one relapse. */
const STREAK = 16;

/**
 * `good`: all have answered alike last time, so their answer is waited for. `faint`: they did not, and a
 * pause has gone by: they are asked while the other way is under way. `none`: they are not asked.
 */
export type Chance = 'good' | 'faint' | 'none';

/**
 * What polls of all members have come to lately. One member that is slow, silent or lies makes all of
 * them fail: then there is a pause, twice as long after each relapse.
 */
export class Prospect {
  readonly #deltaMs: number;
  readonly #latencies = new Latencies();
  #isDoubted = false;
  #relapses = 0;
  #streak = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deltaMs: number) {
    this.#deltaMs = deltaMs;
  }

  /** How long the last of all answers is waited for, ms. */
  get waitMs(): number {
    const { typicalMs } = this.#latencies;
    if (typicalMs === 0) return this.#deltaMs / FIRST_WAITS_PER_DELTA;
    const leastMs = this.#deltaMs / SHORTEST_WAITS_PER_DELTA;
    return Math.min(this.#deltaMs, Math.max(leastMs, ANSWERS_PER_WAIT * typicalMs));
  }

  /** The chance of a poll that begins now. After a pause one poll at a time tries. */
  take(atMs: number): Chance {
    if (!this.#isDoubted) return 'good';
    if (atMs < this.#pausedUntilMs) return 'none';
    this.#pausedUntilMs = atMs + this.waitMs;
    return 'faint';
  }

  /** All answered alike, the last of them after `tookMs`. */
  succeeded(tookMs: number): void {
    this.#latencies.add(tookMs);
    this.#isDoubted = false;
    this.#streak += 1;
    if (this.#streak % STREAK === 0) this.#relapses = Math.max(0, this.#relapses - 1);
  }

  /** A poll that began at `beganAtMs` failed. Those that were under way together fail as one. */
  failed(beganAtMs: number, atMs: number): void {
    if (beganAtMs <= this.#failedAtMs) return;
    this.#failedAtMs = atMs;
    this.#isDoubted = true;
    this.#streak = 0;
    this.#pausedUntilMs = atMs + this.#deltaMs * 2 ** this.#relapses;
    this.#relapses = Math.min(this.#relapses + 1, RELAPSES_MAX);
  }
}
