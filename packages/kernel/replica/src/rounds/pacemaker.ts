// When a replica makes its own block (R22).
import type { Dag } from '@fatty/broadcast';
import type { Orderer } from '@fatty/order';
import { type Committee, quorum } from '@fatty/protocol';
import type { TimerName } from '../boundary/contract.ts';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Frontier } from '../cell/frontier.ts';
import type { Peers } from '../cell/peers.ts';

/** What the pacemaker needs to know of the own chain at one moment. */
export interface OwnChain {
  /** When the last own block was made. */
  readonly madeAtMs: number;
  /** Round that may be made now (R22, R23). */
  readonly nextRound: number;
  /** The block of that round would have to reference a shunned author. */
  readonly needsShunned: boolean;
  /** Shortest time from the last own block to the next. */
  readonly pauseMs: number;
}

/** What the next own block waits for, and until when at most, in the time of durations. */
export interface Wait {
  readonly timer: Extract<TimerName, 'leaderTimeout' | 'minRoundDelay'>;
  readonly untilMs: number;
}

/** Longest a stalled replica stays silent, in multiples of its current timeout. */
const STALL_BACKOFF_MAX = 32;

/** What Pacemaker needs of its replica. */
export interface PacemakerPort {
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly dag: Dag;
  readonly frontier: Frontier;
  readonly orderer: Orderer;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly timers: Timers;
  readonly tuning: Tuning;
}

/**
 * Pacemaker (R22): when to make the next block. Waiting for a leader is a local choice that no
 * validity depends on; who is not worth waiting for is not waited for.
 */
export class Pacemaker {
  readonly #port: PacemakerPort;
  readonly #quorum: number;
  #deltaMs: number;
  /** Round that may be made, and since when. */
  #entered = { round: 0, atMs: 0 };
  /** Last time something moved, and how often nothing did since. */
  #moved = { round: -1, complete: -1, atMs: 0, tries: 0 };

  constructor(port: PacemakerPort) {
    this.#port = port;
    this.#quorum = quorum(port.committee);
    this.#deltaMs = port.tuning.deltaMs;
  }

  get deltaMs(): number {
    return this.#deltaMs;
  }

  /** Commits come: the estimate of the network may shrink again. */
  committed(): void {
    this.#deltaMs = Math.max(this.#port.tuning.deltaMs, this.#deltaMs * 0.9);
  }

  /** A round that may be made: from now on its leader's time runs. */
  enter(round: number): void {
    if (round <= this.#entered.round) return;
    this.#entered = { round, atMs: this.#port.clock.runningMs };
    this.#port.out.note({ what: 'roundEntered', round });
  }

  /** Why the own block of `nextRound`, which was entered, is not to be made yet. Undefined: now. */
  waitOf(chain: OwnChain): Wait | undefined {
    const nowMs = this.#port.clock.runningMs;
    const { completeRound } = this.#port.frontier;
    const { nextRound } = chain;
    const notBeforeMs = chain.madeAtMs + chain.pauseMs;
    const untilMs = this.#entered.atMs + 2 * this.#deltaMs;
    // R22, safe jump: q others are in this round already, the leader below is history.
    const waits = completeRound < nextRound && this.#isLeaderPending(nextRound);
    if (nowMs < untilMs && (chain.needsShunned || waits))
      return { timer: 'leaderTimeout', untilMs };
    if (nowMs >= notBeforeMs) return undefined;
    return { timer: 'minRoundDelay', untilMs: notBeforeMs };
  }

  /** The block of `round` is made: who was waited for in vain? */
  made(round: number): void {
    const nowMs = this.#port.clock.runningMs;
    const { completeRound } = this.#port.frontier;
    const { tuning, peers, out } = this.#port;
    const isTimeout = nowMs >= this.#entered.atMs + 2 * this.#deltaMs;
    if (completeRound >= round || !isTimeout || !this.#isLeaderPending(round)) return;
    const leader = this.#missingLeader(round);
    if (leader !== undefined) peers.missed(leader);
    out.note({ what: 'leaderTimeout', round: round - 1 });
    this.#deltaMs = Math.min(tuning.deltaMsMax, this.#deltaMs * 1.5);
  }

  /**
   * Looks whether `lastRound`, the own one, or the complete round have moved. True when nothing has for
   * so long that the others should be told again where this one is; else the timer is set.
   */
  watchProgress(lastRound: number): boolean {
    const nowMs = this.#port.clock.runningMs;
    const { completeRound } = this.#port.frontier;
    const { timers } = this.#port;
    const moved = this.#moved;
    if (moved.round !== lastRound || moved.complete !== completeRound) {
      this.#moved = { round: lastRound, complete: completeRound, atMs: nowMs, tries: 0 };
    }
    const pause = 4 * this.#deltaMs * Math.min(STALL_BACKOFF_MAX, 2 ** this.#moved.tries);
    const untilMs = this.#moved.atMs + pause;
    if (nowMs < untilMs) {
      timers.want('leaderTimeout', untilMs);
      return false;
    }
    this.#moved = { ...this.#moved, atMs: nowMs, tries: this.#moved.tries + 1 };
    timers.want('leaderTimeout', nowMs + pause * 2);
    return true;
  }

  /** A rest is no stall. */
  rested(): void {
    this.#moved = { round: -1, complete: -1, atMs: 0, tries: 0 };
  }

  #isLeaderPending(round: number): boolean {
    return this.#missingLeader(round) !== undefined || this.#isVoteOpen(round);
  }

  /** Leader of the round before, when its block is not here and worth waiting for. */
  #missingLeader(round: number): number | undefined {
    const { orderer, dag, peers } = this.#port;
    const leader = round < 2 ? undefined : orderer.leaderOf(round - 1);
    if (leader === undefined || dag.primary(leader, round - 1)) return undefined;
    return peers.isAwaited(leader) && !this.#hasGoneOn(leader, round - 1) ? leader : undefined;
  }

  /** True when the author has jumped over a round (R23): its block there will never come. */
  #hasGoneOn(author: number, round: number): boolean {
    const { dag } = this.#port;
    for (let above = round + 1; above <= dag.highestRound; above++) {
      if (dag.primary(author, above)) return true;
    }
    return false;
  }

  /** Neither q votes nor q blames for the leader two rounds below, and some may still come. */
  #isVoteOpen(round: number): boolean {
    const { orderer, dag, peers, committee } = this.#port;
    const leader = round < 3 ? undefined : orderer.leaderOf(round - 2);
    if (leader === undefined) return false;
    let votes = 0;
    let blames = 0;
    for (const vertex of dag.verticesAt(round - 1)) {
      if (dag.supportOf(vertex, leader, round - 2)) votes++;
      else blames++;
    }
    if (votes >= this.#quorum || blames >= this.#quorum) return false;
    for (let author = 0; author < committee.members.length; author++) {
      if (dag.primary(author, round - 1) || !peers.isAwaited(author)) continue;
      if (!this.#hasGoneOn(author, round - 1)) return true;
    }
    return false;
  }
}
