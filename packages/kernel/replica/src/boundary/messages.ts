// What replicas say to one another.
import { type Accusation, accusationShape, type Ref, refShape } from '@fatty/broadcast';
import {
  array,
  bool,
  bytes,
  decode,
  encode,
  optional,
  record,
  type Shape,
  u32,
  u53,
  union,
} from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import {
  type Cert,
  certShape,
  type EpochLink,
  epochLinkShape,
  type Frame,
  frameShape,
  type SignedBatch,
  type SignedVote,
  STATEMENT_BYTES_MAX,
  signedBatchShape,
  signedVoteShape,
} from '@fatty/protocol';

/** Refs in one question. */
export const REFS_MAX = 64;
/** Batches handed over in one message, and by one peer for one round. */
export const HANDED_MAX = 64;
/** Larger batches are not handed over: sending them twice costs more than a round. Bytes. */
export const HANDED_BYTES_MAX: number = 16 * 1024;
/** What a message may hold beyond the one block that always fits. Bytes. */
const ENVELOPE_BYTES = 64 * 1024;
/** A frame that names as many chunks as one can, and a chunk, fit in messages however small blocks are. */
const FRAME_BYTES_MAX = 1024 * 1024;
const CHUNK_BYTES_MAX = 256 * 1024;
/** Tags; they are the second byte of a message. */
const FRAME = 12;
const CHUNK = 14;
const BLOCKS_MAX = 4096;
const BYTES_HARD_MAX = 4 * 1024 * 1024;

/** Links of the chain of epochs in one message. */
export const LINKS_MAX = 16;

/** How far its sender is. Sent when a link comes up and when nothing moves; `ask` wants one back. */
export interface Status {
  /** In which the sender is: the rounds below are of it, and say nothing to somebody in another. */
  readonly epoch: number;
  /** Highest own round that was sent (R24); 0 before the first. */
  readonly lastOwnRound: number;
  /** Highest accepted round. */
  readonly highestRound: number;
  readonly commitIndex: number;
  /** Highest round of a block with the receiver's signature that the sender has seen (R26); or 0. */
  readonly yourRound: number;
  readonly ask: boolean;
}

/**
 * What replicas say to one another. `block` and `blocks` are SignedBlock bytes.
 * `rounds` answers `getRounds` with every accepted block of those rounds, ascending, in one or
 * more messages; `last` is on the final one. `handOver` gives batches to the leader of the open
 * round; without any it only wakes.
 */
export type PeerMessage =
  | { readonly kind: 'push'; readonly block: Uint8Array }
  | { readonly kind: 'getBlocks'; readonly refs: readonly Ref[] }
  | { readonly kind: 'blocks'; readonly blocks: readonly Uint8Array[] }
  | { readonly kind: 'getRounds'; readonly from: number; readonly to: number }
  | {
      readonly kind: 'rounds';
      readonly from: number;
      readonly to: number;
      readonly blocks: readonly Uint8Array[];
      readonly last: boolean;
    }
  | ({ readonly kind: 'status' } & Status)
  /** R12a: where the sender's own clock leads it, ms since the Unix epoch; `ask` wants one back. */
  | { readonly kind: 'clock'; readonly ms: number; readonly ask: boolean }
  | { readonly kind: 'handOver'; readonly round: number; readonly batches: readonly SignedBatch[] }
  /** R27: a member's word on a checkpoint, from itself or passed on. */
  | { readonly kind: 'vote'; readonly vote: SignedVote }
  /** R27: the sender's newest certificate. */
  | { readonly kind: 'cert'; readonly cert: Cert }
  /** R31: asks for the links that end epoch `from` and those after it. */
  | { readonly kind: 'getLinks'; readonly from: number }
  /** R31: as many as one message takes, ascending. */
  | { readonly kind: 'links'; readonly links: readonly EpochLink[] }
  /** R29: the newest frame on disk is wanted, if it is of a commit above this one. */
  | { readonly kind: 'getFrame'; readonly above: number }
  /** Answers `getFrame`. `fromRound`: the sender has every block from this round on. */
  | {
      readonly kind: 'frame';
      readonly fromRound: number;
      readonly offer: OfferedFrame | undefined;
    }
  /** R29: chunk `n` of the frame of commit `index`. */
  | { readonly kind: 'getChunk'; readonly index: number; readonly n: number }
  /** Answers `getChunk`; without bytes: the sender does not have that frame any more. */
  | {
      readonly kind: 'chunk';
      readonly index: number;
      readonly n: number;
      readonly bytes: Uint8Array;
    }
  /** R27b: evidence that convicts a member, once for each. */
  | { readonly kind: 'accusation'; readonly accusation: Accusation }
  /** R30: of who would become a member, a signed ready; members carry it. */
  | { readonly kind: 'statement'; readonly statement: Uint8Array };

/** A frame and what proves it; its payload comes by chunks. */
export interface OfferedFrame {
  readonly frame: Frame;
  readonly cert: Cert;
}

const blockBytes = bytes(BYTES_HARD_MAX);

/** Canonical bytes of a message. Tags are wire format: never reused, never renumbered. */
export const peerMessageShape: Shape<PeerMessage> = union<PeerMessage>({
  push: [1, record({ block: blockBytes })],
  getBlocks: [2, record({ refs: array(refShape, REFS_MAX) })],
  blocks: [3, record({ blocks: array(blockBytes, BLOCKS_MAX) })],
  getRounds: [4, record({ from: u32, to: u32 })],
  rounds: [5, record({ from: u32, to: u32, blocks: array(blockBytes, BLOCKS_MAX), last: bool })],
  status: [
    6,
    record({
      epoch: u32,
      lastOwnRound: u32,
      highestRound: u32,
      commitIndex: u53,
      yourRound: u32,
      ask: bool,
    }),
  ],
  clock: [7, record({ ms: u53, ask: bool })],
  handOver: [8, record({ round: u32, batches: array(signedBatchShape, HANDED_MAX) })],
  vote: [9, record({ vote: signedVoteShape })],
  cert: [10, record({ cert: certShape })],
  getLinks: [15, record({ from: u32 })],
  links: [16, record({ links: array(epochLinkShape, LINKS_MAX) })],
  getFrame: [11, record({ above: u53 })],
  frame: [
    FRAME,
    record({
      fromRound: u32,
      offer: optional(record<OfferedFrame>({ frame: frameShape, cert: certShape })),
    }),
  ],
  getChunk: [13, record({ index: u53, n: u32 })],
  chunk: [CHUNK, record({ index: u53, n: u32, bytes: bytes(CHUNK_BYTES_MAX) })],
  accusation: [17, record({ accusation: accusationShape })],
  statement: [18, record({ statement: bytes(STATEMENT_BYTES_MAX) })],
});

/** Canonical bytes of a message, as one frame. */
export function encodeMessage(message: PeerMessage): Uint8Array {
  return encode(peerMessageShape, message);
}

/** Codes of `decode`. */
export function decodeMessage(input: Uint8Array, blockBytesMax: number): Outcome<PeerMessage> {
  const isOfFrame = input[1] === FRAME || input[1] === CHUNK;
  const bytesMax = isOfFrame ? Math.max(blockBytesMax, FRAME_BYTES_MAX) : blockBytesMax;
  return decode(peerMessageShape, input, bytesMax + ENVELOPE_BYTES);
}

/** Cuts blocks into runs that fit one message: at least one block, at most `bytesMax` together. */
export function inMessages(
  blocks: readonly Uint8Array[],
  bytesMax: number,
): readonly (readonly Uint8Array[])[] {
  const runs: Uint8Array[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const block of blocks) {
    // A byte string's own head is at most five bytes.
    const cost = block.length + 5;
    const run = runs[runs.length - 1];
    if (run === undefined || size + cost > bytesMax || run.length === BLOCKS_MAX) {
      runs.push([block]);
      size = cost;
    } else {
      run.push(block);
      size += cost;
    }
  }
  return runs;
}
