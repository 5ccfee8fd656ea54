// Blocks and their bytes (R2, R4).
import {
  array,
  bool,
  bytes,
  cellId,
  compareBytes,
  digest,
  equalBytes,
  hash,
  opaque,
  record,
  type Shape,
  signature,
  signedBytes,
  toHex,
  u16,
  u32,
  u53,
  viewBytes,
} from '@fatty/codec';
import type { CellId, Digest, Signature, Unsigned } from '@fatty/interface';
import {
  type Batch,
  type SignedBatch,
  STATEMENT_BYTES_MAX,
  type Statement,
  signedBatchShape,
} from '@fatty/protocol';
import { UNSIGNED_MAX } from './unsigned.ts';

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

/**
 * Proof that an author is faulty: two signed headers of one slot, or of two slots with the later
 * block's own parent below both, or (a = b) one signed header that is invalid by itself. Headers
 * only, so it always fits.
 */
export interface Evidence {
  readonly a: SignedHeader;
  readonly b: SignedHeader;
}

/** The bytes of a header and the signature over them. */
export interface SignedHeader {
  readonly header: Uint8Array;
  readonly sig: Signature;
}

/**
 * R4. What a block carries. `unsigned`: at most {@link UNSIGNED_MAX} messages of the algorithm, one
 * about each thing, ascending by it; batches of at most {@link CLIENT_KEYS_MAX} distinct client keys. `statements`: what is
 * said about the next epoch (R30), as signed statements, ascending by bytes.
 */
export interface Body {
  readonly batches: readonly SignedBatch[];
  readonly unsigned: readonly Uint8Array[];
  readonly statements: readonly Uint8Array[];
  readonly evidence: readonly Evidence[];
  /** Reserved for the coin of an asynchronous order (R18); empty until that is built. */
  readonly coinShare: readonly Uint8Array[];
}

/** What travels: received bytes are hashed, never re-encodings. */
export interface SignedBlock {
  readonly header: Uint8Array;
  readonly sig: Signature;
  readonly body: Uint8Array;
}

/** A batch whose form holds, its ops closed. */
export interface ClosedBatch {
  readonly id: Digest;
  readonly batch: Batch;
  readonly signed: SignedBatch;
}

/** A batch as a block carries it, its ops opened. */
export interface CarriedBatch extends ClosedBatch {
  /** One for each op, whatever the algorithm makes of its bytes. */
  readonly opened: readonly unknown[];
}

/** What the order and evidence need of a block: it stays in memory when the body has left (R12). */
export interface BlockHead {
  readonly ref: Ref;
  readonly header: Header;
  readonly signed: SignedHeader;
}

/**
 * A block that passed `checkBlock`, or that this replica signed: every form of it at hand. The
 * payload is there once: body, batches and ops are views of `bytes`.
 */
export interface Block extends BlockHead {
  readonly signed: SignedBlock;
  /** Canonical bytes of `signed`. */
  readonly bytes: Uint8Array;
  readonly body: Body;
  readonly batches: readonly CarriedBatch[];
  /** Of the body, opened. */
  readonly unsigned: readonly Unsigned[];
  /** Of the body, opened. */
  readonly statements: readonly Statement[];
}

/** R2. A place in the DAG; an honest author fills it at most once. */
export interface Slot {
  readonly author: number;
  readonly round: number;
}

const PARENTS_MAX = 256;
const BYTES_HARD_MAX = 4 * 1024 * 1024;
/** Most bytes of a header. */
export const HEADER_BYTES_MAX: number = 16 * 1024;
/**
 * R11: admitting a key that a replica has not seen costs it about ten signatures. A constant and not
 * a committee parameter, as it bounds work alone: no cell needs another.
 */
export const CLIENT_KEYS_MAX = 64;

/** Canonical bytes of a ref. */
export const refShape: Shape<Ref> = record({ round: u32, author: u16, digest });

/** Canonical bytes of a header. */
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

/** Canonical bytes of a signed header. */
export const signedHeaderShape: Shape<SignedHeader> = record({
  header: bytes(HEADER_BYTES_MAX),
  sig: signature,
});

/** Canonical bytes of evidence. */
export const evidenceShape: Shape<Evidence> = record({
  a: signedHeaderShape,
  b: signedHeaderShape,
});

/** Canonical bytes of a body. The bounds here are the widest; {@link checkBlock} holds the cell's. */
export const bodyShape: Shape<Body> = record({
  batches: array(signedBatchShape, 512),
  unsigned: array(opaque, UNSIGNED_MAX),
  statements: array(bytes(STATEMENT_BYTES_MAX), 64),
  evidence: array(evidenceShape, 64),
  coinShare: array(bytes(512), 1),
});

/** Canonical bytes of a signed block; its body is a view of the input. */
export const signedBlockShape: Shape<SignedBlock> = record({
  header: bytes(HEADER_BYTES_MAX),
  sig: signature,
  body: viewBytes(BYTES_HARD_MAX),
});

/** A block's digest covers the header only, which names the body by hash. */
export function headerDigest(header: Uint8Array): Digest {
  return hash('block', header);
}

/** H(body bytes), by which a header names its body. */
export function bodyDigest(body: Uint8Array): Digest {
  return hash('body', body);
}

/** The bytes a block's signature covers. */
export function headerMessage(cell: CellId, header: Uint8Array): Uint8Array {
  return signedBytes('block', cell, header);
}

/**
 * The virtual block of an author at round 0 of an epoch: digest H(root ‖ author), where `root` is that of the
 * epoch's origin (R31), in the first epoch the cell id. It has no bytes, is never fetched and never committed.
 */
export function virtualRef(root: Uint8Array, author: number): Ref {
  const index = Uint8Array.of(author >> 8, author & 0xff);
  return { round: 0, author, digest: hash('virtual', root, index) };
}

/** Total order on refs (R2): round, author, digest. */
export function compareRefs(a: Ref, b: Ref): number {
  return a.round - b.round || a.author - b.author || compareBytes(a.digest, b.digest);
}

const keys = new WeakMap<Digest, string>();

/** Map key of a ref. The digest alone names a block. Computed once per digest object. */
export function refKey(ref: Ref): string {
  let key = keys.get(ref.digest);
  if (key === undefined) {
    key = toHex(ref.digest);
    keys.set(ref.digest, key);
  }
  return key;
}

/** Whether two refs name one block. */
export function sameRef(a: Ref, b: Ref): boolean {
  return a.round === b.round && a.author === b.author && equalBytes(a.digest, b.digest);
}
