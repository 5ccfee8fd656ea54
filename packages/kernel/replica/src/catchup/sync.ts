import type { Shared } from '../context.ts';

/**
 * Catch-up by round ranges (R12, sync mode). While the cell is more than `syncLagRounds` ahead,
 * ranges above the complete round are pulled from one peer at a time, another when one brings
 * nothing. Commits are decided on the way and move the horizon; so a parent that a liar invented
 * below the others' horizon is never waited for through the cone alone.
 */
export class Sync {
  readonly #shared: Shared;
  /** Question under way. */
  #asked:
    | { readonly peer: number; readonly fromRound: number; readonly untilMs: number }
    | undefined;
  /** Peers that brought nothing since the complete round last moved. */
  readonly #useless = new Set<number>();
  #tries = 0;
  #notBeforeMs = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** A peer says it is further: even a short gap has to be closed when nothing else is pushed. */
  nudge(peer: number, round: number): void {
    const { completeRound, syncing, ranges, tuning } = this.#shared;
    if (syncing || round <= completeRound) return;
    const to = Math.min(round, completeRound + tuning.rangeRounds);
    ranges.ask(peer, completeRound + 1, to);
  }

  /** After every event: starts, goes on, ends. */
  evaluate(): void {
    const { completeRound, peers, out, tuning } = this.#shared;
    const lag = peers.trustedRound - completeRound;
    if (!this.#shared.syncing) {
      if (lag <= tuning.syncLagRounds) return;
      this.#shared.syncing = true;
      out.note({ what: 'syncStarted', round: completeRound });
    }
    if (lag <= 1) {
      this.#shared.syncing = false;
      this.#asked = undefined;
      this.#useless.clear();
      out.note({ what: 'syncEnded', round: completeRound });
      return;
    }
    this.#goOn();
  }

  /** The final message of a range came. */
  answered(peer: number): void {
    if (this.#asked?.peer !== peer) return;
    if (this.#shared.completeRound > this.#asked.fromRound) this.#useful();
    else this.#useless.add(peer);
    this.#asked = undefined;
  }

  #useful(): void {
    this.#useless.clear();
    this.#tries = 0;
  }

  #goOn(): void {
    const { nowMs, completeRound, timers, ranges, tuning, peers } = this.#shared;
    if (this.#asked) {
      const gone = !peers.isUp(this.#asked.peer);
      if (!gone && nowMs < this.#asked.untilMs)
        return timers.want('fetchRetry', this.#asked.untilMs);
      this.#useless.add(this.#asked.peer);
      this.#asked = undefined;
    }
    if (nowMs < this.#notBeforeMs) return timers.want('fetchRetry', this.#notBeforeMs);
    const peer = this.#choose();
    if (peer === undefined) return;
    const pause = Math.min(tuning.fetchRetryMsMax, 5 * tuning.fetchRetryMs * 1.5 ** this.#tries);
    this.#tries++;
    const untilMs = nowMs + Math.ceil(pause);
    this.#asked = { peer, fromRound: completeRound, untilMs };
    timers.want('fetchRetry', untilMs);
    ranges.ask(peer, completeRound + 1, completeRound + tuning.rangeRounds);
  }

  /** The furthest peer that was not useless; when all were, everyone gets another chance later. */
  #choose(): number | undefined {
    const { peers, completeRound, nowMs, timers, tuning } = this.#shared;
    const ahead = peers.up.filter(
      (peer) => peers.isUp(peer) && peers.roundOf(peer) > completeRound,
    );
    const fresh = ahead.filter((peer) => !this.#useless.has(peer));
    if (fresh.length === 0 && ahead.length > 0) {
      this.#useless.clear();
      this.#notBeforeMs = nowMs + tuning.fetchRetryMs;
      timers.want('fetchRetry', this.#notBeforeMs);
      return undefined;
    }
    // Spread over the peers: who served last may be the liar that lets us creep.
    return fresh[(completeRound + this.#tries) % Math.max(1, fresh.length)];
  }
}
