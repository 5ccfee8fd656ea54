// What a node of the namespace holds, and its canonical bytes.
import {
  array,
  bool,
  bytes,
  digest,
  hash,
  oneToOne,
  optional,
  publicKey,
  record,
  type Shape,
  sha256,
  u8,
  u53,
} from '@fatty/codec';
import type { Digest, Position, PublicKey } from '@fatty/interface';
import { type OpId, opId } from './op-id.ts';
import { SEGMENT_BYTES_MAX, type Segment } from './path.ts';

/** What a node is. */
export type NodeKind = 'directory' | 'file';
/** `shared`: concurrent writes stay as siblings. `guarded`: one content, ordered writes only. */
export type ContentMode = 'shared' | 'guarded';

/** Where and when something was committed. */
export interface Stamp {
  readonly position: Position;
  /** Agreed time of the commit (R20), ms. */
  readonly timeMs: number;
}

/** One create that still stands. An ephemeral one goes with the session of its id. */
export interface NodeDot {
  readonly id: OpId;
  readonly owner: PublicKey;
  readonly ephemeral: boolean;
}

/** One of several concurrent contents; `position` is missing while its write is pending. */
export interface Sibling {
  readonly id: OpId;
  readonly position: Position | undefined;
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`. */
  readonly checksum: Digest;
}

/** A sibling as the record of its node has it: the content stands there as its checksum and size. */
export interface SiblingMark {
  readonly id: OpId;
  readonly position: Position | undefined;
  /** SHA-256 of the content. */
  readonly checksum: Digest;
  /** Of the content, bytes. */
  readonly size: number;
}

/** As the record of a node has who may do what there: the digest alone. */
export interface AclMark {
  /** H(`acl` ‖ bytes). */
  readonly digest: Digest;
}

/** Who may do what at a node, in the bytes of whoever owns the tree; nodes that inherited one share it. */
export interface NodeAcl extends AclMark {
  readonly bytes: Uint8Array;
}

/** With its digest. */
export function nodeAcl(acl: Uint8Array): NodeAcl {
  return { bytes: acl, digest: hash('acl', acl) };
}

/**
 * What a node carries besides its place. Missing positions mean: pending (delivered view only). `C`: what
 * stands for a content, `A`: for who may do what.
 */
export interface NodeBody<T, C = Sibling, A = NodeAcl> {
  /** Id of the create that made the node; it stays when that dot goes and others stand. */
  readonly id: OpId;
  readonly owner: PublicKey;
  readonly kind: NodeKind;
  readonly mode: ContentMode;
  /** Never empty, except at the root; ascending by id. */
  readonly dots: readonly NodeDot[];
  readonly created: Stamp | undefined;
  readonly modified: Stamp | undefined;
  /** Position of the last write. Like every generation it grows for the life of the path. */
  readonly contentGen: Position | undefined;
  readonly lockGen: Position | undefined;
  /** Of the create, or of the last change of `acl`. */
  readonly aclGen: Position | undefined;
  /** The parent's at the create, until it is changed. Undefined: nobody ever restricted anything here. */
  readonly acl: A | undefined;
  /** By position, pending ones after by id. The first is the one shown. */
  readonly siblings: readonly C[];
  /** Owned by the service: what stands here besides a content. */
  readonly slot: T;
}

/** A live node. Read it freely; change it through its tree only. */
export interface TreeNode<T> extends NodeBody<T> {
  readonly name: Segment;
  readonly parent: TreeNode<T> | undefined;
  readonly childCount: number;
  /** How many nodes there are below, at any depth. */
  readonly below: number;
}

/** Canonical bytes of a position. */
export const position: Shape<Position> = record<Position>({ commit: u53, index: u53 });
const stamp: Shape<Stamp> = record<Stamp>({ position, timeMs: u53 });
const dot: Shape<NodeDot> = record<NodeDot>({ id: opId, owner: publicKey, ephemeral: bool });
const kind: Shape<NodeKind> = oneToOne(
  bool,
  (file): NodeKind => (file ? 'file' : 'directory'),
  (value) => value === 'file',
);
const mode: Shape<ContentMode> = oneToOne(
  bool,
  (guarded): ContentMode => (guarded ? 'guarded' : 'shared'),
  (value) => value === 'guarded',
);

/** Snapshots hold whole states: their arrays are bounded by the state's own quotas. */
const COUNT_MAX = 2 ** 32 - 1;

interface SnapshotSibling {
  readonly id: OpId;
  readonly position: Position | undefined;
  readonly bytes: Uint8Array;
}

const sibling: Shape<Sibling> = oneToOne(
  record<SnapshotSibling>({ id: opId, position: optional(position), bytes: bytes(COUNT_MAX) }),
  (value) => ({ ...value, checksum: sha256(value.bytes) }),
  (value) => value,
);

/** In a node's record contents stand as their checksums, so that a listing proves without them. */
const siblingMark: Shape<SiblingMark> = record<SiblingMark>({
  id: opId,
  position: optional(position),
  checksum: digest,
  size: u53,
});

/** A sibling written as its mark. */
const siblingLeaf: Shape<Sibling> = {
  toItem: (value) => siblingMark.toItem({ ...value, size: value.bytes.length }),
  readFrom: () => {
    throw new TypeError('contents cannot be read from a record');
  },
  flawOf: (value) => siblingMark.flawOf(value),
};

const acl: Shape<NodeAcl> = oneToOne(bytes(COUNT_MAX), nodeAcl, (value) => value.bytes);

/** In a node's record who may do what stands as its digest, so that a listing proves without it. */
const aclMark: Shape<AclMark> = oneToOne(
  digest,
  (value) => ({ digest: value }),
  (value) => value.digest,
);

function bodyShape<T, C, A>(
  slot: Shape<T>,
  content: Shape<C>,
  access: Shape<A>,
): Shape<NodeBody<T, C, A>> {
  return record<NodeBody<T, C, A>>({
    id: opId,
    owner: publicKey,
    kind,
    mode,
    dots: array(dot, COUNT_MAX),
    created: optional(stamp),
    modified: optional(stamp),
    contentGen: optional(position),
    lockGen: optional(position),
    aclGen: optional(position),
    acl: optional(access),
    siblings: array(content, COUNT_MAX),
    slot,
  });
}

/** One line of a snapshot: nodes come in pre-order, so depth and name give the place. */
export interface SnapshotNode<T> {
  readonly depth: number;
  readonly name: Segment;
  readonly body: NodeBody<T>;
}

/** Canonical bytes of a tree's snapshot: nodes in pre-order. `slot`: what the owner keeps at a node. */
export function snapshotShape<T>(slot: Shape<T>): Shape<readonly SnapshotNode<T>[]> {
  const node = record<SnapshotNode<T>>({
    depth: u8,
    name: bytes(SEGMENT_BYTES_MAX),
    body: bodyShape(slot, sibling, acl),
  });
  return array(node, COUNT_MAX);
}

/** A node as the trie of its directory covers it, by its name. */
export interface NodeRecord<T, C = Sibling> {
  readonly body: NodeBody<T, C, AclMark>;
  /** Of a directory: the root of the trie of its children, and how many they are. */
  readonly children: { readonly root: Digest; readonly count: number } | undefined;
}

/** A record as it is read back. */
export type ShownRecord<T> = NodeRecord<T, SiblingMark>;

/** Canonical bytes of a record, to write it. `slot`: what it holds of what the owner keeps at a node. */
export function nodeRecordShape<T>(slot: Shape<T>): Shape<NodeRecord<T>> {
  return recordShape(slot, siblingLeaf);
}

/** The same, to read it. */
export function shownRecordShape<T>(slot: Shape<T>): Shape<ShownRecord<T>> {
  return recordShape(slot, siblingMark);
}

function recordShape<T, C>(slot: Shape<T>, content: Shape<C>): Shape<NodeRecord<T, C>> {
  return record<NodeRecord<T, C>>({
    body: bodyShape(slot, content, aclMark),
    children: optional(record({ root: digest, count: u53 })),
  });
}
