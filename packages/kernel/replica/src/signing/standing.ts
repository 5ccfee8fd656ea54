// Whether this replica may sign.
import type { Dag, Ref } from '@fatty/broadcast';
import { failure } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import { type Committee, quorum } from '@fatty/protocol';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { Neighbours } from '../catchup/neighbours.ts';
import type { Ranges } from '../catchup/ranges.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Hearers } from '../cell/hearers.ts';
import type { Peers } from '../cell/peers.ts';
import type { Persistence } from './persistence.ts';

/** What Standing needs of its replica. */
export interface StandingPort {
  readonly me: number;
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly dag: Dag;
  readonly hearers: Hearers;
  readonly neighbours: Neighbours;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly persistence: Persistence;
  readonly ranges: Ranges;
  readonly timers: Timers;
  readonly tuning: Tuning;
}

/**
 * Whether this replica may sign (R26). Before its first own block of a life, q − 1 others must have
 * said, over their own links, that they know no block of its key beyond its log: its disk cannot
 * tell that the whole of it was lost or is old.
 *
 * Why q − 1. More cannot be waited for: f others may be down. That many is enough to find every
 * block that reached all honest replicas, since of q − 1 > f who answer one is honest. And it is
 * enough to find every delivered block, when the replica that forgot is counted among the f faulty
 * ones. Then at most f − 1 others lie. A delivered block has q supporters, so at least
 * (q − 1) − (f − 1) = n − 2f others are honest and hold it, in their logs too (R24). Of q − 1 who
 * answer at least n − 2f are honest as well. There are at most n − f honest others, and
 * 2(n − 2f) > n − f because n > 3f: one of those who answer holds it.
 *
 * A word alone makes no observer, or one liar could silence anybody: a peer that claims to know
 * more is asked for the block, and is waited for a bounded time.
 */
export class Standing {
  readonly #port: StandingPort;
  readonly #vouchersMin: number;
  /** Peers that know no own block beyond the log. */
  readonly #vouchers = new Set<number>();
  /** Peers that claim to know one, and how long they are waited for. */
  readonly #claims = new Map<number, number>();
  /** And the round that they claim to know it of. */
  readonly #claimed = new Map<number, number>();
  #vouched = false;
  #askAgainMs = 0;
  /** Own blocks above this round are of this life, and younger than the newest link. */
  #currentAbove = Number.POSITIVE_INFINITY;
  #ownCommitted = false;
  /** Own blocks up to this round are known to others as they are known here. */
  #sharedRound = 0;
  /** By peer: the highest own round that it has shown as it is known here. */
  readonly #shown = new Map<number, number>();
  #observer: Failure | undefined;
  #lack: Failure | undefined;
  #halted: Failure | undefined;

  constructor(port: StandingPort) {
    this.#port = port;
    this.#vouchersMin = quorum(port.committee) - 1;
  }

  /** Why this replica only watches. */
  get observer(): Failure | undefined {
    return this.#observer;
  }

  /** Why ordering stopped for good. */
  get halted(): Failure | undefined {
    return this.#halted;
  }

  /** As the status of the replica has it. */
  get status(): {
    readonly vouched: boolean;
    readonly observer: Failure | undefined;
    readonly halted: Failure | undefined;
    readonly lack: Failure | undefined;
  } {
    const [observer, halted, lack] = [this.#observer, this.#halted, this.#lack];
    return { vouched: this.#vouched, observer, halted, lack };
  }

  /** Why clients are refused, if they are. */
  get refusal(): Failure | undefined {
    return this.#halted ?? this.#observer ?? this.#lack;
  }

  /** R24: the disk has too little room to write what would be accepted. */
  get lacksRoom(): boolean {
    return this.#lack !== undefined;
  }

  /** The room on the disk is too little, for this reason, or enough. */
  room(lack: Failure | undefined): void {
    this.#lack = lack;
  }

  /** The first own block of this life may be made. */
  get isVouched(): boolean {
    return this.#vouched;
  }

  /**
   * R32b: committed state holds everything that this replica told anybody in an earlier life. What it had
   * applied then need not be in its log, so it knows by an own block of this life that is committed:
   * every commit of an earlier life was fixed before that block was made.
   */
  get isCurrent(): boolean {
    return this.#ownCommitted && this.refusal === undefined;
  }

  /** A life begins. `lastOwnRound`: of the log; `flaw`: why it makes this replica an observer. */
  begin(lastOwnRound: number, flaw: Failure | undefined): void {
    this.#currentAbove = lastOwnRound;
    this.#sharedRound = lastOwnRound;
    this.#port.hearers.begin(lastOwnRound);
    if (flaw) this.observe(flaw);
  }

  committed(blocks: readonly Ref[]): void {
    const { me } = this.#port;
    this.#ownCommitted ||= blocks.some(
      ({ author, round }) => author === me && round > this.#currentAbove,
    );
  }

  observe(flaw: Failure): void {
    if (this.#observer) return;
    this.#observer = flaw;
    this.#port.hearers.close();
    this.#port.out.note({ what: 'observer', failure: flaw });
  }

  halt(round: number): void {
    if (this.#halted) return;
    const flaw = failure('contradiction', 'one certified block per slot', `two in round ${round}`);
    this.#halted = flaw;
    this.#port.out.push({ kind: 'halt', failure: flaw });
  }

  /** A block with the own key that the DAG does not have. */
  ownHeard(ref: Ref): void {
    const last = this.#port.persistence.durableRound;
    // An old one of the log, from somebody who answers with whole rounds.
    if (ref.round <= Math.min(last, this.#port.dag.horizon)) return;
    const known = `at most round ${last}`;
    this.observe(failure('own_key_heard', known, `round ${ref.round} by another`));
  }

  /**
   * A link came up. Between two links the memory may have been put back, so everybody's word is asked
   * for again, and what was told since is unknown until an own block made from now on is committed.
   */
  linkUp(peer: number): void {
    const { hearers, neighbours, peers, persistence } = this.#port;
    hearers.linkUp(peer);
    if (!this.#vouched) return;
    this.#ownCommitted = false;
    this.#currentAbove = Math.max(this.#currentAbove, persistence.writtenRound);
    const others = peers.up.filter((other) => other !== peer);
    neighbours.tell(others, true);
  }

  linkDown(peer: number): void {
    this.#shown.delete(peer);
    this.#claimed.delete(peer);
    this.#port.hearers.linkDown(peer);
  }

  /** Somebody's accepted block stands on own blocks: they have left as they are known here. */
  referenced(parents: readonly Ref[]): void {
    for (const { author, round } of parents) {
      if (author === this.#port.me) this.#sharedRound = Math.max(this.#sharedRound, round);
    }
  }

  /** A peer has an own block, the very one that is known here. */
  shown(peer: number, round: number): void {
    this.#shown.set(peer, Math.max(this.#shown.get(peer) ?? 0, round));
    const claimed = this.#claimed.get(peer);
    if (claimed !== undefined) this.told(peer, claimed);
  }

  /** What a peer knows of the own key. */
  told(peer: number, yourRound: number): void {
    const { clock, hearers } = this.#port;
    if (this.#vouched && !hearers.isIncomplete) return;
    if (yourRound > Math.max(this.#sharedRound, this.#shown.get(peer) ?? 0)) {
      return this.#doubt(peer, yourRound);
    }
    // R12a: who signs before it has heard the others' clocks may stamp its chain with a wrong one.
    if (clock.offsetMs(peer) === undefined) return;
    if (this.#claimed.delete(peer)) this.#claims.set(peer, 0);
    this.#vouchers.add(peer);
    hearers.vouchedBy(peer);
    this.#judge();
  }

  /** It may know an own block that this replica never made: it is to show it. */
  #doubt(peer: number, yourRound: number): void {
    const { clock, hearers, ranges, tuning } = this.#port;
    this.#vouchers.delete(peer);
    this.#claimed.set(peer, yourRound);
    hearers.doubtedBy(peer);
    if (!this.#claims.has(peer)) this.#claims.set(peer, clock.runningMs + tuning.claimWaitMs);
    ranges.ask(peer, yourRound, yourRound);
  }

  /** True when the others have vouched; asks them again while they have not. */
  seekVouchers(): boolean {
    const { hearers } = this.#port;
    this.#judge();
    if (!this.#vouched || hearers.isIncomplete) this.#askAgain();
    return this.#vouched && hearers.count >= this.#vouchersMin;
  }

  get #claimedUntilMs(): number {
    return Math.max(0, ...this.#claims.values());
  }

  #judge(): void {
    const nowMs = this.#port.clock.runningMs;
    if (nowMs < this.#claimedUntilMs) return;
    this.#vouched ||= this.#vouchers.size >= this.#vouchersMin;
    for (const peer of this.#port.hearers.admit()) this.#port.neighbours.mayHear(peer);
  }

  #askAgain(): void {
    const nowMs = this.#port.clock.runningMs;
    const { timers, tuning, peers } = this.#port;
    if (nowMs < this.#claimedUntilMs) timers.want('fetchRetry', this.#claimedUntilMs);
    const silent = peers.up.filter((peer) => this.#vouched || !this.#vouchers.has(peer));
    if (silent.length === 0) return;
    if (nowMs >= this.#askAgainMs) {
      // The first question went out when the link came up.
      if (this.#askAgainMs > 0) {
        this.#port.neighbours.tellClock(silent, true);
        this.#port.neighbours.tell(silent, true);
      }
      this.#askAgainMs = nowMs + 5 * tuning.fetchRetryMs;
    }
    timers.want('fetchRetry', this.#askAgainMs);
  }
}
