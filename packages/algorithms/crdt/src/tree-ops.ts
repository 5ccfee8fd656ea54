// What can be done to a tree, and what comes of it.
import { sha256 } from '@fatty/codec';
import type { Digest, Position, PublicKey } from '@fatty/interface';
import type { OpId } from './op-id.ts';
import type { ContentMode, NodeKind, Stamp, TreeNode } from './tree-node.ts';

/** What a create says of the node it wants. */
export interface NodeInit<T> {
  readonly kind: NodeKind;
  readonly mode: ContentMode;
  readonly owner: PublicKey;
  readonly ephemeral: boolean;
  /** Used only when the node is new. */
  readonly slot: T;
}

/** What a create did. */
export interface Created<T> {
  readonly node: TreeNode<T>;
  /** True when the name was taken and the create only added its dot. */
  readonly existed: boolean;
}

/** What a remove did. */
export interface Removed<T> {
  /** Named dots that the node does not have: removed before, or never there. */
  readonly unknown: readonly OpId[];
  /** Nodes that died with their content, parents after their children. Empty: other dots stand. */
  readonly died: readonly TreeNode<T>[];
}

/** What a bounded removal of a subtree has done. */
export interface SubtreeRemoved<T> {
  /** Nodes that died, parents after their children. */
  readonly died: readonly TreeNode<T>[];
  /** Nodes that are still there: the top of the subtree, and what stands below it. 0: all is gone. */
  readonly left: number;
}

/** A write to a file; `stamp` is missing in the delivered view. */
export interface Write {
  readonly id: OpId;
  readonly bytes: Uint8Array;
  /** Shared content: the siblings that the writer saw. Guarded content: ignored, all go. */
  readonly replaces: readonly OpId[];
  readonly stamp: Stamp | undefined;
}

/** A node in the eyes of a client. */
export interface NodeStat {
  readonly id: OpId;
  readonly kind: NodeKind;
  readonly mode: ContentMode;
  readonly ephemeral: boolean;
  readonly owner: PublicKey;
  /** Commit position of the create. */
  readonly instance: Position | undefined;
  readonly contentGen: Position | undefined;
  readonly lockGen: Position | undefined;
  readonly aclGen: Position | undefined;
  readonly created: Stamp | undefined;
  readonly modified: Stamp | undefined;
  /** Of the content shown. */
  readonly checksum: Digest;
  readonly size: number;
  readonly siblings: number;
  readonly children: number;
}

/** A node as clients see it. */
export function statOf<T>(node: TreeNode<T>): NodeStat {
  const shown = node.siblings[0];
  return {
    id: node.id,
    kind: node.kind,
    mode: node.mode,
    ephemeral: node.dots.length > 0 && node.dots.every((dot) => dot.ephemeral),
    owner: node.owner,
    instance: node.created?.position,
    contentGen: node.contentGen,
    lockGen: node.lockGen,
    aclGen: node.aclGen,
    created: node.created,
    modified: node.modified,
    checksum: shown?.checksum ?? sha256(new Uint8Array(0)),
    size: shown?.bytes.length ?? 0,
    siblings: node.siblings.length,
    children: node.childCount,
  };
}
