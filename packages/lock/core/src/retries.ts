// When batches without an answer go out again (R3).
import { type Latencies, retryDelay } from './timing.ts';

/** What the pauses of one pipeline depend on. */
export interface RetryTerms {
  readonly deltaMs: number;
  readonly latencies: Latencies;
  readonly draw: (below: number) => number;
}

/** From so many tries without an answer on, one gateway at a time is not enough. */
const TRIES_ALONE = 2;
/** Refusals double the pause before the next try up to 2 to the power of this. */
const PUT_OFF_DOUBLINGS_MAX = 4;

/**
 * Two reasons to try again, each with its own pause. No answer came: {@link retryDelay}, longer each time.
 * A gateway put a batch off (`overloaded`, `slow_down`): Δ, doubled each time up to 16 Δ. A try that such a
 * refusal brought forward says nothing of how long answers take, so it makes the other pause no longer.
 */
export class Retries {
  readonly #terms: RetryTerms;
  #pauses = 0;
  #putOffs = 0;
  /** Monotonic ms, like every time here. */
  #pauseEndsMs = Number.POSITIVE_INFINITY;
  #putOffUntilMs = Number.POSITIVE_INFINITY;

  constructor(terms: RetryTerms) {
    this.#terms = terms;
  }

  get nextAtMs(): number {
    return Math.min(this.#pauseEndsMs, this.#putOffUntilMs);
  }

  /** The oldest batch is another one now, or all were sent anew: it has the shortest pause before it. */
  begin(atMs: number): void {
    this.#pauses = 0;
    this.#putOffs = 0;
    this.#pause(atMs);
  }

  /** Nothing waits, or nothing can be tried: until {@link begin}. */
  stop(): void {
    this.#pauseEndsMs = Number.POSITIVE_INFINITY;
    this.#putOffUntilMs = Number.POSITIVE_INFINITY;
  }

  /** A later batch was answered, so older ones are used up as well: their receipts are late, or lost. */
  overtaken(atMs: number): void {
    this.#pauseEndsMs = Math.min(this.#pauseEndsMs, atMs + this.#delayMs(0));
  }

  /** A gateway says: later. */
  putOff(atMs: number): void {
    const doublings = Math.min(this.#putOffs, PUT_OFF_DOUBLINGS_MAX);
    const untilMs = atMs + this.#terms.deltaMs * 2 ** doublings;
    this.#putOffUntilMs = Math.min(this.#putOffUntilMs, untilMs);
  }

  /** Notes a try that is due at `atMs`; false: none is. Before a look at {@link isAlone}. */
  take(atMs: number): boolean {
    if (atMs < this.nextAtMs) return false;
    if (atMs >= this.#pauseEndsMs) this.#pauses += 1;
    else this.#putOffs += 1;
    this.#putOffUntilMs = Number.POSITIVE_INFINITY;
    this.#pause(atMs);
    return true;
  }

  /** One gateway is enough for the try that was taken. */
  get isAlone(): boolean {
    return this.#pauses + this.#putOffs < TRIES_ALONE;
  }

  #pause(atMs: number): void {
    this.#pauseEndsMs = atMs + this.#delayMs(this.#pauses);
  }

  #delayMs(attempt: number): number {
    const { deltaMs, latencies, draw } = this.#terms;
    return retryDelay(deltaMs, latencies.typicalMs, attempt, draw);
  }
}
