// Commits, and their digests (R5).
import { type Ref, refShape } from '@fatty/broadcast';
import { array, digest, encode, hash, record, type Shape, u32, u53 } from '@fatty/codec';
import type { Digest } from '@fatty/interface';

/** R5. One step of the total order, as its digest covers it. */
export interface CommitCore {
  /** From 1, going on across epochs. */
  readonly index: number;
  /** Digest of commit index − 1, also across epochs; the cell id before the first. */
  readonly prevDigest: Digest;
  readonly leader: Ref;
  /** Linearised (R19), the leader last. */
  readonly blocks: readonly Ref[];
  /** R20, ms since the Unix epoch, never falls. */
  readonly commitTs: number;
  /** R20, ms; starts at the genesisTs of the first epoch and advances at most leaseStepMsMax per commit. */
  readonly leaseClock: number;
  /** Horizon for the *next* commit, a round. */
  readonly horizon: number;
}

/** A step of the total order with its name. */
export interface Commit extends CommitCore {
  /** H of the canonical bytes of the core. */
  readonly digest: Digest;
}

/** A commit may take in all above the horizon: bounded by the decoder's size, not by count. */
const BLOCKS_HARD_MAX = 1 << 20;

/** Canonical bytes of a commit's core. */
export const commitShape: Shape<CommitCore> = record({
  index: u53,
  prevDigest: digest,
  leader: refShape,
  blocks: array(refShape, BLOCKS_HARD_MAX),
  commitTs: u53,
  leaseClock: u53,
  horizon: u32,
});

/** Names a commit by the hash of its core. */
export function sealCommit(core: CommitCore): Commit {
  return { ...core, digest: hash('commit', encode(commitShape, core)) };
}
