// The namespace with quotas.
import {
  type Acl,
  aclShape,
  type ContentMode,
  type Dot,
  type ErrorCode,
  type ErrorResult,
  errorResult,
  joinPath,
  opKey,
  parentPath,
} from '@fatty/api';
import { encode, fromUtf8, InvariantError, toHex, utf8 } from '@fatty/codec';
import {
  nodeAcl,
  type Removed,
  type Stamp,
  type SubtreeRemoved,
  Tree,
  type TreeNode,
} from '@fatty/crdt';
import type { Digest, Failure, Position, PublicKey } from '@fatty/interface';
import { TableTrie, type Trie } from '@fatty/trie';
import { holdsGroups, isGroup } from './groups.ts';
import { jobShape } from './job-state.ts';
import { jobOf, machineOf, machineShape, type Slot, slotMark, slotShape } from './machine-state.ts';
import { aclCost, contentBytes } from './node-bytes.ts';
import type { Accounts, Quotas } from './quotas.ts';
import { RecentPaths } from './recent-paths.ts';
import {
  addEphemeral,
  dropEphemeral,
  refuseEntry,
  type Session,
  type Sessions,
} from './sessions.ts';

/** A node of the namespace, with what the service keeps there. */
export type Node = TreeNode<Slot>;

/** A create as the namespace wants it. `stamp` is missing in the delivered view. */
export interface Creation {
  readonly path: string;
  readonly id: Dot;
  readonly owner: PublicKey;
  readonly kind: 'directory' | 'file';
  readonly mode: ContentMode;
  readonly ephemeral: boolean;
  readonly exclusive: boolean;
  readonly content: Uint8Array;
  readonly slot: Slot;
  readonly stamp: Stamp | undefined;
}

/** A write as the namespace wants it. `stamp` is missing in the delivered view. */
export interface Writing {
  readonly id: Dot;
  readonly content: Uint8Array;
  readonly replaces: readonly Dot[];
  readonly stamp: Stamp | undefined;
}

/** Paths as the tree takes them. Only for paths that have passed `checkOp`. */
export function segments(path: string): readonly Uint8Array[] {
  return path === '/' ? [] : path.slice(1).split('/').map(utf8);
}

/** A failure as the result of an op or the answer to a query. */
export function refused({ code, expected, actual }: Failure): ErrorResult {
  return errorResult(code as ErrorCode, expected, actual);
}

/**
 * The namespace with its accounts: the CRDT tree of package crdt, addressed by text paths, with
 * quotas per client key and each session's list of ephemeral dots kept in step.
 * Contents count for the owner of their node, dots for the client that created them.
 */
export class Names {
  #tree = new Tree<Slot>(slotShape, undefined, slotMark);
  readonly #machines = new TableTrie({
    keyOf: utf8,
    read: (path) => {
      const machine = machineOf(this.find(path));
      return machine && encode(machineShape, machine);
    },
  });
  readonly #jobs = new TableTrie({
    keyOf: utf8,
    read: (path) => {
      const job = jobOf(this.find(path));
      return job && encode(jobShape, job);
    },
  });
  readonly #limits: Quotas;
  readonly #accounts: Accounts;
  readonly #sessions: Sessions;
  #restricted = 0;
  #groupsGeneration = 0;
  readonly #recent = new RecentPaths();

  constructor(limits: Quotas, accounts: Accounts, sessions: Sessions) {
    this.#limits = limits;
    this.#accounts = accounts;
    this.#sessions = sessions;
  }

  /** A copy that goes its own way. Good while these names do not change. */
  fork(accounts: Accounts, sessions: Sessions): Names {
    const forked = new Names(this.#limits, accounts, sessions);
    forked.#tree = this.#tree.fork();
    forked.#restricted = this.#restricted;
    return forked;
  }

  get size(): number {
    return this.#tree.size;
  }

  /** Nodes that have an ACL, the root included. */
  get restricted(): number {
    return this.#restricted;
  }

  /** Another number after every change of a group; of this instance, no state. */
  get groupsGeneration(): number {
    return this.#groupsGeneration;
  }

  find(path: string): Node | undefined {
    return this.#recent.find(path, (one) => this.#tree.lookup(segments(one)));
  }

  findAt(path: readonly Uint8Array[]): Node | undefined {
    return this.#tree.lookup(path);
  }

  /** Nodes come, go, or are copied. `isOfGroups`: contents of groups may come or go with them. */
  #change(isOfGroups = false): Tree<Slot> {
    this.#recent.forget();
    if (isOfGroups) this.#groupsGeneration += 1;
    return this.#tree;
  }

  pathOf(node: Node): string {
    return joinPath(this.#tree.pathOf(node).map(nameText));
  }

  /** Children in byte order, those behind `after` if it is given; a lazy sequence. */
  list(node: Node, after: string | undefined): Iterable<Node> {
    return this.#tree.list(node, after === undefined ? undefined : utf8(after));
  }

  /** The node that a bounded removal of this one takes first. */
  firstToGo(node: Node): Node {
    for (let at = node; ; ) {
      const [first] = this.list(at, undefined);
      if (first === undefined) return at;
      at = first;
    }
  }

  /** Every node below the root, parents first. */
  *all(): Generator<Node, void, undefined> {
    for (const node of this.#tree.walk(this.#tree.top)) if (node !== this.#tree.top) yield node;
  }

  create(what: Creation): { node: Node; existed: boolean } | ErrorResult {
    const path = segments(what.path);
    const found = this.find(what.path);
    const full = this.#refuseCreate(what, found);
    if (full) return full;
    const { id, kind, mode, owner, ephemeral, slot, stamp } = what;
    const init = { kind, mode, owner, ephemeral, slot };
    const created = this.#change(holdsGroups(what.path)).create(path, id, init, stamp);
    if (!created.ok) return refused(created.failure);
    const { node, existed } = created.value;
    this.#touchSlot(slot, what.path);
    this.#accounts.charge(toHex(owner), 1, existed ? 0 : aclCost(node));
    if (!existed && node.acl !== undefined) this.#restricted += 1;
    const mortal = ephemeral ? this.#sessionOf(id) : undefined;
    if (mortal) addEphemeral(mortal, opKey(id), what.path);
    // A guarded content is written in order only: joining a node must not overwrite it.
    const writes = what.content.length > 0 && !(existed && mode === 'guarded');
    if (writes) this.#put(node, { id, content: what.content, replaces: [], stamp });
    return { node, existed };
  }

  #refuseCreate(what: Creation, found: Node | undefined): ErrorResult | undefined {
    if (found !== undefined && what.exclusive) {
      return errorResult('exists', 'no live node', 'a live node');
    }
    // To the tree a machine or a job is a guarded file.
    if (found?.slot !== undefined) {
      return errorResult('wrong_kind', `${what.mode} ${what.kind}`, `a ${found.slot.kind}`);
    }
    // The tree would take it for a repeat, but the accounts would count it twice.
    if (found?.dots.some((dot) => opKey(dot.id) === opKey(what.id))) {
      return errorResult('dot_reused', 'a new dot', opKey(what.id));
    }
    const max = this.#limits.dotsPerNodeMax;
    if (found !== undefined && found.dots.length >= max) {
      return errorResult('too_many_dots', `at most ${max}`, String(found.dots.length));
    }
    const mortal = what.ephemeral ? this.#sessionOf(what.id) : undefined;
    const crowded = mortal && refuseEntry(mortal, what.path, this.#limits);
    if (crowded) return crowded;
    const siblings = found === undefined ? undefined : this.#refuseSiblings(found, []);
    if (siblings && what.content.length > 0) return siblings;
    const payer = found === undefined ? what.owner : found.owner;
    const parent = found === undefined ? this.find(parentPath(what.path)) : undefined;
    const bytes = what.content.length + (parent === undefined ? 0 : aclCost(parent));
    return (
      this.#accounts.refuse(toHex(what.owner), 1, 0) ??
      this.#accounts.refuse(toHex(payer), 0, bytes)
    );
  }

  #refuseSiblings(node: Node, replaces: readonly Dot[]): ErrorResult | undefined {
    const max = this.#limits.siblingsMax;
    if (node.siblings.length < max) return undefined;
    const seen = new Set(replaces.map(opKey));
    const kept = node.siblings.filter((one) => !seen.has(opKey(one.id))).length;
    if (kept < max) return undefined;
    return errorResult('too_many_siblings', `at most ${max}`, String(node.siblings.length));
  }

  #sessionOf(id: Dot): Session | undefined {
    return this.#sessions.get(toHex(id.session));
  }

  /** Writes a file whose mode the caller has checked. */
  write(node: Node, writing: Writing): ErrorResult | undefined {
    if (node.kind !== 'file') return errorResult('not_a_file', 'a file', 'a directory');
    const siblings =
      node.mode === 'shared' ? this.#refuseSiblings(node, writing.replaces) : undefined;
    if (siblings) return siblings;
    const full = this.#accounts.refuse(toHex(node.owner), 0, writing.content.length);
    if (full) return full;
    this.#put(node, writing);
    return undefined;
  }

  #put(node: Node, { id, content, replaces, stamp }: Writing): void {
    const before = contentBytes(node);
    const written = this.#change(isGroup(node)).setContent(node, {
      id,
      bytes: content,
      replaces,
      stamp,
    });
    const after = written.ok ? contentBytes(written.value) : before;
    this.#accounts.charge(toHex(node.owner), 0, after - before);
  }

  /** Takes dots. Codes `not_found`, `not_empty`, `unknown_dot` (none of them is there). */
  remove(path: string, dots: readonly Dot[]): Removed<Slot> | ErrorResult {
    const at = segments(path);
    const node = this.find(path);
    const before = node?.dots ?? [];
    const removed = this.#change(holdsGroups(path)).remove(at, dots);
    if (!removed.ok) return refused(removed.failure);
    const { unknown, died } = removed.value;
    if (unknown.length === dots.length) {
      return errorResult('unknown_dot', 'a dot of the node', `${unknown.length} others`);
    }
    const named = new Set(dots.map(opKey));
    this.#forgetDots(before.filter((dot) => named.has(opKey(dot.id))));
    this.#refund(died);
    return removed.value;
  }

  /** Takes a node and all below it, at most `nodesMax` nodes, deepest first. Code `not_found`. */
  removeSubtree(path: string, nodesMax: number): SubtreeRemoved<Slot> | ErrorResult {
    const removed = this.#change(holdsGroups(path)).removeSubtree(segments(path), nodesMax);
    if (!removed.ok) return refused(removed.failure);
    this.#refund(removed.value.died);
    return removed.value;
  }

  /** Takes one ephemeral dot of a dead session; what stands below a dead directory goes with it. */
  expireDot(path: string, dotKey: string): readonly Node[] {
    const node = this.find(path);
    const dot = node?.dots.find((one) => opKey(one.id) === dotKey);
    if (node === undefined || dot === undefined) return [];
    const removed =
      node.dots.length === 1
        ? this.removeSubtree(path, Number.POSITIVE_INFINITY)
        : this.remove(path, [dot.id]);
    return 'kind' in removed ? [] : removed.died;
  }

  #refund(dead: readonly Node[]): void {
    for (const node of dead) {
      this.#touchSlot(node.slot, this.pathOf(node));
      this.#forgetDots(node.dots);
      this.#accounts.charge(toHex(node.owner), 0, -contentBytes(node) - aclCost(node));
      if (node.acl !== undefined) this.#restricted -= 1;
    }
  }

  #forgetDots(dots: Node['dots']): void {
    for (const dot of dots) {
      this.#accounts.charge(toHex(dot.owner), -1, 0);
      const mortal = dot.ephemeral ? this.#sessionOf(dot.id) : undefined;
      if (mortal) dropEphemeral(mortal, opKey(dot.id));
    }
  }

  /** Says who may do what at a node. No position: as the cell began. Codes `quota_bytes`, `cell_full`. */
  setAcl(node: Node, acl: Acl, aclGen: Position | undefined): ErrorResult | undefined {
    const fresh = nodeAcl(encode(aclShape, acl));
    const more = aclCost({ acl: fresh }) - aclCost(node);
    const payer = node === this.top ? undefined : toHex(node.owner);
    const full = payer !== undefined && more > 0 && this.#accounts.refuse(payer, 0, more);
    if (full) return full;
    if (payer !== undefined) this.#accounts.charge(payer, 0, more);
    if (node.acl === undefined) this.#restricted += 1;
    this.#change().amend(node, { acl: fresh, aclGen });
    return undefined;
  }

  setSlot(node: Node, slot: Slot): void {
    this.#change().setSlot(node, slot);
    this.#touchSlot(slot, this.pathOf(node));
  }

  #touchSlot(slot: Slot, path: string): void {
    if (slot?.kind === 'machine') this.#machines.touch(path);
    if (slot?.kind === 'job') this.#jobs.touch(path);
  }

  /** Path to machine. */
  machines(): Trie {
    return this.#machines.trie();
  }

  /** Path to job. */
  jobs(): Trie {
    return this.#jobs.trie();
  }

  setLockGen(path: string, lockGen: Position): void {
    const node = this.find(path);
    if (node !== undefined) this.#change().amend(node, { lockGen });
  }

  stat(node: Node): ReturnType<Tree<Slot>['stat']> {
    return this.#tree.stat(node);
  }

  root(): Digest {
    return this.#tree.root();
  }

  /** The root directory. */
  get top(): Node {
    return this.#tree.top;
  }

  childOf(node: Node, name: string): Node | undefined {
    return this.#tree.lookup([...this.#tree.pathOf(node), utf8(name)]);
  }

  /** A node as the root covers it. */
  recordOf(node: Node): Uint8Array {
    return this.#tree.recordOf(node);
  }

  /** The records of a directory's children, by their names. */
  trieOf(node: Node): Trie {
    return this.#tree.trieOf(node);
  }

  snapshot(): Uint8Array {
    return this.#tree.snapshot();
  }

  /** Takes a snapshot over. Sessions must be back already; accounts must be empty. */
  restore(bytes: Uint8Array): void {
    const restored = this.#change(true).restore(bytes);
    if (!restored.ok) throw new InvariantError(`a namespace snapshot: ${restored.failure.code}`);
    this.#restricted = this.top.acl === undefined ? 0 : 1;
    for (const node of this.all()) {
      this.#touchSlot(node.slot, this.pathOf(node));
      if (node.acl !== undefined) this.#restricted += 1;
      this.#accounts.charge(toHex(node.owner), 0, contentBytes(node) + aclCost(node));
      for (const dot of node.dots) {
        this.#accounts.charge(toHex(dot.owner), 1, 0);
        const mortal = dot.ephemeral ? this.#sessionOf(dot.id) : undefined;
        if (mortal) addEphemeral(mortal, opKey(dot.id), this.pathOf(node));
      }
    }
  }
}

/** A node's name as text. */
export function nameText(name: Uint8Array): string {
  return fromUtf8(name) ?? '';
}
