import { type Block, Dag, type Ref } from '@fatty/broadcast';
import type { SignatureScheme, Signer } from '@fatty/codec';
import type { CellId, StateMachine } from '@fatty/interface';
import { Orderer } from '@fatty/order';
import { type Committee, faultsMax, quorum } from '@fatty/protocol';
import { Outbox, Timers } from './boundary/outbox.ts';
import { DEFAULT_TUNING, type Tuning } from './boundary/tuning.ts';
import { Bodies } from './catchup/bodies.ts';
import { Ranges } from './catchup/ranges.ts';
import { type ClockSample, OwnClock } from './cell/clock.ts';
import { Peers } from './cell/peers.ts';

/** What one replica is made of. */
export interface ReplicaConfig {
  readonly committee: Committee;
  readonly cellId: CellId;
  /** Own index in the committee. */
  readonly me: number;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  /** Fresh: the log is replayed into it. */
  readonly machine: StateMachine;
  readonly tuning?: Partial<Tuning>;
}

/** What the parts of a replica have in common: the DAG, the order, the clock of this step. */
export class Shared {
  readonly config: ReplicaConfig;
  readonly committee: Committee;
  readonly me: number;
  readonly quorum: number;
  readonly tuning: Tuning;
  readonly dag: Dag;
  readonly orderer: Orderer;
  readonly out: Outbox = new Outbox();
  readonly timers: Timers = new Timers(this.out);
  readonly peers: Peers;
  readonly ranges: Ranges;
  readonly bodies: Bodies = new Bodies(this);
  /** For stamps and what is measured against them; durations take `nowMs`. */
  readonly clock: OwnClock;
  /** Time of the event being handled: for durations, in ms, never falls. */
  nowMs = 0;
  /** Highest round of which q distinct authors' blocks are accepted; rounds below are complete too. */
  completeRound = 0;
  /** True in sync mode (R12). */
  syncing = false;

  constructor(config: ReplicaConfig) {
    this.config = config;
    this.committee = config.committee;
    this.me = config.me;
    this.quorum = quorum(config.committee);
    this.tuning = { ...DEFAULT_TUNING, ...config.tuning };
    this.dag = new Dag(config.committee, config.cellId);
    this.orderer = new Orderer(this.dag, config.committee);
    const members = config.committee.members.length;
    const faults = faultsMax(config.committee);
    this.peers = new Peers(members, config.me, faults);
    this.clock = new OwnClock(members, faults, this.tuning.tsAheadMsMax / 2);
    this.ranges = new Ranges(members, this.out);
  }

  /** An event begins. */
  tick(sample: ClockSample): void {
    this.clock.sample(sample);
    this.nowMs = this.clock.runningMs;
    this.timers.shiftMs = Math.floor(sample.nowMs) - this.nowMs;
  }

  /** When, in the time of durations, the own clock will have come to `clockMs` + `byMs`. */
  whenClockIs(clockMs: number | undefined, byMs = 0): number | undefined {
    return clockMs === undefined ? undefined : this.nowMs + clockMs + byMs - this.clock.nowMs;
  }

  /** A block that its author signed, of whatever use. True: the own clock came on by it (R12a). */
  heard({ ref, header }: Block): boolean {
    this.peers.signed(ref.author, ref.round);
    return ref.author !== this.me && this.clock.signed(ref.author, header.ts);
  }

  /**
   * R12: shunning is this replica's opinion. Until the others share it they build on the author's
   * blocks, so the first `shunnedTakenMax`, one a slot, are taken as if nothing had been said.
   */
  isForgiven({ author, round }: Ref): boolean {
    if (this.peers.isOver(author) || this.dag.primary(author, round) !== undefined) return false;
    return this.peers.forgive(author, this.tuning.shunnedTakenMax);
  }

  /** Distinct authors of accepted blocks of a round, ascending. */
  authorsAt(round: number): readonly number[] {
    const authors: number[] = [];
    for (let author = 0; author < this.committee.members.length; author++) {
      if (this.dag.primary(author, round)) authors.push(author);
    }
    return authors;
  }

  /** Call after the DAG grew or its horizon moved. True when the complete round moved. */
  refreshComplete(): boolean {
    const before = this.completeRound;
    this.completeRound = Math.max(before, this.dag.horizon);
    while (this.completeRound < this.dag.highestRound) {
      if (this.authorsAt(this.completeRound + 1).length < this.quorum) break;
      this.completeRound++;
    }
    return this.completeRound > before;
  }
}
