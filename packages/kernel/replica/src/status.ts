// What a replica shows of itself.
import type { Dag } from '@fatty/broadcast';
import type { Failure } from '@fatty/interface';
import type { Orderer } from '@fatty/order';
import type { Agenda, Committee } from '@fatty/protocol';
import type { Fetching } from './boundary/fetching.ts';
import type { OwnClock } from './cell/clock.ts';
import type { Frontier } from './cell/frontier.ts';
import type { Peers } from './cell/peers.ts';
import type { Convicted } from './evidence/dossier.ts';
import type { FramesStatus } from './frames/frames.ts';
import type { NodeState } from './node-state.ts';

/** Health and metrics of a replica at one moment; every count is bounded by the tuning. */
export interface ReplicaStatus extends FramesStatus {
  readonly state: NodeState;
  readonly epoch: number;
  /** What the commits of the epoch have said about the next one (R30). */
  readonly agenda: Agenda;
  /** Highest own round that was sent. */
  readonly round: number;
  readonly highestRound: number;
  /** Highest round with q distinct authors accepted. */
  readonly completeRound: number;
  /** Every leader slot up to this round is decided here. */
  readonly decidedRound: number;
  readonly horizon: number;
  /** Last commit applied; 0 before the first. */
  readonly commitIndex: number;
  /** ms since the Unix epoch. */
  readonly commitTs: number;
  readonly leaseClock: number;
  /** Blocks in memory. */
  readonly blocks: number;
  /** Bytes of those that are in memory with their bodies. */
  readonly bodyBytes: number;
  /** Valid blocks that wait for parents, time or a slow check. */
  readonly waiting: number;
  /** Missing parents being fetched. */
  readonly wanted: number;
  /** Own clients' batches that no own block carries yet. */
  readonly queued: number;
  /** Accepted blocks that carry something and are not committed. */
  readonly uncommitted: number;
  /** Delivered blocks that are not committed. */
  readonly delivered: number;
  /** By committee index: highest round heard of. */
  readonly peerRounds: readonly number[];
  readonly peersUp: readonly number[];
  /** How far the own clock is ahead of the host's wall clock, ms (R12a). */
  readonly clockAheadOfWallMs: number;
  /** By committee index: how far the member's clock is ahead of this host's, ms; undefined: not heard of. */
  readonly clockOffsetsMs: readonly (number | undefined)[];
  readonly deltaMs: number;
  /** Evidence that is here (R27b), one against each member, ascending. */
  readonly evidence: readonly Convicted[];
  readonly resting: boolean;
  readonly syncing: boolean;
  /** Set while a frame of others is being fetched (R29). */
  readonly fetching: Fetching | undefined;
  /** Enough others have said that they know no lost own block: it may sign (R26). */
  readonly vouched: boolean;
  /** Set when this replica may not sign any more (R26). */
  readonly observer: Failure | undefined;
  /** Set while the disk has too little room (R24). */
  readonly lack: Failure | undefined;
  /** Set when ordering stopped for good. */
  readonly halted: Failure | undefined;
}

/** What every role stands on. */
export interface CellPort {
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly dag: Dag;
  readonly frontier: Frontier;
  readonly me: number;
  readonly orderer: Orderer;
  readonly peers: Peers;
}

type CellStatus = Pick<
  ReplicaStatus,
  | 'epoch'
  | 'agenda'
  | 'highestRound'
  | 'completeRound'
  | 'decidedRound'
  | 'horizon'
  | 'commitIndex'
  | 'commitTs'
  | 'leaseClock'
  | 'blocks'
  | 'bodyBytes'
  | 'peerRounds'
  | 'peersUp'
  | 'clockAheadOfWallMs'
  | 'clockOffsetsMs'
>;

/** Blocks, order, peers and clock. */
export function cellStatus(port: CellPort): CellStatus {
  const { dag, orderer, peers, frontier, committee, clock, me } = port;
  const last = orderer.lastCommit;
  return {
    epoch: committee.epoch,
    agenda: orderer.agenda,
    highestRound: dag.highestRound,
    completeRound: frontier.completeRound,
    decidedRound: orderer.lastDecidedRound,
    horizon: dag.horizon,
    commitIndex: orderer.lastIndex,
    commitTs: last?.commitTs ?? committee.genesisTs,
    leaseClock: last?.leaseClock ?? dag.origin.leaseClock,
    blocks: dag.size,
    bodyBytes: dag.bodyBytes,
    peerRounds: peers.rounds,
    peersUp: peers.up,
    clockAheadOfWallMs: clock.aheadOfWallMs,
    clockOffsetsMs: committee.members.map((_, i) => (i === me ? 0 : clock.offsetMs(i))),
  };
}
