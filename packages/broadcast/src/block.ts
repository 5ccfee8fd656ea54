import { type KeepAlive, keepAliveShape, type SignedBatch, signedBatchShape } from '@fatty/api';
import {
  array,
  bool,
  bytes,
  cellId,
  compareBytes,
  digest,
  hash,
  record,
  type Shape,
  signature,
  signedBytes,
  toHex,
  u16,
  u32,
  u53,
} from '@fatty/codec';
import type { CellId, Digest, Signature } from '@fatty/interface';

/** R2. A block's name; slot = (author, round). */
export interface Ref {
  readonly round: number;
  readonly author: number;
  readonly digest: Digest;
}

/** R4. The signed part of a block. `ts` is ms since the Unix epoch. */
export interface Header {
  readonly cellId: CellId;
  readonly epoch: number;
  readonly round: number;
  readonly author: number;
  readonly ts: number;
  readonly seal: boolean;
  readonly parents: readonly Ref[];
  readonly bodyHash: Digest;
}

/** Two signed headers of one slot: proof that their author contradicts itself. Headers only, so it always fits. */
export interface Evidence {
  readonly a: SignedHeader;
  readonly b: SignedHeader;
}

export interface SignedHeader {
  readonly header: Uint8Array;
  readonly sig: Signature;
}

/** R4. What a block carries. `commitVotes` and `coinShare` are part of the form and empty until frames and coins exist. */
export interface Body {
  readonly batches: readonly SignedBatch[];
  readonly keepAlives: readonly KeepAlive[];
  readonly commitVotes: readonly Uint8Array[];
  readonly evidence: readonly Evidence[];
  readonly coinShare: readonly Uint8Array[];
}

/** What travels: received bytes are hashed, never re-encodings. */
export interface SignedBlock {
  readonly header: Uint8Array;
  readonly sig: Signature;
  readonly body: Uint8Array;
}

const PARENTS_MAX = 256;
const BYTES_HARD_MAX = 4 * 1024 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;

export const refShape: Shape<Ref> = record({ round: u32, author: u16, digest });

export const headerShape: Shape<Header> = record({
  cellId,
  epoch: u32,
  round: u32,
  author: u16,
  ts: u53,
  seal: bool,
  parents: array(refShape, PARENTS_MAX),
  bodyHash: digest,
});

export const signedHeaderShape: Shape<SignedHeader> = record({
  header: bytes(HEADER_BYTES_MAX),
  sig: signature,
});

export const evidenceShape: Shape<Evidence> = record({
  a: signedHeaderShape,
  b: signedHeaderShape,
});

export const bodyShape: Shape<Body> = record({
  batches: array(signedBatchShape, 512),
  keepAlives: array(keepAliveShape, 4096),
  commitVotes: array(bytes(512), 64),
  evidence: array(evidenceShape, 64),
  coinShare: array(bytes(512), 1),
});

export const signedBlockShape: Shape<SignedBlock> = record({
  header: bytes(HEADER_BYTES_MAX),
  sig: signature,
  body: bytes(BYTES_HARD_MAX),
});

/** A block's digest covers the header only, which names the body by hash. */
export function headerDigest(header: Uint8Array): Digest {
  return hash('block', header);
}

export function bodyDigest(body: Uint8Array): Digest {
  return hash('body', body);
}

/** The bytes a block's signature covers. */
export function headerMessage(cell: CellId, header: Uint8Array): Uint8Array {
  return signedBytes('block', cell, header);
}

/** Total order on refs (R2): round, author, digest. */
export function compareRefs(a: Ref, b: Ref): number {
  return a.round - b.round || a.author - b.author || compareBytes(a.digest, b.digest);
}

/** Map key of a ref. The digest alone names a block. */
export function refKey(ref: Ref): string {
  return toHex(ref.digest);
}
