// What resumes a replica behind a commit, besides the state.
import { array, digest, encode, hash, record, type Shape, u16, u32, u53 } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { MEMBERS_MAX } from '@fatty/protocol';

/** What the order has last taken of an author: its highest round, and the stamp of that block. */
export interface AuthorSeen {
  /** 0: nothing yet. */
  readonly round: number;
  /** ms since the Unix epoch. */
  readonly ts: number;
}

/**
 * R27: what, with the state, is needed to go on behind a commit. The commits from `firstCommit` on, which
 * `commitDigest` names through their digests, say the rest: leader, times, horizon, committed blocks.
 */
export interface Frame {
  readonly epoch: number;
  readonly index: number;
  readonly commitDigest: Digest;
  /** The oldest commit that has blocks above the horizon. */
  readonly firstCommit: number;
  /** Members with evidence against them, ascending. */
  readonly convicted: readonly number[];
  /** By committee index. */
  readonly authors: readonly AuthorSeen[];
}

/** Canonical bytes of a frame. */
export const frameShape: Shape<Frame> = record({
  epoch: u32,
  index: u53,
  commitDigest: digest,
  firstCommit: u53,
  convicted: array(u16, MEMBERS_MAX),
  authors: array(record({ round: u32, ts: u53 }), MEMBERS_MAX),
});

/** H(frame), which votes name. */
export function frameRootOf(frame: Frame): Digest {
  return hash('frame', encode(frameShape, frame));
}
