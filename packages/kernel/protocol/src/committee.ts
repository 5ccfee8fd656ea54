// Committee, limits and parameters of a cell (R1).
import {
  array,
  asCellId,
  encode,
  failure,
  hash,
  invariant,
  publicKey,
  record,
  type Shape,
  u16,
  u32,
  u53,
} from '@fatty/codec';
import type { CellId, Failure, PublicKey } from '@fatty/interface';

/** Cell-wide limits (protocol, Decisions: Limits). Bytes unless said otherwise. */
export interface Limits {
  readonly opBytesMax: number;
  readonly batchBytesMax: number;
  readonly batchOpsMax: number;
  readonly blockBytesMax: number;
  readonly blockOpsMax: number;
  readonly blockProofsMax: number;
  readonly fileBytesMax: number;
}

/** Parameters of an epoch (R1). Rounds and commits are counts; times are ms. */
export interface CellParams {
  /** V: support counts only from blocks at most this many rounds above. */
  readonly supportRoundsMax: number;
  /** G: garbage-collection depth in rounds, always > V. */
  readonly horizonRounds: number;
  /** W: an OpenSession's basis may be at most this many commits old. */
  readonly basisCommitsMax: number;
  /** Default lease (LEASE). */
  readonly leaseMs: number;
  /** STEP: the lease clock advances at most this much per commit. */
  readonly leaseStepMsMax: number;
  /** K: a checkpoint at least every so many commits; used once frames exist. */
  readonly checkpointCommits: number;
  /** Shortest and longest period a machine may declare (service: 1 s to 1 h). */
  readonly periodMsMin: number;
  readonly periodMsMax: number;
  readonly limits: Limits;
}

/** R1. Index order = sorted key bytes; n, f and q are derived, never encoded. */
export interface Committee {
  readonly epoch: number;
  readonly members: readonly PublicKey[];
  /** ms since the Unix epoch: time stamp of the virtual round-0 blocks. */
  readonly genesisTs: number;
  readonly params: CellParams;
}

/** Limits of a cell that names no others (PROTOCOL.md, Decisions). */
export const DEFAULT_LIMITS: Limits = {
  opBytesMax: 320 * 1024,
  batchBytesMax: 768 * 1024,
  batchOpsMax: 256,
  blockBytesMax: 1024 * 1024,
  blockOpsMax: 512,
  blockProofsMax: 4,
  fileBytesMax: 256 * 1024,
};

/** R11: what the ops of one block may weigh together, and so those of a batch. In ordinary ops. */
export const BLOCK_WEIGHT_MAX = 2048;

/** For up to 200 members; more need longer windows ({@link checkWindows}). */
export const DEFAULT_PARAMS: CellParams = {
  supportRoundsMax: 400,
  horizonRounds: 1000,
  basisCommitsMax: 10_000,
  leaseMs: 12_000,
  leaseStepMsMax: 2_000,
  checkpointCommits: 16,
  periodMsMin: 1_000,
  periodMsMax: 3_600_000,
  limits: DEFAULT_LIMITS,
};

/** Most members of a committee. */
export const MEMBERS_MAX = 256;

/** Canonical bytes of limits. */
export const limitsShape: Shape<Limits> = record({
  opBytesMax: u32,
  batchBytesMax: u32,
  batchOpsMax: u32,
  blockBytesMax: u32,
  blockOpsMax: u32,
  blockProofsMax: u32,
  fileBytesMax: u32,
});

/** Canonical bytes of parameters. */
export const paramsShape: Shape<CellParams> = record({
  supportRoundsMax: u32,
  horizonRounds: u32,
  basisCommitsMax: u32,
  leaseMs: u32,
  leaseStepMsMax: u32,
  checkpointCommits: u16,
  periodMsMin: u32,
  periodMsMax: u32,
  limits: limitsShape,
});

/** Canonical bytes of a committee; their hash is the cell id. */
export const committeeShape: Shape<Committee> = record({
  epoch: u32,
  members: array(publicKey, MEMBERS_MAX),
  genesisTs: u53,
  params: paramsShape,
});

/**
 * The key behind an index of this committee: what lasts longer than an epoch names members by it.
 * @throws InvariantError when there is no such member
 */
export function memberKey({ members }: Pick<Committee, 'members'>, index: number): PublicKey {
  const key = members[index];
  invariant(key !== undefined, 'an index is checked against its committee before');
  return key;
}

/** f = ⌊(n−1)/3⌋ liars are tolerated. */
export function faultsMax({ members }: Pick<Committee, 'members'>): number {
  return Math.floor((members.length - 1) / 3);
}

/** q = n − f: any two quorums meet in an honest member. */
export function quorum(committee: Pick<Committee, 'members'>): number {
  return committee.members.length - faultsMax(committee);
}

/**
 * Windows (protocol, Decisions): V ≥ 2n, so that every member leads twice while a block can gather
 * votes; G > V, or a delivered block may fall below the horizon uncommitted (R19). Undefined when
 * both hold. Code: `bad_windows`.
 */
export function checkWindows({ members, params }: Committee): Failure | undefined {
  const { supportRoundsMax: v, horizonRounds: g } = params;
  if (v < 2 * members.length) {
    return failure('bad_windows', `supportRoundsMax of at least ${2 * members.length}`, `${v}`);
  }
  if (g > v) return undefined;
  return failure('bad_windows', `horizonRounds above supportRoundsMax, ${v}`, `${g}`);
}

/** cellId = H(genesis committee bytes). */
export function cellIdOf(genesis: Committee): CellId {
  return asCellId(hash('cell', encode(committeeShape, genesis)));
}
