import type { Shared } from '../context.ts';

/** What the pacemaker needs to know of the own chain at one moment. */
export interface OwnChain {
  readonly lastRound: number;
  /** When the last own block was made. */
  readonly madeAtMs: number;
  /** Round that may be made now (R22, R23), if any. */
  readonly nextRound: number | undefined;
  /** The block of that round would have to reference a shunned author. */
  readonly needsShunned: boolean;
  /** Shortest time from the last own block to the next. */
  readonly pauseMs: number;
}

/** Longest a stalled replica stays silent, in multiples of its current timeout. */
const STALL_BACKOFF_MAX = 32;

/**
 * Pacemaker (R22): when to make the next block. Waiting for a leader is a local choice that no
 * validity depends on; who is not worth waiting for is not waited for.
 */
export class Pacemaker {
  readonly #shared: Shared;
  #deltaMs: number;
  /** Round that may be made, and since when. */
  #entered = { round: 0, atMs: 0 };
  /** Last time something moved, and how often nothing did since. */
  #moved = { round: -1, complete: -1, atMs: 0, tries: 0 };

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#deltaMs = shared.tuning.deltaMs;
  }

  get deltaMs(): number {
    return this.#deltaMs;
  }

  /** Commits come: the estimate of the network may shrink again. */
  committed(): void {
    this.#deltaMs = Math.max(this.#shared.tuning.deltaMs, this.#deltaMs * 0.9);
  }

  /** True when the own block of `chain.nextRound` is to be made now; else the timer is set. */
  isTime(chain: OwnChain): boolean {
    const { nowMs, completeRound, timers } = this.#shared;
    const { nextRound } = chain;
    if (nextRound === undefined) return false;
    this.#enter(nextRound);
    const notBeforeMs = chain.madeAtMs + chain.pauseMs;
    const untilMs = this.#entered.atMs + 2 * this.#deltaMs;
    // R22, safe jump: q others are in this round already, the leader below is history.
    const waits = completeRound < nextRound && this.#isLeaderPending(nextRound);
    if (nowMs < untilMs && (chain.needsShunned || waits)) {
      timers.want('leaderTimeout', untilMs);
      return false;
    }
    if (nowMs >= notBeforeMs) return true;
    timers.want('minRoundDelay', notBeforeMs);
    return false;
  }

  /** The block of `round` is made: who was waited for in vain? */
  made(round: number): void {
    const { completeRound, nowMs, tuning, peers, out } = this.#shared;
    const isTimeout = nowMs >= this.#entered.atMs + 2 * this.#deltaMs;
    if (completeRound >= round || !isTimeout || !this.#isLeaderPending(round)) return;
    const leader = this.#missingLeader(round);
    if (leader !== undefined) peers.missed(leader);
    out.note({ what: 'leaderTimeout', round: round - 1 });
    this.#deltaMs = Math.min(tuning.deltaMsMax, this.#deltaMs * 1.5);
  }

  /** True when nothing moved for so long that the others should be told again where this one is. */
  isStalled(chain: OwnChain): boolean {
    const { nowMs, completeRound, timers } = this.#shared;
    const moved = this.#moved;
    if (moved.round !== chain.lastRound || moved.complete !== completeRound) {
      this.#moved = { round: chain.lastRound, complete: completeRound, atMs: nowMs, tries: 0 };
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

  #enter(round: number): void {
    if (round <= this.#entered.round) return;
    this.#entered = { round, atMs: this.#shared.nowMs };
    this.#shared.out.note({ what: 'roundEntered', round });
  }

  #isLeaderPending(round: number): boolean {
    return this.#missingLeader(round) !== undefined || this.#isVoteOpen(round);
  }

  /** Leader of the round before, when its block is not here and worth waiting for. */
  #missingLeader(round: number): number | undefined {
    const { orderer, dag, peers } = this.#shared;
    const leader = round < 2 ? undefined : orderer.leaderOf(round - 1);
    if (leader === undefined || dag.primary(leader, round - 1)) return undefined;
    return peers.isAwaited(leader) && !this.#hasGoneOn(leader, round - 1) ? leader : undefined;
  }

  /** True when the author has jumped over a round (R23): its block there will never come. */
  #hasGoneOn(author: number, round: number): boolean {
    const { dag } = this.#shared;
    for (let above = round + 1; above <= dag.highestRound; above++) {
      if (dag.primary(author, above)) return true;
    }
    return false;
  }

  /** Neither q votes nor q blames for the leader two rounds below, and some may still come. */
  #isVoteOpen(round: number): boolean {
    const { orderer, dag, quorum, peers, committee } = this.#shared;
    const leader = round < 3 ? undefined : orderer.leaderOf(round - 2);
    if (leader === undefined) return false;
    let votes = 0;
    let blames = 0;
    for (const vertex of dag.verticesAt(round - 1)) {
      if (dag.supportOf(vertex, leader, round - 2)) votes++;
      else blames++;
    }
    if (votes >= quorum || blames >= quorum) return false;
    for (let author = 0; author < committee.members.length; author++) {
      if (dag.primary(author, round - 1) || !peers.isAwaited(author)) continue;
      if (!this.#hasGoneOn(author, round - 1)) return true;
    }
    return false;
  }
}
