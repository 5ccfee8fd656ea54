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
}

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
});

/** H(frame), which votes name. */
export function frameRootOf(frame: Frame): Digest {
  return hash('frame', encode(frameShape, frame));
}
