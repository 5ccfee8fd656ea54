// A limit on how much per second.

/**
 * Token bucket: `ratePerSec` tokens come back each second, at most one second's worth is kept. By hand:
 * time is an argument, so that the simulator can run it, and what is charged may lead into debt.
 */
export class TokenBucket {
  readonly #ratePerSec: number;
  #tokens: number;
  #atMs: number;

  constructor(ratePerSec: number, nowMs: number) {
    this.#ratePerSec = ratePerSec;
    this.#tokens = ratePerSec;
    this.#atMs = nowMs;
  }

  /** Takes `cost` tokens, or answers how many ms until they are there. */
  take(cost: number, nowMs: number): number {
    this.#refill(nowMs);
    if (this.#tokens >= cost) {
      this.#tokens -= cost;
      return 0;
    }
    return Math.ceil(((cost - this.#tokens) * 1000) / this.#ratePerSec);
  }

  /** Takes what something has cost, into debt if need be. */
  charge(cost: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens -= cost;
  }

  #refill(nowMs: number): void {
    const gained = (Math.max(0, nowMs - this.#atMs) * this.#ratePerSec) / 1000;
    this.#tokens = Math.min(this.#ratePerSec, this.#tokens + gained);
    this.#atMs = nowMs;
  }
}
