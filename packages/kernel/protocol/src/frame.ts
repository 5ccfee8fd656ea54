// What resumes a replica behind a commit, besides the state.
import {
  array,
  digest,
  encode,
  hash,
  optional,
  record,
  type Shape,
  u16,
  u32,
  u53,
} from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { type Agenda, agendaShape } from './agenda.ts';
import { type Committee, committeeShape, MEMBERS_MAX } from './committee.ts';

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
  /** What the epoch has said about the next one. */
  readonly agenda: Agenda;
  /** Of the last commit of an epoch only. */
  readonly end: EpochEnd | undefined;
  /** At a copy point only: the bytes that bring another replica here. */
  readonly copy: FrameCopy | undefined;
}

/**
 * R28: the payload of a frame, which is the commits from `firstCommit` on and then the snapshot of the state. It is
 * cut into chunks of `chunkBytes`, the last of what is left; {@link chunkDigestOf} names each.
 */
export interface FrameCopy {
  readonly commitsBytes: number;
  readonly stateBytes: number;
  readonly chunkBytes: number;
  readonly chunks: readonly Digest[];
}

/** Chunks of one payload: with chunks of 256 KiB, 4 GiB. A frame that names them all fits a message. */
export const CHUNKS_MAX = 16_384;

/** What the next epoch begins with. Its genesisTs is the commitTs of the last commit. */
export interface EpochEnd {
  /** Of the last commit, ms. */
  readonly leaseClock: number;
  readonly next: Committee;
}

/** Canonical bytes of a frame. */
export const frameShape: Shape<Frame> = record<Frame>({
  epoch: u32,
  index: u53,
  commitDigest: digest,
  firstCommit: u53,
  convicted: array(u16, MEMBERS_MAX),
  authors: array(record<AuthorSeen>({ round: u32, ts: u53 }), MEMBERS_MAX),
  agenda: agendaShape,
  end: optional(record<EpochEnd>({ leaseClock: u53, next: committeeShape })),
  copy: optional(
    record<FrameCopy>({
      commitsBytes: u53,
      stateBytes: u53,
      chunkBytes: u32,
      chunks: array(digest, CHUNKS_MAX),
    }),
  ),
});

/** H(frame), which votes name. */
export function frameRootOf(frame: Frame): Digest {
  return hash('frame', encode(frameShape, frame));
}

/** H(chunk), which a frame names. */
export function chunkDigestOf(chunk: Uint8Array): Digest {
  return hash('frame-chunk', chunk);
}
