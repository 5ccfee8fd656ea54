// The calls that wait for an answer, and that each gets exactly one.
import { isRetryable } from './errors.ts';
import type { CallOutcome, CallRequest } from './types.ts';

/** A call that waits for its answer; its number is the caller's, its deadline in ms of the core's clock. */
export interface Call {
  readonly call: number;
  readonly request: CallRequest;
  readonly deadlineMs: number;
}

/** The calls that have not been answered, each answered once. */
export class Calls {
  readonly #calls = new Map<number, Call>();
  readonly #settled: (call: number, outcome: CallOutcome) => void;
  /** No open call's deadline is earlier; recomputed only when it passes. */
  #nextMs = Number.POSITIVE_INFINITY;

  constructor(settled: (call: number, outcome: CallOutcome) => void) {
    this.#settled = settled;
  }

  get size(): number {
    return this.#calls.size;
  }

  get nextAtMs(): number {
    return this.#nextMs;
  }

  add(call: Call): void {
    this.#calls.set(call.call, call);
    this.#nextMs = Math.min(this.#nextMs, call.deadlineMs);
  }

  get(call: number): Call | undefined {
    return this.#calls.get(call);
  }

  /** Later outcomes of the same call are dropped: the caller has had an answer. */
  settle(call: number, outcome: CallOutcome): void {
    if (!this.#calls.delete(call)) return;
    this.#settled(call, outcome);
  }

  /** The calls whose time is up. */
  due(atMs: number): Call[] {
    if (atMs < this.#nextMs) return [];
    const due: Call[] = [];
    this.#nextMs = Number.POSITIVE_INFINITY;
    for (const call of this.#calls.values()) {
      if (call.deadlineMs <= atMs) due.push(call);
      else this.#nextMs = Math.min(this.#nextMs, call.deadlineMs);
    }
    return due;
  }

  all(): Call[] {
    return [...this.#calls.values()];
  }
}

/** A call that failed before anything was signed. */
export function notApplied(code: string, expected: string, actual: string): CallOutcome {
  const failure = { code, expected, actual };
  return { kind: 'failed', failure, outcome: 'not_applied', retryable: isRetryable(code) };
}
