import type { Host } from './host.ts';

/** Two clocks of one host that part by so much were set, or one of them slept. */
const JUMP_MS = 50;
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
    const monotonicMs = this.#host.monotonicMs();
    const wallMs = this.#host.wallMs();
    const byMonotonic = monotonicMs - this.#anchor.monotonicMs;
    const byWall = wallMs - this.#anchor.wallMs;
    const elapsedMs = Math.max(
      this.#last.elapsedMs,
      this.#anchor.elapsedMs + Math.max(byMonotonic, byWall, 0),
    );
    this.#last = { monotonicMs, wallMs, elapsedMs };
    const jumped = Math.abs(byWall - byMonotonic) >= JUMP_MS;
    if (jumped || byMonotonic >= ANCHOR_MS_MAX) this.#anchor = this.#last;
    return { nowMs: elapsedMs, jumped };
  }

  /** What the monotonic clock shows at this elapsed time, as far as the last sample can tell. */
  toMonotonic(elapsedMs: number): number {
    return this.#last.monotonicMs + (elapsedMs - this.#last.elapsedMs);
  }
}
