// The namespace: directories and files with observed-remove semantics.
import {
  asPublicKey,
  asSessionId,
  decode,
  encode,
  fail,
  hash,
  invariant,
  ok,
  type Shape,
  sha256,
} from '@fatty/codec';
import type { Digest, Outcome } from '@fatty/interface';
import type { Trie } from '@fatty/trie';
import { compareOpIds, type OpId, opKey } from './op-id.ts';
import { PATH_DEPTH_MAX, type Path, type Segment } from './path.ts';
import { TreeIndex } from './tree-index.ts';
import {
  build,
  compareSiblings,
  copyOf,
  countBelow,
  firstLeaf,
  type Inner,
  inner,
} from './tree-links.ts';
import {
  type NodeDot,
  type Sibling,
  type SnapshotNode,
  type Stamp,
  snapshotShape,
  type TreeNode,
} from './tree-node.ts';
import type { Created, NodeInit, NodeStat, Removed, SubtreeRemoved, Write } from './tree-ops.ts';
import { statOf } from './tree-ops.ts';
import { TreeRecords } from './tree-records.ts';

const NOTHING = new Uint8Array(0);
const ROOT_ID: OpId = { session: asSessionId(new Uint8Array(32)), seq: 0, index: 0 };

const sameId = (a: OpId, b: OpId): boolean => compareOpIds(a, b) === 0;

/**
 * The namespace: directories and files under observed-remove semantics without tombstones.
 * A name holds at most one node; concurrent creates of it are dots of that node; a remove takes the
 * dots its client saw, so a create it did not see keeps the node alive (add wins). In the committed
 * view ops come in commit order with a stamp; in the delivered view without one, where everything
 * about a pending node is a function of its dots, so that concurrent ops commute.
 * Paths are taken as checked (`parsePath`).
 */
export class Tree<T> {
  readonly #slot: Shape<T>;
  readonly #slotInRecord: Shape<T>;
  readonly #records: TreeRecords<T>;
  #top: Inner<T>;
  #index: TreeIndex<T> = new TreeIndex();
  #size = 0;
  /** Of a fork: where it started, and its own nodes by themselves and by what they copy. */
  #base: Tree<T> | undefined;
  #copies: Map<Inner<T>, Inner<T>> | undefined;

  /** `slotInRecord`: what the root covers of a slot, if that is not all of it. */
  constructor(slot: Shape<T>, rootSlot: T, slotInRecord: Shape<T> = slot) {
    this.#slot = slot;
    this.#slotInRecord = slotInRecord;
    this.#records = new TreeRecords(slotInRecord);
    this.#top = inner(NOTHING, undefined, {
      id: ROOT_ID,
      owner: asPublicKey(new Uint8Array(32)),
      kind: 'directory',
      mode: 'guarded',
      dots: [],
      created: undefined,
      modified: undefined,
      contentGen: undefined,
      lockGen: undefined,
      aclGen: undefined,
      acl: undefined,
      siblings: [],
      slot: rootSlot,
    });
  }

  /**
   * A tree that shares this one's nodes and copies what it changes, with the directories above it.
   * Good while this one does not change.
   */
  fork(): Tree<T> {
    const forked = new Tree(this.#slot, this.#top.slot, this.#slotInRecord);
    forked.#top = this.#top;
    forked.#index = new TreeIndex(this.#index);
    forked.#size = this.#size;
    forked.#base = this;
    forked.#copies = new Map();
    return forked;
  }

  /** Nodes below the root. */
  get size(): number {
    return this.#size;
  }

  /** The root directory; it has no dots and cannot be removed. */
  get top(): TreeNode<T> {
    return this.#top;
  }

  lookup(path: Path): TreeNode<T> | undefined {
    return this.#find(path);
  }

  /** The live node that `id` made, or that has it as a dot. */
  byId(id: OpId): TreeNode<T> | undefined {
    return this.#index.get(id);
  }

  pathOf(node: TreeNode<T>): Path {
    const path: Segment[] = [];
    for (let at = node; at.parent !== undefined; at = at.parent) path.unshift(at.name);
    return path;
  }

  /** Children in byte order of their names, those behind `after` if it is given; a lazy sequence. */
  list(node: TreeNode<T>, after?: Segment): Iterable<TreeNode<T>> {
    return this.#own(node).children.from(after);
  }

  /** The node and all below it, parents first, siblings in byte order. */
  *walk(node: TreeNode<T>): Generator<TreeNode<T>, void, undefined> {
    yield node;
    for (const child of this.list(node)) yield* this.walk(child);
  }

  /**
   * Makes a node, or adds a dot to the one that has the name.
   * Codes: `not_found` (parent), `not_a_directory` (parent), `exists` (the root), `wrong_kind`,
   * `dot_reused` (another live node has it).
   */
  create(path: Path, id: OpId, init: NodeInit<T>, stamp: Stamp | undefined): Outcome<Created<T>> {
    const name = path.at(-1);
    if (name === undefined) return fail('exists', 'a path below the root', '/');
    invariant(path.length <= PATH_DEPTH_MAX, 'paths are checked before they reach the tree');
    const parent = this.#find(path.slice(0, -1));
    if (parent === undefined) return fail('not_found', 'a parent directory', 'none');
    if (parent.kind !== 'directory') return fail('not_a_directory', 'a directory', 'a file');
    const dot: NodeDot = { id, owner: init.owner, ephemeral: init.ephemeral };
    const found = parent.children.get(name);
    // Two live nodes under one dot would share a place in the index, and one be lost from it.
    const bearer = this.#index.get(id) ?? found;
    if (bearer !== found) return fail('dot_reused', 'a dot of no live node', opKey(id));
    if (found === undefined)
      return ok({ node: this.#make(this.#mine(parent), name, dot, init, stamp), existed: false });
    if (found.kind !== init.kind || found.mode !== init.mode) {
      return fail('wrong_kind', `${init.mode} ${init.kind}`, `${found.mode} ${found.kind}`);
    }
    const joined = this.#mine(found);
    this.#addDot(joined, dot);
    return ok({ node: joined, existed: true });
  }

  /**
   * Takes the named dots from a node; without dots it dies. Unknown dots change nothing and are
   * reported. Codes: `not_found`, `not_empty` (a directory that would die with children).
   */
  remove(path: Path, ids: readonly OpId[]): Outcome<Removed<T>> {
    const node = this.#find(path);
    if (node === undefined || node === this.#top) return fail('not_found', 'a node', 'none');
    const named = new Set(ids.map(opKey));
    const rest = node.dots.filter((dot) => !named.has(opKey(dot.id)));
    if (rest.length === 0 && node.children.size > 0) {
      return fail('not_empty', 'an empty directory', `${node.children.size} children`);
    }
    const live = new Set(node.dots.map((dot) => opKey(dot.id)));
    const unknown = ids.filter((id) => !live.has(opKey(id)));
    const own = this.#mine(node);
    if (rest.length < node.dots.length) this.#setDots(own, rest);
    return ok({ unknown, died: rest.length === 0 ? this.#drop(own) : [] });
  }

  /**
   * Takes a node and all below it, whatever their dots (an ordered op), but no more than `nodesMax`
   * nodes: children before their parents, so that what is left hangs together. Code: `not_found`.
   */
  removeSubtree(path: Path, nodesMax: number): Outcome<SubtreeRemoved<T>> {
    const node = this.#find(path);
    if (node === undefined || node === this.#top) return fail('not_found', 'a node', 'none');
    const own = this.#mine(node);
    if (own.below < nodesMax) return ok({ died: this.#drop(own), left: 0 });
    const died: Inner<T>[] = [];
    while (died.length < nodesMax) died.push(...this.#drop(this.#mine(firstLeaf(own))));
    return ok({ died, left: own.below + 1 });
  }

  /** Writes a file. Repeating a write changes nothing. Code: `not_a_file`. */
  setContent(node: TreeNode<T>, write: Write): Outcome<TreeNode<T>> {
    const found = this.#own(node);
    if (found.kind !== 'file') return fail('not_a_file', 'a file', 'a directory');
    if (found.siblings.some((one) => sameId(one.id, write.id))) return ok(found);
    const own = this.#mine(found);
    const seen = new Set(write.replaces.map(opKey));
    const kept = own.siblings.filter((one) => own.mode === 'shared' && !seen.has(opKey(one.id)));
    const added: Sibling = {
      id: write.id,
      position: write.stamp?.position,
      bytes: write.bytes,
      checksum: sha256(write.bytes),
    };
    own.siblings = [...kept, added].sort(compareSiblings);
    if (write.stamp !== undefined) {
      own.contentGen = write.stamp.position;
      own.modified = write.stamp;
    }
    this.#touch(own);
    return ok(own);
  }

  /** The content shown: the first sibling, or nothing. */
  content(node: TreeNode<T>): Uint8Array {
    return node.siblings[0]?.bytes ?? NOTHING;
  }

  /** Replaces the service's part of a node. Slots are values: never change one in place. */
  setSlot(node: TreeNode<T>, slot: T): void {
    const own = this.#mine(this.#own(node));
    own.slot = slot;
    this.#touch(own);
  }

  /** Records a grant, or says anew who may do what at a node; at those below nothing changes. */
  amend(node: TreeNode<T>, said: Partial<Pick<TreeNode<T>, 'lockGen' | 'acl' | 'aclGen'>>): void {
    const own = this.#mine(this.#own(node));
    Object.assign(own, said);
    this.#touch(own);
  }

  stat(node: TreeNode<T>): NodeStat {
    return statOf(node);
  }

  /** Canonical bytes of the whole tree. */
  snapshot(): Uint8Array {
    const lines: SnapshotNode<T>[] = [];
    const visit = (node: Inner<T>, depth: number): void => {
      lines.push({ depth, name: node.name, body: node });
      for (const child of node.children) visit(child, depth + 1);
    };
    visit(this.#top, 0);
    return encode(snapshotShape(this.#slot), lines);
  }

  /** Takes over a snapshot; on failure nothing changes. Codes: those of `decode`, `bad_snapshot`. */
  restore(bytes: Uint8Array): Outcome<true> {
    const lines = decode(snapshotShape(this.#slot), bytes, bytes.length);
    if (!lines.ok) return lines;
    const top = build(lines.value);
    if (top === undefined) return fail('bad_snapshot', 'a tree in pre-order', 'something else');
    this.#top = top;
    this.#index = new TreeIndex();
    this.#base = undefined;
    this.#copies = undefined;
    this.#size = -1;
    const index = (node: Inner<T>): void => {
      this.#size++;
      if (node !== top) this.#index.add(node);
      for (const child of node.children) index(child);
    };
    index(top);
    return ok(true);
  }

  /** Digest of the top's record: covers every node, its slot, and contents by their checksums. */
  root(): Digest {
    return hash('tree', this.recordOf(this.#top));
  }

  /** A node as the root covers it: see `NodeRecord`. */
  recordOf(node: TreeNode<T>): Uint8Array {
    this.#records.settle(this.#top);
    return this.#records.recordOf(this.#own(node));
  }

  /** The records of a directory's children, by their names. */
  trieOf(node: TreeNode<T>): Trie {
    this.#records.settle(this.#top);
    return this.#own(node).trie;
  }

  #touch(node: Inner<T>): void {
    this.#records.touch(node, this.#top);
  }

  #find(path: Path): Inner<T> | undefined {
    let at: Inner<T> | undefined = this.#top;
    for (const segment of path) {
      at = at.children.get(segment);
      if (at === undefined) return undefined;
    }
    return at;
  }

  #own(node: TreeNode<T>): Inner<T> {
    const asked = this.#latest(node as Inner<T>);
    const own = asked === this.#top ? this.#top : this.#index.get(asked.id);
    invariant(own !== undefined && own === asked, 'a node is used with its own tree, while alive');
    return own;
  }

  #latest(node: Inner<T>): Inner<T> {
    const below = this.#base ? this.#base.#latest(node) : node;
    return this.#copies?.get(below) ?? below;
  }

  /** The node as this tree may change it: in a fork, a copy that hangs from copies. */
  #mine(node: Inner<T>): Inner<T> {
    const known = this.#latest(node);
    if (this.#copies === undefined || this.#copies.has(known)) return known;
    const parent = known.parent && this.#mine(known.parent);
    const copy = copyOf(known, parent);
    this.#copies.set(known, copy).set(copy, copy);
    if (parent === undefined) {
      this.#top = copy;
      return copy;
    }
    parent.children.set(copy);
    this.#index.remove(known);
    this.#index.add(copy);
    return copy;
  }

  #make(
    parent: Inner<T>,
    name: Segment,
    dot: NodeDot,
    init: NodeInit<T>,
    stamp: Stamp | undefined,
  ): Inner<T> {
    const node = inner(name, parent, {
      id: dot.id,
      owner: dot.owner,
      kind: init.kind,
      mode: init.mode,
      dots: [dot],
      created: stamp,
      modified: stamp,
      contentGen: stamp?.position,
      lockGen: undefined,
      aclGen: stamp?.position,
      acl: parent.acl,
      siblings: [],
      slot: init.slot,
    });
    this.#copies?.set(node, node);
    parent.children.set(node);
    countBelow(node, 1);
    this.#size++;
    this.#index.add(node);
    this.#touch(node);
    return node;
  }

  #addDot(node: Inner<T>, dot: NodeDot): void {
    if (node.dots.some((one) => sameId(one.id, dot.id))) return;
    this.#setDots(
      node,
      [...node.dots, dot].sort((a, b) => compareOpIds(a.id, b.id)),
    );
  }

  #setDots(node: Inner<T>, dots: readonly NodeDot[]): void {
    this.#index.remove(node);
    node.dots = dots;
    const least = dots[0];
    // Commit fixes who made a node; until then it is whoever has the least dot, in any order.
    if (node.created === undefined && least !== undefined) {
      node.id = least.id;
      node.owner = least.owner;
    }
    this.#index.add(node);
    this.#touch(node);
  }

  /** Unlinks a node and all below it; answers the dead, children first. */
  #drop(node: Inner<T>): readonly Inner<T>[] {
    const dead: Inner<T>[] = [];
    const bury = (one: Inner<T>): void => {
      for (const child of one.children) bury(child);
      this.#index.remove(one);
      dead.push(one);
    };
    bury(node);
    node.parent?.children.delete(node.name);
    countBelow(node, -dead.length);
    this.#size -= dead.length;
    this.#touch(node);
    return dead;
  }
}
