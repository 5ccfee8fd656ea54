import { compareBytes, toHex } from '@fatty/codec';
import type { Digest, Position, PublicKey } from '@fatty/interface';
import { type Entries, LayeredMap } from './layered-map.ts';
import { compareOpIds, type OpId } from './op-id.ts';
import type { Path, Segment } from './path.ts';
import type {
  ContentMode,
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
  /** Below a node that a fork has copied: perhaps still the original. */
  parent: Inner<T> | undefined;
  readonly children: Entries<string, Inner<T>>;
  readonly childCount: number;
  /** Missing when something below changed since it was computed; then it misses above, too. */
  digest: Digest | undefined;
}

/** No children: what every file has, for good (only directories are ever given any). */
const CHILDLESS: Map<string, never> = new Map<string, never>();

class LinkedNode<T> implements Inner<T> {
  readonly name: Segment;
  parent: Inner<T> | undefined;
  readonly children: Entries<string, Inner<T>>;
  digest: Digest | undefined = undefined;
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
  siblings: readonly Sibling[];
  slot: T;

  constructor(
    name: Segment,
    parent: Inner<T> | undefined,
    body: NodeBody<T>,
    children: Entries<string, Inner<T>> = new Map(),
  ) {
    this.name = name;
    this.parent = parent;
    this.children = body.kind === 'file' ? CHILDLESS : children;
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
  const copy = new LinkedNode(node.name, parent, node, new LayeredMap(node.children));
  copy.digest = node.digest;
  return copy;
}

/** Forgets the digests that cover a node. */
export function touch<T>(node: Inner<T>): void {
  node.digest = undefined;
  for (let at = node.parent; at?.digest !== undefined; at = at.parent) at.digest = undefined;
}

/** Children in byte order. */
export function sorted<T>(node: Inner<T>): readonly Inner<T>[] {
  return [...node.children.values()].sort((a, b) => compareBytes(a.name, b.name));
}

/** Parents before children, names in byte order. */
export function comparePaths(a: Path, b: Path): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareBytes(a[i] as Segment, b[i] as Segment);
    if (order !== 0) return order;
  }
  return a.length - b.length;
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
    parent?.children.set(toHex(name), node);
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
