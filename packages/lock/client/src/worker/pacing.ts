/** What is known before the first proof; a slow core takes half of it. */
const MS_PER_STEP_FIRST = 5;
const LATENCY_MS_FIRST = 200;
const SAMPLES = 6;
const SAFETY = 1.5;
/** The next run may be so many times as long as the last one. */
const GROWTH = 2;
/** Least share of a period to spare, whatever has been learnt. */
const MARGIN_SHARE = 4;

/** The longest of the last few durations, and half as much again: hardly ever exceeded. */
class Estimate {
  readonly #last: number[] = [];
  #isCold = true;

  /** The first of all is a cold one (threads start, code compiles): the second takes its place. */
  learn(sample: number): void {
    if (this.#isCold && this.#last.length === 1) {
      this.#last.pop();
      this.#isCold = false;
    }
    this.#last.push(sample);
    if (this.#last.length > SAMPLES) this.#last.shift();
  }

  /** Undefined before the first sample. */
  get high(): number | undefined {
    return this.#last.length === 0 ? undefined : Math.max(...this.#last) * SAFETY;
  }
}

/**
 * Proving times by padded steps. A size not seen yet is taken from the next smaller one, as if the
 * time were all by step: part of it is not, so that this errs on the safe side.
 */
class ProvingTimes {
  readonly #bySteps = new Map<number, Estimate>();
  #last = { nSteps: 0, tookMs: 0 };

  learn(nSteps: number, tookMs: number): void {
    const estimate = this.#bySteps.get(nSteps) ?? new Estimate();
    this.#bySteps.set(nSteps, estimate);
    estimate.learn(tookMs);
    this.#last = { nSteps, tookMs };
  }

  high(nSteps: number): number {
    const sizes = [...this.#bySteps.keys()].sort((a, b) => a - b);
    const size = sizes.findLast((one) => one <= nSteps) ?? sizes[0];
    const seen = size === undefined ? undefined : this.#bySteps.get(size)?.high;
    if (size === undefined || seen === undefined) return nSteps * MS_PER_STEP_FIRST;
    // What was seen of this size may be old; no proof takes less than a shorter one takes now.
    const now = this.#last.nSteps <= nSteps ? this.#last.tookMs * SAFETY : 0;
    return Math.max(seen * Math.max(1, nSteps / size), now);
  }
}

/** What a pace depends on. */
export interface PacingOptions {
  /** The machine's period, ms. */
  readonly periodMs: number;
  /** The state clock should advance by one in this time, ms. */
  readonly everyMs: number;
  /** Most transitions in one proof. */
  readonly transitionsMax: number;
}

/**
 * When to start proving, and how much. A proof is bound to the last event of its machine, so the
 * next one cannot be begun before the last is applied: a worker proves late in its period, as much
 * as has fallen due, and leaves a margin for what its own proofs and renewals have taken so far.
 * Pure: the caller brings the time.
 */
export class Pacing {
  readonly #options: PacingOptions;
  readonly #proving = new ProvingTimes();
  readonly #latencyMs = new Estimate();
  readonly #epochMs: number;
  readonly #epochT: bigint;

  /** The schedule begins with state clock `t` at `nowMs`. */
  constructor(options: PacingOptions, nowMs: number, t: bigint) {
    this.#options = options;
    this.#epochMs = nowMs;
    this.#epochT = t;
  }

  /** A proof of a run padded to `nSteps` took this long. */
  learnProof(nSteps: number, tookMs: number): void {
    this.#proving.learn(nSteps, tookMs);
  }

  /** A renewal took this long from submission to receipt. */
  learnRenewal(tookMs: number): void {
    this.#latencyMs.learn(tookMs);
  }

  /** What a proof will hardly ever exceed, ms. */
  provingMs(nSteps: number): number {
    return this.#proving.high(nSteps);
  }

  /** Time to spare between a proof and the end of the lease, ms. */
  get marginMs(): number {
    const latencyMs = this.#latencyMs.high ?? LATENCY_MS_FIRST;
    return this.#options.periodMs / MARGIN_SHARE + latencyMs;
  }

  /** Transitions that the next renewal should make: what has fallen due, but at least one. */
  owed(nowMs: number, t: bigint): number {
    const due = Math.floor((nowMs - this.#epochMs) / this.#options.everyMs);
    return Math.max(1, due - Number(t - this.#epochT));
  }

  /** {@link owed}, as far as one proof may go. */
  batch(owed: number): number {
    return Math.min(owed, this.#options.transitionsMax);
  }

  /** Whether a proof begun now would be done in time. */
  fits(nSteps: number, nowMs: number, dueMs: number): boolean {
    return nowMs + this.provingMs(nSteps) + this.marginMs <= dueMs;
  }

  /**
   * When to begin the next proof, for a lease that ends at `dueMs`; the last run had `nSteps`. A
   * worker that is more than a period behind does not wait.
   */
  startAtMs(nSteps: number, nowMs: number, dueMs: number, t: bigint): number {
    const behindMs = this.owed(nowMs, t) * this.#options.everyMs;
    if (behindMs > this.#options.periodMs + this.#options.everyMs) return nowMs;
    return Math.max(nowMs, dueMs - this.provingMs(GROWTH * nSteps) - this.marginMs);
  }
}
