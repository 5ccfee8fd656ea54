const SAMPLES = 256;
/** The 99th percentile is sorted out anew only after so many samples. */
const REFRESH = 16;

/** The last 256 latencies of this client, for its retry time (R3). */
export class Latencies {
  readonly #ring: number[] = [];
  #count = 0;
  #p99 = 0;

  add(ms: number): void {
    this.#ring[this.#count % SAMPLES] = ms;
    this.#count += 1;
    if (this.#count <= REFRESH || this.#count % REFRESH === 0) {
      const sorted = [...this.#ring].sort((a, b) => a - b);
      this.#p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
    }
  }

  /** 0 without samples. */
  get p99(): number {
    return this.#p99;
  }
}

/** R3: max(2Δ, 4 × own p99), doubled per attempt up to 16 ×, plus up to half as jitter. */
export function retryDelay(
  deltaMs: number,
  p99Ms: number,
  attempt: number,
  draw: (below: number) => number,
): number {
  const base = Math.max(2 * deltaMs, 4 * p99Ms) * 2 ** Math.min(attempt, 4);
  return Math.ceil(base) + draw(Math.ceil(base / 2));
}
