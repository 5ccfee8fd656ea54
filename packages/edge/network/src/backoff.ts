// How long to wait before dialling again.
export interface BackoffLimits {
  /** Upper bound of the first wait, ms. Default 250. */
  readonly baseMs: number;
  /** Upper bound of every wait, ms. Default 10,000. */
  readonly capMs: number;
  /** A link that lived this long starts the waits from the beginning, ms. Default 5,000. */
  readonly uptimeMsMin: number;
}

/** Bounds of a dialler that is given no others. */
export const DEFAULT_BACKOFF: BackoffLimits = { baseMs: 250, capMs: 10_000, uptimeMsMin: 5000 };

/**
 * Full jitter: a wait is uniform in [0, min(cap, base · 2^attempt)), so that a fleet that lost its
 * replica does not come back in step.
 */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: (size: number) => Uint8Array;
  #attempt = 0;

  constructor(limits: BackoffLimits, random: (size: number) => Uint8Array) {
    this.#limits = limits;
    this.#random = random;
  }

  /** The next wait, ms, at least what the peer asked for. */
  nextMs(retryAfterMs: number = 0): number {
    const { baseMs, capMs } = this.#limits;
    const boundMs = Math.min(capMs, baseMs * 2 ** this.#attempt);
    this.#attempt = Math.min(this.#attempt + 1, 30);
    const view = new DataView(this.#random(4).slice().buffer);
    // A peer may slow us down, not switch us off.
    const floorMs = Math.min(retryAfterMs, capMs);
    return Math.floor(floorMs + (view.getUint32(0) / 2 ** 32) * boundMs);
  }

  /** A link ended after `uptimeMs`. */
  ended(uptimeMs: number): void {
    if (uptimeMs >= this.#limits.uptimeMsMin) this.#attempt = 0;
  }
}
