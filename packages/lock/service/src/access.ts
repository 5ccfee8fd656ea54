// Who may do what: the lists that guard each op and each read.
import {
  type Acl,
  type AclList,
  aclShape,
  type ErrorResult,
  errorResult,
  groupKeys,
  groupPath,
  OPEN_ACL,
  type Op,
  type Principal,
  parentPath,
  type Query,
} from '@fatty/api';
import { decode, InvariantError, toHex } from '@fatty/codec';
import type { NodeAcl, Sibling } from '@fatty/crdt';
import type { PublicKey } from '@fatty/interface';
import { Memberships } from './groups.ts';
import { type Names, type Node, segments } from './names.ts';

/** One list, as it is asked. */
interface Members {
  readonly anyone: boolean;
  /** Client keys in hex. */
  readonly keys: ReadonlySet<string>;
  /** Paths of their files, as the tree takes them. */
  readonly groups: readonly (readonly Uint8Array[])[];
}

interface Opened {
  readonly acl: Acl;
  readonly members: Readonly<Record<AclList, Members>>;
}

/** Both hold what is a function of their keys' bytes: no state. */
const opened = new WeakMap<NodeAcl, Opened>();
const keysOf = new WeakMap<Sibling, ReadonlySet<string>>();

function open(acl: NodeAcl): Opened {
  const known = opened.get(acl);
  if (known !== undefined) return known;
  const read = decode(aclShape, acl.bytes, acl.bytes.length);
  if (!read.ok) throw new InvariantError(`an ACL: ${read.failure.code}`);
  const members = (list: AclList): Members => {
    const principals = read.value[list];
    return {
      anyone: principals.some(({ kind }) => kind === 'anyone'),
      keys: new Set(principals.flatMap((one) => (one.kind === 'key' ? [toHex(one.key)] : []))),
      groups: principals.flatMap((one) =>
        one.kind === 'group' ? [segments(groupPath(one.name))] : [],
      ),
    };
  };
  const lists = { read: members('read'), write: members('write'), change: members('change') };
  const fresh = { acl: read.value, members: lists };
  opened.set(acl, fresh);
  return fresh;
}

/** The ACL of `/` in a cell that has an administrator from the start. */
export function ruledBy(admin: PublicKey): Acl {
  const own: readonly Principal[] = [{ kind: 'key', key: admin }];
  return { ...OPEN_ACL, write: own, change: own };
}

/** Who may do what at a node, as its lists have it. */
export function aclAt({ acl }: Pick<Node, 'acl'>): Acl {
  return acl === undefined ? OPEN_ACL : open(acl).acl;
}

/** That a list lets a client in, as long as no group has changed. */
interface Entry {
  readonly acl: NodeAcl;
  readonly list: AclList;
  readonly client: string;
  readonly generation: number;
}

function isEntry(
  entry: Entry | undefined,
  acl: NodeAcl,
  list: AclList,
  client: string,
  generation: number,
): boolean {
  return (
    entry?.acl === acl &&
    entry.client === client &&
    entry.list === list &&
    entry.generation === generation
  );
}

/**
 * Answers for the lists of any view of one cell. Groups are those of the committed names: what is only
 * delivered makes nobody a member.
 */
export class Access {
  readonly #committed: Names;
  readonly #memberships = new Memberships<Members>();
  /** Who was let in last, and by which list: ops that follow one another mostly have one sender. */
  #last: Entry | undefined;

  constructor(committed: Names) {
    this.#committed = committed;
  }

  /** Code `access_denied`. `client`: its key in hex. */
  refuse(node: Node, list: AclList, client: string): ErrorResult | undefined {
    if (node.acl === undefined || this.#isIn(node.acl, list, client)) return undefined;
    if (list === 'change' && this.isAdministrator(client)) return undefined;
    const path = this.#committed.pathOf(node);
    return errorResult('access_denied', `a key in the ${list} list of ${path}`, client);
  }

  #isIn(acl: NodeAcl, list: AclList, client: string): boolean {
    const { groupsGeneration: generation } = this.#committed;
    if (isEntry(this.#last, acl, list, client, generation)) return true;
    const members = open(acl).members[list];
    const isIn = members.anyone || this.#isNamed(members, client);
    if (isIn) this.#last = { acl, list, client, generation };
    return isIn;
  }

  #isNamed(list: Members, client: string): boolean {
    const { keys, groups } = list;
    if (keys.has(client)) return true;
    if (groups.length === 0) return false;
    const lookUp = (): boolean => groups.some((file) => this.#isMember(file, client));
    return this.#memberships.isIn(list, client, this.#committed.groupsGeneration, lookUp);
  }

  /** Of concurrent contents of the file all must name the key: whoever takes a key out wins. */
  #isMember(group: readonly Uint8Array[], client: string): boolean {
    const file = this.#committed.findAt(group);
    if (file === undefined || file.siblings.length === 0) return false;
    return file.siblings.every((content) => {
      const known = keysOf.get(content);
      const keys = known ?? groupKeys(content.bytes);
      if (known === undefined) keysOf.set(content, keys);
      return keys.has(client);
    });
  }

  /** Whom the change list of `/` names, not as anyone, may change every list: nothing is locked out for good. */
  isAdministrator(client: string): boolean {
    const { acl } = this.#committed.top;
    return acl !== undefined && this.#isNamed(open(acl).members.change, client);
  }

  /** Whether it names him himself, and not a group that he is in. */
  isNamedAdministrator(client: string): boolean {
    const { acl } = this.#committed.top;
    return acl !== undefined && open(acl).members.change.keys.has(client);
  }
}

/** What of the state says who may do what. */
export interface Guarded {
  readonly names: Names;
  readonly access: Access;
}

/** Which list an op needs; undefined: none, it is about the session itself or gives something back. */
function listOf({ kind }: Op): AclList | undefined {
  switch (kind) {
    case 'openSession':
    case 'closeSession':
    case 'own':
    case 'reanchor':
    case 'rotateKey':
    case 'revokeKey':
    // Its parts are looked at one by one.
    case 'txn':
    case 'release':
    case 'cancel':
    case 'releaseMachine':
    case 'failJob':
      return undefined;
    case 'create':
    case 'createSequential':
    case 'declareMachine':
    case 'write':
    case 'compareAndSet':
    case 'remove':
    case 'removeSubtree':
    case 'acquire':
    case 'tryAcquire':
    case 'takeMachine':
    case 'renewMachine':
    case 'publish':
    case 'post':
    case 'declareJob':
    case 'claimJob':
    case 'proveJob':
    case 'cancelJob':
      return 'write';
    case 'setAcl':
      return 'change';
  }
}

/** Where nothing stands yet, the directory is written to. */
function guardedNode(names: Names, op: Op & { readonly path: string }): Node | undefined {
  if (op.kind === 'createSequential') return parentOf(names, op);
  const node = names.find(op.path);
  return node !== undefined || !MAKERS.has(op.kind) ? node : parentOf(names, op);
}

/** Ops that make a node. */
const MAKERS: ReadonlySet<Op['kind']> = new Set(['create', 'declareMachine', 'declareJob']);

function parentOf(names: Names, op: { readonly path: string }): Node | undefined {
  return names.find(parentPath(op.path));
}

/**
 * Why a client, by its key in hex, may not do this here. Paths in which nothing stands are told by the op
 * itself. Code `access_denied`.
 */
export function refuseOp(
  { names, access }: Guarded,
  op: Op,
  client: string,
): ErrorResult | undefined {
  if (names.restricted === 0 || !('path' in op)) return undefined;
  const list = listOf(op);
  const node = list && guardedNode(names, op);
  return list && node && access.refuse(node, list, client);
}

/**
 * The same before the commit, over committed names: what does not stand there yet will have the ACL of the
 * nearest node above it.
 */
export function refusePending(
  { names, access }: Guarded,
  op: Op,
  client: string,
): ErrorResult | undefined {
  if (names.restricted === 0 || !('path' in op)) return undefined;
  const list = listOf(op);
  const at = op.kind === 'createSequential' ? parentPath(op.path) : op.path;
  const node = list && nearest(names, at);
  return list && node && access.refuse(node, list, client);
}

/** What stands at a path, or at the nearest place above. */
function nearest(names: Names, path: string): Node | undefined {
  const node = names.find(path);
  return node !== undefined || path === '/' ? node : nearest(names, parentPath(path));
}

/** Whether a client may hear of what happened at a path. */
export function mayHear({ names, access }: Guarded, path: string, client: string): boolean {
  if (names.restricted === 0) return true;
  const node = nearest(names, path);
  return node === undefined || access.refuse(node, 'read', client) === undefined;
}

/** Why a client may not ask this. Code `access_denied`. */
export function refuseQuery(
  { names, access }: Guarded,
  query: Query,
  client: string,
): ErrorResult | undefined {
  if (names.restricted === 0 || !('path' in query)) return undefined;
  const node = names.find(query.path);
  if (node === undefined) return undefined;
  const refusal = access.refuse(node, 'read', client);
  // Whoever may change the lists may see them.
  const mayChange = query.kind === 'acl' && access.refuse(node, 'change', client) === undefined;
  return mayChange ? undefined : refusal;
}

/** Why a client may not see what stands at a path; what does not stand there is no secret. */
export function refuseRead(
  { names, access }: Guarded,
  path: string,
  client: string,
): ErrorResult | undefined {
  if (names.restricted === 0) return undefined;
  const node = names.find(path);
  return node && access.refuse(node, 'read', client);
}
