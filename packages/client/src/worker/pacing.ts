/** What a proof costs however short its run is (proof of work, messages), in steps. */
const STEPS_BESIDE = 256;
/** What is known before the first proof; a slow core takes half of it. */
const MS_PER_STEP_FIRST = 2;
const LATENCY_MS_FIRST = 200;
const SAMPLES = 6;
const SAFETY = 1.5;
/** A next run may be so many times as long as the last one before it has to be cut. */
const GROWTH = 2;
/** Least share of a period to spare, whatever has been learnt. */
const MARGIN_SHARE = 8;

/** The longest of the last few durations, and half as much again. */
class Estimate {
  readonly #first: number;
  readonly #last: number[] = [];

  constructor(first: number) {
    this.#first = first;
  }

  learn(sample: number): void {
    this.#last.push(sample);
    if (this.#last.length > SAMPLES) this.#last.shift();
  }

  /** What the next one will hardly exceed. */
  get high(): number {
    return this.#last.length === 0 ? this.#first : Math.max(...this.#last) * SAFETY;
  }
}

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
  readonly #msPerStep = new Estimate(MS_PER_STEP_FIRST);
  readonly #latencyMs = new Estimate(LATENCY_MS_FIRST);
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
    this.#msPerStep.learn(tookMs / (nSteps + STEPS_BESIDE));
  }

  /** A renewal took this long from submission to receipt. */
  learnRenewal(tookMs: number): void {
    this.#latencyMs.learn(tookMs);
  }

  /** What a proof will hardly ever exceed, ms. */
  provingMs(nSteps: number): number {
    return this.#msPerStep.high * (nSteps + STEPS_BESIDE);
  }

  /** Time to spare between a proof and the end of the lease, ms. */
  get marginMs(): number {
    return this.#options.periodMs / MARGIN_SHARE + this.#latencyMs.high;
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
    const next = Math.max(GROWTH * nSteps, STEPS_BESIDE / 2);
    return Math.max(nowMs, dueMs - this.provingMs(next) - this.marginMs);
  }
}
