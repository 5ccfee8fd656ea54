// Own blocks: whether, when, for which round, and with what.
import type { Block } from '@fatty/broadcast';
import type { Commit } from '@fatty/order';
import { HandOver, type HandOverPort } from './hand-over.ts';
import { type OwnChain, Pacemaker, type PacemakerPort } from './pacemaker.ts';
import { Payload } from './payload.ts';
import { Proposer, type ProposerPort } from './proposer.ts';
import { Rest, type RestPort } from './rest.ts';

/** What Rounds needs of its replica: what its parts need of it, without one another. */
export type RoundsPort = Omit<
  PacemakerPort & ProposerPort & RestPort & HandOverPort,
  'payload' | 'proposer' | 'rest'
>;

/**
 * The own blocks (R22, R23, Decisions: Rest): whether there is a reason to make one, when, for which
 * round, and what it carries. Who may sign at all is not asked here (R26).
 */
export class Rounds {
  readonly #port: RoundsPort;
  readonly #payload: Payload = new Payload();
  readonly #proposer: Proposer;
  readonly #pacemaker: Pacemaker;
  readonly #rest: Rest;
  readonly #handOver: HandOver;
  /** When the last own block was made. */
  #madeAtMs = 0;

  constructor(port: RoundsPort) {
    this.#port = port;
    this.#proposer = new Proposer(port);
    this.#pacemaker = new Pacemaker(port);
    this.#rest = new Rest({ ...port, payload: this.#payload, proposer: this.#proposer });
    this.#handOver = new HandOver({ ...port, proposer: this.#proposer, rest: this.#rest });
  }

  /** Of the newest own block that is durable; 0 before the first. */
  get lastRound(): number {
    return this.#proposer.lastRound;
  }

  get deltaMs(): number {
    return this.#pacemaker.deltaMs;
  }

  get isResting(): boolean {
    return this.#rest.isResting;
  }

  /** Accepted blocks that carry something and are not committed. */
  get uncommitted(): number {
    return this.#payload.size;
  }

  get handOver(): HandOver {
    return this.#handOver;
  }

  /** A life begins at rest. */
  begin(): void {
    this.#rest.begin();
  }

  /** An own block is durable, of this life or an earlier one. */
  stand(block: Block): void {
    this.#proposer.stand(block);
  }

  accepted(block: Block): void {
    const { peers, orderer } = this.#port;
    const { author, round } = block.ref;
    this.#payload.accepted(block);
    if (round < this.lastRound) return;
    peers.inTime(author, orderer.leaderOf(round) === author);
  }

  /** Before a commit is applied. */
  deciding({ leader, blocks }: Commit): void {
    this.#rest.deciding(leader.round, this.#payload.isAmong(blocks));
  }

  committed({ blocks }: Commit): void {
    this.#payload.committed(blocks);
    this.#pacemaker.committed();
    this.#rest.committed();
  }

  /** The state is that of a commit of an earlier life. */
  resumed(): void {
    this.#rest.committed();
  }

  horizonMoved(horizon: number): void {
    this.#payload.horizonMoved(horizon);
  }

  wantsRounds(): boolean {
    return this.#rest.wantsRounds();
  }

  /** Nothing is scheduled but the heartbeat. */
  goToRest(): void {
    const { timers, out, clock } = this.#port;
    if (this.#rest.begin()) out.note({ what: 'rest', round: this.lastRound });
    this.#pacemaker.rested();
    timers.wantOrNot('leaderTimeout', undefined);
    timers.wantOrNot('minRoundDelay', undefined);
    const heartbeatMs = this.#rest.heartbeatMs();
    timers.wantOrNot(
      'heartbeat',
      heartbeatMs === undefined ? undefined : clock.whenMs(heartbeatMs),
    );
  }

  /** Gives what is to be said to the leader of the open slot, or wakes it, while nothing else is under way. */
  offer(): void {
    const hasReason = this.#port.pool.hasAny || this.#rest.isAsked;
    if (!this.#payload.isOpen && hasReason) this.#handOver.offer();
  }

  /** The own block whose time has come, if any. It may be sent when it is durable. */
  propose(): Block | undefined {
    const { clock, out, timers } = this.#port;
    const nextRound = this.#proposer.nextRound(this.#rest.roundMax);
    if (nextRound === undefined) return undefined;
    this.#pacemaker.enter(nextRound);
    const wait = this.#pacemaker.waitOf(this.#chain(nextRound));
    if (wait) {
      timers.want(wait.timer, wait.untilMs);
      return undefined;
    }
    this.#pacemaker.made(nextRound);
    const block = this.#proposer.make(nextRound, this.#rest.end());
    this.#madeAtMs = clock.runningMs;
    out.note({ what: 'proposed', ref: block.ref });
    return block;
  }

  /** After {@link propose} made none. True: nothing has moved for long, the others should be told. */
  watchProgress(): boolean {
    return this.#pacemaker.watchProgress(this.lastRound);
  }

  /** For who may not sign. True: it does not see the end of what it has seen begin. */
  watchOthers(): boolean {
    if (this.#payload.isOpen) return this.#pacemaker.watchProgress(0);
    this.stopWatching();
    return false;
  }

  stopWatching(): void {
    this.#port.timers.wantOrNot('leaderTimeout', undefined);
  }

  #chain(nextRound: number): OwnChain {
    return {
      madeAtMs: this.#madeAtMs,
      nextRound,
      needsShunned: this.#proposer.needsShunned(nextRound),
      pauseMs: this.#rest.pauseMs(),
    };
  }
}
