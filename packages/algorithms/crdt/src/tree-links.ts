// Nodes with their links to parents and children.
import { compareBytes } from '@fatty/codec';
import type { Position, PublicKey } from '@fatty/interface';
import { Trie } from '@fatty/trie';
import { Children } from './children.ts';
import { compareOpIds, type OpId } from './op-id.ts';
import type { Segment } from './path.ts';
import type {
  ContentMode,
  NodeAcl,
  NodeBody,
  NodeDot,
  NodeKind,
  Sibling,
  SnapshotNode,
  Stamp,
} from './tree-node.ts';

type Mutable<V> = { -readonly [K in keyof V]: V[K] };

/** A node with its links, as only the tree itself may hold it. */
export interface Inner<T> extends Mutable<NodeBody<T>> {
  readonly name: Segment;
  /** The parent. Below a node that a fork has copied it may still be the original. */
  parent: Inner<T> | undefined;
  readonly children: Children<Inner<T>>;
  readonly childCount: number;
  /** How many nodes there are below, at any depth. */
  below: number;
  /** The records of the children by name, but for those in `stale`. */
  trie: Trie;
  /** Names of children that have come, changed or gone since; some may stand there twice. */
  stale: Segment[];
  /** Its name is in its parent's `stale`, and so on up to the top. */
  isStale: boolean;
}

/** No children: what every file has, for good (only directories are ever given any). */
const CHILDLESS: Children<never> = new Children<never>();
/** Nothing behind: what every file has. */
const NONE: Segment[] = [];

class LinkedNode<T> implements Inner<T> {
  readonly name: Segment;
  parent: Inner<T> | undefined;
  readonly children: Children<Inner<T>>;
  below = 0;
  trie = Trie.empty;
  stale: Segment[];
  isStale = false;
  id: OpId;
  owner: PublicKey;
  kind: NodeKind;
  mode: ContentMode;
  dots: readonly NodeDot[];
  created: Stamp | undefined;
  modified: Stamp | undefined;
  contentGen: Position | undefined;
  lockGen: Position | undefined;
  aclGen: Position | undefined;
  acl: NodeAcl | undefined;
  siblings: readonly Sibling[];
  slot: T;

  constructor(
    name: Segment,
    parent: Inner<T> | undefined,
    body: NodeBody<T>,
    base?: Children<Inner<T>>,
  ) {
    this.name = name;
    this.parent = parent;
    this.children = body.kind === 'file' ? CHILDLESS : new Children(base);
    this.stale = body.kind === 'file' ? NONE : [];
    this.id = body.id;
    this.owner = body.owner;
    this.kind = body.kind;
    this.mode = body.mode;
    this.dots = body.dots;
    this.created = body.created;
    this.modified = body.modified;
    this.contentGen = body.contentGen;
    this.lockGen = body.lockGen;
    this.aclGen = body.aclGen;
    this.acl = body.acl;
    this.siblings = body.siblings;
    this.slot = body.slot;
  }

  get childCount(): number {
    return this.children.size;
  }
}

/** A node without children. */
export function inner<T>(name: Segment, parent: Inner<T> | undefined, body: NodeBody<T>): Inner<T> {
  return new LinkedNode(name, parent, body);
}

/** A node that can change without the one that it copies. */
export function copyOf<T>(node: Inner<T>, parent: Inner<T> | undefined): Inner<T> {
  const copy = new LinkedNode(node.name, parent, node, node.children);
  copy.below = node.below;
  copy.trie = node.trie;
  if (node.kind === 'directory') copy.stale = [...node.stale];
  copy.isStale = node.isStale;
  return copy;
}

/** The tries above a node are behind. Answers how many names this made stale. */
export function touch<T>(node: Inner<T>): number {
  let names = 0;
  for (let at = node; at.parent !== undefined && !at.isStale; at = at.parent) {
    at.isStale = true;
    at.parent.stale.push(at.name);
    names++;
  }
  return names;
}

/** Counts so many nodes more, or fewer, below everything that is above this one. */
export function countBelow<T>(node: Inner<T>, nodes: number): void {
  for (let at = node.parent; at !== undefined; at = at.parent) at.below += nodes;
}

/** The first node of post-order: down the first children to one without any. */
export function firstLeaf<T>(node: Inner<T>): Inner<T> {
  for (let at = node; ; ) {
    const first: Inner<T> | undefined = at.children.first;
    if (first === undefined) return at;
    at = first;
  }
}

/** Links pre-order lines into a tree; undefined when they are none. */
export function build<T>(lines: readonly SnapshotNode<T>[]): Inner<T> | undefined {
  const spine: Inner<T>[] = [];
  for (const { depth, name, body } of lines) {
    const parent = spine[depth - 1];
    if (depth > spine.length || (depth === 0) !== (spine.length === 0)) return undefined;
    const elder = spine[depth];
    if (parent !== undefined) {
      if (parent.kind !== 'directory' || body.dots.length === 0) return undefined;
      if (elder !== undefined && compareBytes(elder.name, name) >= 0) return undefined;
    }
    const node = inner(name, parent, body);
    parent?.children.set(node);
    touch(node);
    countBelow(node, 1);
    spine.length = depth;
    spine.push(node);
  }
  return spine[0];
}

/** Committed siblings by position, then pending ones; among equals by id. */
export function compareSiblings(a: Sibling, b: Sibling): number {
  if (a.position !== undefined && b.position !== undefined) {
    const order = a.position.commit - b.position.commit || a.position.index - b.position.index;
    return order || compareOpIds(a.id, b.id);
  }
  if (a.position !== undefined) return -1;
  if (b.position !== undefined) return 1;
  return compareOpIds(a.id, b.id);
}
