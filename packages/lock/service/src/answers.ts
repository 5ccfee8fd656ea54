// Answers to queries, from any view.
import {
  type Answer,
  CONTENTS_BYTES_MAX,
  checkQuery,
  comparePaths,
  type Entry,
  errorResult,
  type JobEntry,
  type NodeKind,
  ORIGIN,
  opKey,
  type Party,
  type Query,
  type Stat,
} from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { CellContext, PublicKey } from '@fatty/interface';
import type { CellParams } from '@fatty/protocol';
import { aclAt, refuseQuery, refuseRead } from './access.ts';
import { showInbox } from './inbox.ts';
import { showEntry, showJob } from './job-state.ts';
import { jobOf, machineOf } from './machine-state.ts';
import { type Node, nameText, refused } from './names.ts';
import type { Claim } from './sessions.ts';
import type { State } from './state.ts';

type Of<K extends Query['kind']> = Extract<Query, { kind: K }>;

/** What a replica knows about the cell besides its state. */
export interface Surroundings {
  readonly cell: CellContext;
  readonly params: CellParams;
}

/**
 * Answers a query over whatever view `state` is. `client`: who asks; undefined: whoever runs this replica, who
 * may see everything. Never throws, changes nothing.
 */
export function answer(
  state: State,
  query: Query,
  around: Surroundings,
  client: PublicKey | undefined,
): Answer {
  const checked = checkQuery(query);
  if (checked.kind !== 'accept') return refused(checked);
  const asker = client && state.keys.nameOf(client);
  const denied = asker === undefined ? undefined : refuseQuery(state, query, asker);
  if (denied) return denied;
  switch (query.kind) {
    case 'get':
    case 'contents':
      return value(state, query);
    case 'own':
      return errorResult('other_algorithm', 'a query of the lock service', 'another one');
    case 'stat': {
      const node = state.names.find(query.path);
      return node ? { kind: 'stat', stat: statOf(state, node) } : notFound();
    }
    case 'acl':
      return acl(state, query);
    case 'list':
      return list(state, query);
    case 'session':
      return session(state, query, asker);
    case 'lock':
      return lock(state, query);
    case 'machine':
      return machine(state, query);
    case 'job':
      return job(state, query);
    case 'jobs':
      return jobs(state, query, asker);
    case 'key':
      return key(state, query);
    case 'members':
      return members(state, around);
    case 'status':
      return status(state);
  }
}

function notFound(): Answer {
  return errorResult('not_found', 'a live node', 'none');
}

function kindOf(node: Node): NodeKind {
  return node.slot?.kind ?? node.kind;
}

function statOf(state: State, node: Node): Stat {
  const stat = state.names.stat(node);
  return {
    id: stat.id,
    node: kindOf(node),
    mode: stat.mode,
    ephemeral: stat.ephemeral ? node.dots[0]?.id.session : undefined,
    dots: node.dots.map((dot) => dot.id),
    instance: stat.instance,
    contentGen: stat.contentGen,
    lockGen: stat.lockGen,
    aclGen: stat.aclGen,
    checksum: stat.checksum,
    sizeBytes: stat.size,
    createdTs: stat.created?.timeMs ?? 0,
    modifiedTs: stat.modified?.timeMs ?? 0,
    owner: stat.owner,
    children: stat.children,
  };
}

function value(state: State, query: Of<'get' | 'contents'>): Answer {
  const node = state.names.find(query.path);
  if (node === undefined) return notFound();
  if (node.kind !== 'file') return errorResult('not_a_file', 'a file', kindOf(node));
  const asked = query.kind === 'get' ? undefined : new Set(query.dots.map(opKey));
  const wanted = asked ? node.siblings.filter(({ id }) => asked.has(opKey(id))) : node.siblings;
  const fitting = countFitting(wanted.map(({ bytes }) => bytes.length));
  const siblings = wanted.slice(0, fitting).map(({ id, bytes }) => ({ dot: id, content: bytes }));
  const more = wanted.slice(fitting).map(({ id }) => id);
  return { kind: 'value', stat: statOf(state, node), siblings, more };
}

/** How many contents of these sizes one answer holds, from the first on: at least one. */
function countFitting(sizes: readonly number[]): number {
  let room = CONTENTS_BYTES_MAX;
  const over = sizes.findIndex((size, i) => {
    room -= size;
    return i > 0 && room < 0;
  });
  return over < 0 ? sizes.length : over;
}

function list(state: State, { path, after, limit }: Of<'list'>): Answer {
  const node = state.names.find(path);
  if (node === undefined) return notFound();
  if (node.kind !== 'directory') {
    return errorResult('not_a_directory', 'a directory', kindOf(node));
  }
  const entries: Entry[] = [];
  for (const child of state.names.list(node, after)) {
    if (entries.length === limit) return { kind: 'list', entries, more: true };
    entries.push({ name: nameText(child.name), id: child.id, node: kindOf(child) });
  }
  return { kind: 'list', entries, more: false };
}

function acl(state: State, { path }: Of<'acl'>): Answer {
  const node = state.names.find(path);
  if (node === undefined) return notFound();
  return { kind: 'acl', acl: aclAt(node), aclGen: node.aclGen ?? ORIGIN };
}

/** To others a session shows what they may read. */
function session(state: State, { id }: Of<'session'>, asker: string | undefined): Answer {
  const found = state.sessions.get(toHex(id));
  if (found === undefined) return errorResult('session_unknown', 'a live session', 'none');
  const isShown = (path: string): boolean =>
    asker === undefined || asker === found.owner || refuseRead(state, path, asker) === undefined;
  const claims = [...found.claims.values()]
    .filter(({ path }) => isShown(path))
    .sort((a, b) => comparePaths(a.path, b.path));
  const place = ({
    path,
    seq,
    index,
    mode,
  }: Claim): Pick<Claim, 'path' | 'seq' | 'index' | 'mode'> => ({
    path,
    seq,
    index,
    mode,
  });
  const { client, lastSeq, leaseMs, expiry, i, lastNumber } = found;
  return {
    kind: 'session',
    client,
    lastSeq,
    leaseMs,
    leaseExpiry: expiry,
    i,
    lastNumber,
    holds: claims.flatMap((one) => (one.held ? [{ ...place(one), lockGen: one.position }] : [])),
    waits: claims.flatMap((one) => (one.held ? [] : [{ ...place(one), position: one.position }])),
    ephemerals: [...new Set(found.ephemerals.values())].filter(isShown).sort(comparePaths),
  };
}

function partyOf({ session: { id, client, expiry }, seq, index, mode, position }: Claim): Party {
  return { session: id, client, seq, index, mode, position, leaseExpiry: expiry };
}

function lock(state: State, { path }: Of<'lock'>): Answer {
  const node = state.names.find(path);
  if (node === undefined) return notFound();
  const { holders = [], queue = [], allFrom = 0, exclusiveFrom = 0 } = state.locks.get(path) ?? {};
  return {
    kind: 'lock',
    holders: holders.map(partyOf),
    waiters: queue.map(partyOf),
    lockGen: node.lockGen,
    notBefore: Math.max(allFrom, exclusiveFrom),
  };
}

function machine(state: State, { path }: Of<'machine'>): Answer {
  const node = state.names.find(path);
  if (node === undefined) return notFound();
  const slot = machineOf(node);
  if (slot === undefined) return errorResult('not_a_machine', 'a machine', kindOf(node));
  const { programId, t, s, policy, binding, outputs, periodMs, lockDelayMs, nonce } = slot;
  const { lessee, notBefore, outputCount, inbox } = slot;
  return {
    kind: 'machine',
    id: node.id,
    programId,
    t,
    s,
    policy,
    binding,
    periodMs,
    lockDelayMs,
    nonce,
    outputCount,
    outputs,
    inbox: inbox && showInbox(inbox, periodMs, state.head.leaseClock),
    lessee: lessee?.client,
    lockGen: lessee?.lockGen ?? node.lockGen,
    leaseExpiry: lessee?.expiry ?? 0,
    notBefore,
    address: lessee?.address ?? '',
    published: lessee?.content ?? new Uint8Array(0),
  };
}

function job(state: State, { path }: Of<'job'>): Answer {
  const node = state.names.find(path);
  if (node === undefined) return notFound();
  const found = jobOf(node);
  if (found === undefined) return errorResult('not_a_job', 'a job', kindOf(node));
  return { kind: 'job', ...showJob(found, node.owner) };
}

/** Children that are no jobs, or that the asker may not read, do not show. */
function jobs(state: State, { path, after, limit }: Of<'jobs'>, asker: string | undefined): Answer {
  const node = state.names.find(path);
  if (node === undefined) return notFound();
  if (node.kind !== 'directory') {
    return errorResult('not_a_directory', 'a directory', kindOf(node));
  }
  const entries: JobEntry[] = [];
  for (const child of state.names.list(node, after)) {
    const found = jobOf(child);
    if (found === undefined) continue;
    if (asker !== undefined && state.access.refuse(child, 'read', asker)) continue;
    if (entries.length === limit) return { kind: 'jobs', entries, more: true };
    entries.push(showEntry(nameText(child.name), found));
  }
  return { kind: 'jobs', entries, more: false };
}

function key({ keys }: State, { key: asked }: Of<'key'>): Answer {
  const identity = keys.identityOf(asked);
  return {
    kind: 'key',
    identity,
    current: keys.currentOf(identity),
    standing: keys.recordOf(asked)?.standing ?? 'current',
    isRevoked: keys.isRevoked(toHex(identity)),
  };
}

function members({ head }: State, { cell, params }: Surroundings): Answer {
  const keys = new Set(head.convicted.map(toHex));
  const convicted = cell.members.flatMap((key, index) => (keys.has(toHex(key)) ? [index] : []));
  return { kind: 'members', epoch: head.epoch, members: cell.members, params, convicted };
}

function status({ head, sessions, names, locks, machines }: State): Answer {
  const { epoch, commit, commitTs, leaseClock } = head;
  return {
    kind: 'status',
    epoch,
    commit,
    commitTs,
    leaseClock,
    sessions: sessions.size,
    nodes: names.size,
    holds: locks.holds,
    waits: locks.waits,
    machines: machines.size,
  };
}
