// A clock that no sleep of the host and no set wall clock can hold back (TIME.md, T6).
import type { Host } from './host.ts';

/** Two clocks of one host that part by so much were set, or one of them slept: worth a fresh proof. */
const JUMP_MS = 50;
/** Two clocks that part by more than a wall clock rounds did so, and whatever either saw is counted. */
const ROUNDED_MS = 1;
/** So often both clocks are read at most, until nothing of note passed between the two readings. */
const READINGS_MAX = 3;
/** Differences are taken from a sample at most about so old, lest a wall clock's milliseconds add up. */
const ANCHOR_MS_MAX = 1_000;

interface Sample {
  readonly monotonicMs: number;
  readonly wallMs: number;
  readonly elapsedMs: number;
}

/**
 * Elapsed time that no sleep of the host and no clock that is set back can hide (TIME.md, T6): the sum
 * over samples of the largest of the monotonic difference, the wall difference and 0. Starts from
 * the monotonic clock's time.
 */
export class ElapsedClock {
  readonly #host: Pick<Host, 'monotonicMs' | 'wallMs'>;
  #anchor: Sample;
  #last: Sample;

  constructor(host: Pick<Host, 'monotonicMs' | 'wallMs'>) {
    this.#host = host;
    const monotonicMs = host.monotonicMs();
    this.#anchor = { monotonicMs, wallMs: host.wallMs(), elapsedMs: monotonicMs };
    this.#last = this.#anchor;
  }

  /** `jumped`: the host slept or a clock was set since the sample before. */
  sample(): { readonly nowMs: number; readonly jumped: boolean } {
    const { monotonicMs, wallMs } = this.#read();
    const byMonotonic = monotonicMs - this.#anchor.monotonicMs;
    const byWall = wallMs - this.#anchor.wallMs;
    const elapsedMs = Math.max(
      this.#last.elapsedMs,
      this.#anchor.elapsedMs + Math.max(byMonotonic, byWall, 0),
    );
    this.#last = { monotonicMs, wallMs, elapsedMs };
    const apartMs = Math.abs(byWall - byMonotonic);
    if (apartMs > ROUNDED_MS || byMonotonic >= ANCHOR_MS_MAX) this.#anchor = this.#last;
    return { nowMs: elapsedMs, jumped: apartMs >= JUMP_MS };
  }

  /** Both clocks, of as much the same moment as can be had. */
  #read(): { readonly monotonicMs: number; readonly wallMs: number } {
    for (let left = READINGS_MAX; ; left--) {
      const beforeMs = this.#host.monotonicMs();
      const wallMs = this.#host.wallMs();
      const monotonicMs = this.#host.monotonicMs();
      if (left <= 1 || monotonicMs - beforeMs < ROUNDED_MS) return { monotonicMs, wallMs };
    }
  }

  /** What the monotonic clock shows at this elapsed time, as far as the last sample can tell. */
  toMonotonic(elapsedMs: number): number {
    return this.#last.monotonicMs + (elapsedMs - this.#last.elapsedMs);
  }
}
