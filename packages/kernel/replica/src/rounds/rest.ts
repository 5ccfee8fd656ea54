// Whether there is a reason to make rounds.
import type { Dag } from '@fatty/broadcast';
import type { StateMachine } from '@fatty/interface';
import type { Orderer } from '@fatty/order';
import type { Committee } from '@fatty/protocol';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Pool } from '../clients/pool.ts';
import type { Payload } from './payload.ts';
import type { Proposer } from './proposer.ts';

/** A commit needs the votes of the round after its leader's, and the certificates of the one after. */
const ROUNDS_TO_REST = 3;

/** What Rest needs of its replica. */
export interface RestPort {
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly dag: Dag;
  readonly frames: { readonly status: { readonly certifiedCommit: number } };
  readonly machine: StateMachine;
  readonly me: number;
  readonly orderer: Orderer;
  readonly payload: Payload;
  readonly pool: Pool;
  readonly proposer: Proposer;
  readonly proving: { readonly wantsCommit: boolean };
  readonly tuning: Tuning;
}

/**
 * Whether there is a reason to make rounds, and how fast (Decisions: Rest, Fast on a LAN). At rest
 * nothing is to be said, committed, followed or kept in time, and nothing is scheduled but the
 * heartbeat.
 *
 * A cell rests with one slot open: everybody but the leader of the open round has made its block of
 * that round. What the leader says next needs two more rounds to be committed, not four.
 */
export class Rest {
  readonly #port: RestPort;
  #needsTime = false;
  #sinceMs: number | undefined;
  /** The round after the one that decided what had to be decided. */
  #restRound = 0;
  /** Open round whose leader, this replica, was asked to fill its slot. */
  #wokenRound = 0;

  constructor(port: RestPort) {
    this.#port = port;
  }

  get isResting(): boolean {
    return this.#sinceMs !== undefined;
  }

  /** The round whose leader's slot stays open while nothing is to be said. */
  get openRound(): number {
    return Math.max(this.#restRound, this.#port.dag.highestRound);
  }

  /** Before a commit is applied: was it one that rounds had to be made for? */
  deciding(leaderRound: number, carriesPayload: boolean): void {
    if (!carriesPayload && !this.#isHeartbeatDue()) return;
    this.#restRound = Math.max(this.#restRound, leaderRound + ROUNDS_TO_REST);
  }

  /** The state moved: does it hold anything that time must pass for? */
  committed(): void {
    this.#needsTime = this.#port.machine.needsTime();
  }

  /** Somebody has something to say and waits for the leader of `round`, which this replica is. */
  wake(round: number): void {
    this.#wokenRound = Math.max(this.#wokenRound, round);
  }

  wantsRounds(): boolean {
    return this.#port.proposer.lastRound < this.roundMax;
  }

  /**
   * The highest round there is a reason to make. Who comes late to the rest round and left rounds out must not
   * jump over it (R23): a block above it that says nothing makes all others follow, at the pace that is
   * for liars, and what this replica is then asked to say waits for them.
   */
  get roundMax(): number {
    if (this.#isOver()) return 0;
    if (this.#isLoaded() || this.#isHeartbeatDue()) return Number.POSITIVE_INFINITY;
    return this.#lastRoundOf(this.openRound);
  }

  /** Shortest time between two own blocks now. */
  pauseMs(): number {
    const { roundMsMin, idleRoundMs, followRoundMs } = this.#port.tuning;
    // R30: the others hardly ever need it.
    if (this.#port.orderer.hasEnded || this.#isBehind()) return followRoundMs;
    if (this.#isLoaded() || this.#port.proposer.lastRound < this.#promised()) return roundMsMin;
    return this.#isHeartbeatDue() ? idleRoundMs : followRoundMs;
  }

  /**
   * The last round this replica makes before it rests with `round` open. A leader leaves its slot open
   * only in the round that the last payload's commit led to: who went further had a reason that may not
   * have reached this replica, and might wait for it for ever.
   */
  #lastRoundOf(round: number): number {
    const { orderer, me } = this.#port;
    const isHeld = round > 0 && round === this.#restRound && this.#wokenRound < round;
    return isHeld && orderer.leaderOf(round) === me ? round - 1 : round;
  }

  /** Rounds that need no pause: each commit of payload and each waking allows only so many. */
  #promised(): number {
    const woken = Math.min(this.#wokenRound, this.openRound);
    return Math.max(this.#lastRoundOf(this.#restRound), woken);
  }

  /** True when this is news. */
  begin(): boolean {
    if (this.#sinceMs !== undefined) return false;
    this.#sinceMs = this.#port.clock.runningMs;
    return true;
  }

  /**
   * Ends a rest. False when the next block must carry nothing: after a long rest, and while so much
   * waits for a commit that memory is what must be saved (R22).
   */
  end(): boolean {
    const nowMs = this.#port.clock.runningMs;
    const { tuning } = this.#port;
    const sinceMs = this.#sinceMs ?? nowMs;
    this.#sinceMs = undefined;
    return nowMs - sinceMs <= tuning.restMsMax && !this.#isBehind();
  }

  /** R27a: somebody waits for a certificate, and only this replica knows. */
  get isAsked(): boolean {
    return this.#port.proving.wantsCommit;
  }

  /** When, on the own clock, the last commit gets too old for sessions and leases to be kept in time. */
  heartbeatMs(): number | undefined {
    const { orderer, committee } = this.#port;
    // Behind the last commit of an epoch there is none to wait for: a timer that is due would be due for ever.
    if (!this.#needsTime || orderer.hasEnded) return undefined;
    const commitTs = orderer.lastCommit?.commitTs ?? committee.genesisTs;
    return commitTs + Math.floor(committee.params.leaseStepMsMax / 2);
  }

  /**
   * R30: the epoch has ended, and q members have signed so. Before, the others may be unable to see the end without blocks of
   * this replica: a liar's blocks, shown to it alone, may have been among those that decided.
   */
  #isOver(): boolean {
    const { frames, orderer } = this.#port;
    return orderer.hasEnded && frames.status.certifiedCommit >= orderer.lastIndex;
  }

  /** Commits are far behind blocks: rounds are slow and empty until they come. */
  #isBehind(): boolean {
    const { orderer, tuning } = this.#port;
    const rounds = this.#port.proposer.lastRound - orderer.lastDecidedRound;
    return (
      rounds > tuning.uncommittedRoundsMax || this.#port.payload.bytes > tuning.uncommittedBytesMax
    );
  }

  /** Something is to be said, or is on its way to be committed. */
  #isLoaded(): boolean {
    // R30: the epoch ends, for which q members have to seal.
    if (this.#port.orderer.agenda.plan !== undefined) return true;
    return this.#port.payload.isOpen || this.#port.pool.hasNews(this.#port.proposer.lastRound + 1);
  }

  /** A commit is wanted though nothing is to be said: for the time's sake, or for a certificate. */
  #isHeartbeatDue(): boolean {
    if (this.isAsked) return true;
    const atMs = this.heartbeatMs();
    return atMs !== undefined && atMs <= this.#port.clock.nowMs;
  }
}
