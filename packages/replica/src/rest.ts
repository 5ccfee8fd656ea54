import type { StateMachine } from '@fatty/interface';
import type { Payload } from './payload.ts';
import type { Pool } from './pool.ts';
import type { Proposer } from './proposer.ts';
import type { Shared } from './shared.ts';

/**
 * Whether there is a reason to make rounds, and how fast (Decisions: Rest, Fast on a LAN). At rest
 * nothing is to be said, committed, followed or kept in time, and nothing is scheduled but the
 * heartbeat.
 */
export class Rest {
  readonly #shared: Shared;
  readonly #machine: StateMachine;
  readonly #payload: Payload;
  readonly #pool: Pool;
  readonly #proposer: Proposer;
  #needsTime = false;
  #sinceMs: number | undefined;

  constructor(shared: Shared, payload: Payload, pool: Pool, proposer: Proposer) {
    this.#shared = shared;
    this.#machine = shared.config.machine;
    this.#payload = payload;
    this.#pool = pool;
    this.#proposer = proposer;
  }

  get isResting(): boolean {
    return this.#sinceMs !== undefined;
  }

  /** The state moved: does it hold anything that time must pass for? */
  committed(): void {
    this.#needsTime = this.#machine.needsTime();
  }

  wantsRounds(): boolean {
    if (this.#isLoaded() || this.#isHeartbeatDue()) return true;
    return this.#proposer.lastRound < this.#shared.dag.highestRound;
  }

  /** Shortest time between two own blocks now. */
  pauseMs(): number {
    const { roundMsMin, idleRoundMs, followRoundMs } = this.#shared.tuning;
    if (this.#isBehind()) return followRoundMs;
    if (this.#isLoaded()) return roundMsMin;
    return this.#isHeartbeatDue() ? idleRoundMs : followRoundMs;
  }

  /** True when this is news. */
  begin(): boolean {
    if (this.#sinceMs !== undefined) return false;
    this.#sinceMs = this.#shared.nowMs;
    return true;
  }

  /**
   * Ends a rest. False when the next block must carry nothing: after a long rest, and while so much
   * waits for a commit that memory is what must be saved (R22).
   */
  end(): boolean {
    const { nowMs, tuning } = this.#shared;
    const sinceMs = this.#sinceMs ?? nowMs;
    this.#sinceMs = undefined;
    return nowMs - sinceMs <= tuning.restMsMax && !this.#isBehind();
  }

  /** When, on the own clock, the last commit gets too old for sessions and leases to be kept in time. */
  heartbeatMs(): number | undefined {
    if (!this.#needsTime) return undefined;
    const { orderer, committee } = this.#shared;
    const commitTs = orderer.lastCommit?.commitTs ?? committee.genesisTs;
    return commitTs + Math.floor(committee.params.leaseStepMsMax / 2);
  }

  /** Commits are far behind blocks: rounds are slow and empty until they come. */
  #isBehind(): boolean {
    const { orderer, tuning } = this.#shared;
    const rounds = this.#proposer.lastRound - orderer.lastDecidedRound;
    return rounds > tuning.uncommittedRoundsMax || this.#payload.bytes > tuning.uncommittedBytesMax;
  }

  /** Something is to be said, or is on its way to be committed. */
  #isLoaded(): boolean {
    return this.#payload.isOpen || this.#pool.hasNews(this.#proposer.lastRound + 1);
  }

  #isHeartbeatDue(): boolean {
    const atMs = this.heartbeatMs();
    return atMs !== undefined && atMs <= this.#shared.clock.nowMs;
  }
}
