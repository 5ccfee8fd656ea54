// How long answers usually take, and when to try again.

const SAMPLES = 32;

/** The last latencies of this client, for its retry time (R3). */
export class Latencies {
  readonly #ring: number[] = [];
  #count = 0;
  #typical: number | undefined;

  add(ms: number): void {
    this.#ring[this.#count % SAMPLES] = ms;
    this.#count += 1;
    this.#typical = undefined;
  }

  /**
   * The median: the slow answers of a start, or of one stall, say nothing about the next batch. 0
   * without samples.
   */
  get typicalMs(): number {
    const sorted = (): number[] => [...this.#ring].sort((a, b) => a - b);
    this.#typical ??= sorted()[Math.floor(this.#ring.length / 2)] ?? 0;
    return this.#typical;
  }
}

/**
 * R3: 2Δ, doubled per attempt up to 32Δ, or four times the own typical latency, whichever is longer; plus up
 * to half as jitter. A cell that is slow is asked at its own pace, not at sixteen times that: batches of a
 * cell that is back would lie there for minutes.
 */
export function retryDelay(
  deltaMs: number,
  typicalMs: number,
  attempt: number,
  draw: (below: number) => number,
): number {
  const base = Math.max(2 * deltaMs * 2 ** Math.min(attempt, 4), 4 * typicalMs);
  return Math.ceil(base) + draw(Math.ceil(base / 2));
}

/**
 * When half of the time that is left until `deadlineMs` is gone, but not sooner than `leastMs` from
 * now: when the answer is not there by then, one gateway is not enough. Infinity when there is no
 * deadline, or no such time before it: what comes too late anyway is in no hurry.
 */
export function halfway(atMs: number, deadlineMs: number, leastMs: number): number {
  const leftMs = deadlineMs - atMs;
  return leftMs > leastMs ? atMs + Math.max(leastMs, leftMs / 2) : Number.POSITIVE_INFINITY;
}

/** `firstMs` after the first try and twice as long after each further one, `mostMs` at most. */
export function doubledPause(firstMs: number, tries: number, mostMs: number): number {
  return Math.min(firstMs * 2 ** Math.max(0, tries - 1), mostMs);
}
