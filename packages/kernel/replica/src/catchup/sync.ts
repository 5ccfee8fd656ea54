// Catches up by ranges of rounds.
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Frontier } from '../cell/frontier.ts';
import type { Peers } from '../cell/peers.ts';
import type { Ranges } from './ranges.ts';

/** A range that one peer was asked for. */
interface Question {
  readonly peer: number;
  readonly fromRound: number;
  readonly untilMs: number;
  /** The final message of the answer has come. */
  isAnswered: boolean;
}

/** What Sync needs of its replica. */
export interface SyncPort {
  readonly clock: OwnClock;
  readonly frontier: Frontier;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly ranges: Ranges;
  readonly timers: Timers;
  readonly tuning: Tuning;
}

/**
 * Catch-up by round ranges (R12, sync mode). While the cell is more than `syncLagRounds` ahead,
 * ranges above the complete round are pulled from one peer at a time, another when one brings
 * nothing. Commits are decided on the way and move the horizon; so a parent that a liar invented
 * below the others' horizon is never waited for through the cone alone.
 */
export class Sync {
  readonly #port: SyncPort;
  /** Question under way. */
  #asked: Question | undefined;
  /** Peers that brought nothing since the complete round last moved. */
  readonly #useless = new Set<number>();
  #isSyncing = false;
  #isPaused = false;
  #tries = 0;
  #notBeforeMs = 0;
  #heldUntilMs = 0;

  constructor(port: SyncPort) {
    this.#port = port;
  }

  /** True in sync mode (R12). */
  get isSyncing(): boolean {
    return this.#isSyncing;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** While paused nothing is asked for: there is no room for the answer (R24). */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
  }

  /** Until then a frame is on its way, which brings more than ranges do; ms of the running clock. */
  holdUntil(atMs: number): void {
    this.#heldUntilMs = atMs;
  }

  /** A peer says it is further: even a short gap has to be closed when nothing else is pushed. */
  nudge(peer: number, round: number): void {
    const { completeRound } = this.#port.frontier;
    const { ranges, tuning } = this.#port;
    if (this.#isPaused || this.#isSyncing || round <= completeRound) return;
    const to = Math.min(round, completeRound + tuning.rangeRounds);
    ranges.ask(peer, completeRound + 1, to);
  }

  /** After every event: starts, goes on, ends. */
  evaluate(): void {
    if (this.#isPaused) return;
    this.#judgeAnswer();
    const { completeRound } = this.#port.frontier;
    const { peers, out, tuning } = this.#port;
    const lag = peers.trustedRound - completeRound;
    if (!this.#isSyncing) {
      if (lag <= tuning.syncLagRounds) return;
      this.#isSyncing = true;
      out.note({ what: 'syncStarted', round: completeRound });
    }
    if (lag <= 1) {
      this.#isSyncing = false;
      this.#asked = undefined;
      this.#useless.clear();
      out.note({ what: 'syncEnded', round: completeRound });
      return;
    }
    this.#goOn();
  }

  /** The final message of a range came. What it was good for shows when its blocks are in the DAG. */
  answered(peer: number): void {
    if (this.#asked?.peer === peer) this.#asked.isAnswered = true;
  }

  #judgeAnswer(): void {
    if (!this.#asked?.isAnswered) return;
    if (this.#port.frontier.completeRound > this.#asked.fromRound) {
      this.#useless.clear();
      this.#tries = 0;
    } else this.#useless.add(this.#asked.peer);
    this.#asked = undefined;
  }

  #goOn(): void {
    const nowMs = this.#port.clock.runningMs;
    const { completeRound } = this.#port.frontier;
    const { timers, ranges, tuning, peers } = this.#port;
    if (this.#asked) {
      const gone = !peers.isUp(this.#asked.peer);
      if (!gone && nowMs < this.#asked.untilMs)
        return timers.want('fetchRetry', this.#asked.untilMs);
      this.#useless.add(this.#asked.peer);
      this.#asked = undefined;
    }
    const notBeforeMs = Math.max(this.#notBeforeMs, this.#heldUntilMs);
    if (nowMs < notBeforeMs) return timers.want('fetchRetry', notBeforeMs);
    const peer = this.#choose();
    if (peer === undefined) return;
    const pause = Math.min(tuning.fetchRetryMsMax, 5 * tuning.fetchRetryMs * 1.5 ** this.#tries);
    this.#tries++;
    const untilMs = nowMs + Math.ceil(pause);
    this.#asked = { peer, fromRound: completeRound, untilMs, isAnswered: false };
    timers.want('fetchRetry', untilMs);
    ranges.ask(peer, completeRound + 1, completeRound + tuning.rangeRounds);
  }

  /** The furthest peer that was not useless; when all were, everyone gets another chance later. */
  #choose(): number | undefined {
    const nowMs = this.#port.clock.runningMs;
    const { completeRound } = this.#port.frontier;
    const { peers, timers, tuning } = this.#port;
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
    // Spreads the questions over the peers: the one that served last may be a liar that lets us
    // creep.
    return fresh[(completeRound + this.#tries) % Math.max(1, fresh.length)];
  }
}
