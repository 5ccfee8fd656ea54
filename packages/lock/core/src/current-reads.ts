// Reads that are no older than their question: what all members say, or behind a no-op (R32b).
import type { Op, Query } from '@fatty/api';
import type { Reads } from './reads.ts';
import type { Shared } from './shared.ts';
import type { CallOutcome } from './types.ts';

/** An op that changes nothing: cancelling one that cannot exist. */
const BARRIER: Op = { kind: 'cancel', seq: Number.MAX_SAFE_INTEGER, index: 0 };

/** What current reads need of the desk. */
export interface Orderer {
  /** Signs these ops for the call; `done` runs once. */
  submit(call: number, ops: readonly Op[], done: (outcome: CallOutcome) => void): void;
  /** Takes them back if they have not been signed. */
  withdraw(call: number): void;
  /** Somebody still waits for the call's answer. */
  isOpen(call: number): boolean;
}

/**
 * Two ways to one answer: a poll of all members, which is one exchange, and a no-op with a read of f + 1
 * behind it. The second begins when the first is doubtful; what comes first counts.
 */
export class CurrentReads {
  readonly #shared: Shared;
  readonly #reads: Reads;
  readonly #orderer: Orderer;

  constructor(shared: Shared, reads: Reads, orderer: Orderer) {
    this.#shared = shared;
    this.#reads = reads;
    this.#orderer = orderer;
  }

  start(call: number, query: Query, done: (outcome: CallOutcome) => void): void {
    let isOrdered = false;
    this.#reads.poll(call, query, this.#shared.nowMs, {
      agreed: (answer, commit, replicas) => {
        this.#orderer.withdraw(call);
        this.#reads.withdraw(call);
        done({ kind: 'answer', answer, commit, view: 'current', replicas });
      },
      doubtful: () => {
        if (isOrdered) return;
        isOrdered = true;
        this.#order(call, query, done);
      },
    });
  }

  /** Its receipt moves the floor of reads past everything that was told before the call. */
  #order(call: number, query: Query, done: (outcome: CallOutcome) => void): void {
    this.#orderer.submit(call, [BARRIER], (ordered) => {
      if (!this.#orderer.isOpen(call)) return;
      if (ordered.kind !== 'results') return done(refusalOf(ordered));
      const want = { query, view: 'committed', replica: undefined } as const;
      this.#reads.start(call, want, this.#shared.nowMs, (outcome) => {
        this.#reads.overtaken(call, this.#shared.nowMs);
        done(outcome.kind === 'answer' ? { ...outcome, view: 'current' } : outcome);
      });
    });
  }
}

/** Whatever became of the no-op, a read changes nothing. */
function refusalOf(outcome: CallOutcome): CallOutcome {
  return outcome.kind === 'failed' ? { ...outcome, outcome: 'not_applied' } : outcome;
}
