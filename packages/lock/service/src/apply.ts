// What each op does to the state.
import {
  type Dot,
  type ErrorResult,
  equalPositions,
  errorResult,
  ORIGIN,
  type Result,
  SUBTREE_NODES_MAX,
  showPosition,
} from '@fatty/api';
import type { Position } from '@fatty/interface';
import { refuseOp } from './access.ts';
import type { Ledger } from './ledger.ts';
import type { Request } from './lock-queue.ts';
import { whoHolds } from './lock-state.ts';
import type { Node, Writing } from './names.ts';
import type { FormedOp } from './open.ts';
import { closeSession, thingsOf } from './session-expiry.ts';
import type { Session } from './sessions.ts';
import type { State } from './state.ts';

/** Whose op it is and where in the total order. */
export interface Turn {
  readonly session: Session;
  readonly seq: number;
  readonly index: number;
  readonly at: Position;
  readonly ledger: Ledger;
}

type Of<K extends FormedOp['kind']> = Extract<FormedOp, { kind: K }>;

/**
 * R21 (2): one op of a live session, already checked for form. Total: every path ends in a result.
 */
export function applyOp(state: State, op: FormedOp, turn: Turn): Result {
  const { session, at, ledger } = turn;
  const refusal = refuseOp(state, op, session.owner);
  if (refusal) return refusal;
  switch (op.kind) {
    case 'openSession':
      return errorResult('misplaced_open', 'op 0 of batch 0', `op ${turn.index} of ${turn.seq}`);
    case 'own':
      return errorResult('other_algorithm', 'an op of the lock service', 'another one');
    case 'closeSession':
      return close(state, turn);
    case 'reanchor':
      state.sessions.reanchor(session, op.anchor, ledger.now);
      return { kind: 'reanchored', leaseExpiry: session.expiry };
    case 'create':
      return create(state, op, turn);
    case 'write':
      return write(state, op, turn);
    case 'compareAndSet':
      return compareAndSet(state, op, turn);
    case 'remove':
      return remove(state, op, turn);
    case 'removeSubtree':
      return removeSubtree(state, op, turn);
    case 'setAcl':
      return setAcl(state, op, turn);
    case 'acquire':
      return acquire(state, op, turn);
    case 'tryAcquire':
      return acquire(state, op, turn);
    case 'release':
      return state.locks.release(session, op.path, op.lockGen, ledger);
    case 'cancel':
      return state.locks.cancel(session, op.seq, op.index, ledger);
    case 'declareMachine':
      return declareMachine(state, op, turn);
    case 'takeMachine':
      return state.machines.take(op, session, at, ledger);
    case 'renewMachine':
      return state.machines.renew(op, session, at, ledger);
    case 'releaseMachine':
      return state.machines.release(op.path, session, at, ledger);
    case 'publish':
      return state.machines.publish(op, session, at, ledger);
    case 'post':
      return state.machines.post(op, session, at, ledger);
    case 'declareJob':
      return declareJob(state, op, turn);
    case 'claimJob':
      return claimJob(state, op, turn);
    case 'proveJob':
      return state.jobs.prove(op, session.client, { id: dotOf(turn), at, ledger });
    case 'failJob':
      return state.jobs.fail(op, session.client, at, ledger);
    case 'cancelJob':
      return state.jobs.cancel(op.path, session, at, ledger);
  }
}

function dotOf({ session, seq, index }: Turn): Dot {
  return { session: session.id, seq, index };
}

function create(state: State, op: Of<'create'>, turn: Turn): Result {
  const { session, at, ledger } = turn;
  const created = state.names.create({
    path: op.path,
    id: dotOf(turn),
    owner: session.client,
    kind: op.node,
    mode: op.mode,
    ephemeral: op.ephemeral,
    exclusive: op.exclusive,
    content: op.content,
    slot: undefined,
    stamp: { position: at, timeMs: ledger.ts },
  });
  if ('kind' in created) return created;
  const { node, existed } = created;
  tellCreated(node, op, existed, turn);
  return { kind: 'created', node: node.id, instance: node.created?.position ?? at, existed };
}

function tellCreated(node: Node, op: Of<'create'>, existed: boolean, turn: Turn): void {
  const { ledger, at } = turn;
  const { path, ephemeral } = op;
  if (existed) return tellModified(node, path, turn);
  ledger.happened({ kind: 'added', path, node: op.node, ephemeral, instance: at });
}

/** A create that joins a guarded file leaves its content alone. */
function tellModified(node: Node, path: string, { at, ledger }: Turn): void {
  const { contentGen: generation } = node;
  if (generation === undefined || !equalPositions(generation, at)) return;
  ledger.happened({ kind: 'modified', path, generation });
}

/** The file to be written, when its mode is the op's. */
function fileOf(state: State, path: string, mode: Node['mode']): Node | ErrorResult {
  const node = state.names.find(path);
  if (node === undefined) return errorResult('not_found', 'a file', 'no live node');
  if (node.slot !== undefined) return errorResult('not_a_file', 'a file', `a ${node.slot.kind}`);
  if (node.kind !== 'file') return errorResult('not_a_file', 'a file', node.kind);
  return node.mode === mode ? node : errorResult('wrong_mode', `${mode} content`, node.mode);
}

function isError(found: Node | ErrorResult): found is ErrorResult {
  return found.kind === 'error';
}

function write(state: State, op: Of<'write'>, turn: Turn): Result {
  const node = fileOf(state, op.path, 'shared');
  if (isError(node)) return node;
  return put(state, node, op.path, { content: op.content, replaces: op.observed }, turn);
}

function put(
  state: State,
  node: Node,
  path: string,
  what: Pick<Writing, 'content' | 'replaces'>,
  turn: Turn,
): Result {
  const stamp = { position: turn.at, timeMs: turn.ledger.ts };
  const refusal = state.names.write(node, { id: dotOf(turn), ...what, stamp });
  if (refusal) return refusal;
  turn.ledger.happened({ kind: 'modified', path, generation: turn.at });
  return { kind: 'written', generation: turn.at };
}

function compareAndSet(state: State, op: Of<'compareAndSet'>, turn: Turn): Result {
  const node = fileOf(state, op.path, 'guarded');
  if (isError(node)) return node;
  const { generation } = op;
  const refusal = refuseGuarded(state, op, turn.session);
  if (refusal) return refusal;
  if (generation !== undefined && !equalPositions(generation, node.contentGen)) {
    const actual = showPosition(node.contentGen);
    return errorResult('generation_mismatch', showPosition(generation), actual);
  }
  return put(state, node, op.path, { content: op.content, replaces: [] }, turn);
}

/**
 * While a guarded file is locked, it refuses writers that do not name the live hold as their own.
 */
function refuseGuarded(
  state: State,
  { path, lockGen }: Of<'compareAndSet'>,
  session: Session,
): ErrorResult | undefined {
  const own = session.claims.get(path);
  const holds = own?.held === true && own.mode === 'exclusive';
  if (lockGen !== undefined) {
    if (holds && equalPositions(lockGen, own.position)) return undefined;
    const actual = holds ? showPosition(own.position) : 'no exclusive hold';
    return errorResult('lock_mismatch', `a hold of generation ${showPosition(lockGen)}`, actual);
  }
  const lock = state.locks.get(path);
  if (lock === undefined || lock.holders.length === 0) return undefined;
  return errorResult('lock_held', 'the generation of its lock', `none given; ${whoHolds(lock)}`);
}

/**
 * How much of what others have made a commit may end is bounded: each was cheap to make, one by
 * one.
 */
function refuseFull({ ledger }: Pick<Turn, 'ledger'>, things = 1): ErrorResult | undefined {
  if (things <= ledger.room) return undefined;
  const expected = `at most ${ledger.effectsMax} things ended by a commit`;
  return errorResult('commit_full', expected, `room for ${ledger.room}`);
}

function close(state: State, { session, at, ledger }: Turn): Result {
  const refusal = refuseFull({ ledger }, thingsOf(state, session));
  if (refusal) return refusal;
  closeSession(state, session, ledger);
  return { kind: 'sessionClosed', position: at };
}

function remove(state: State, op: Of<'remove'>, turn: Turn): Result {
  const refusal = refuseFull(turn);
  if (refusal) return refusal;
  const removed = state.names.remove(op.path, op.dots);
  if ('kind' in removed) return removed;
  state.bury(removed.died, turn.session, turn.ledger);
  state.locks.settle(turn.ledger);
  return { kind: 'removed', dead: removed.died.length > 0 };
}

function removeSubtree(state: State, op: Of<'removeSubtree'>, turn: Turn): Result {
  const { session, ledger } = turn;
  const refusal = refuseFull(turn);
  if (refusal) return refusal;
  let [nodes, left] = [0, 1];
  let denied: ErrorResult | undefined;
  // One at a time: thousands may hold or wait at any of them.
  while (left > 0 && nodes < SUBTREE_NODES_MAX && (nodes === 0 || ledger.room > 0)) {
    denied = refuseNext(state, op.path, session);
    if (denied) break;
    const removed = state.names.removeSubtree(op.path, 1);
    if ('kind' in removed) return removed;
    state.bury(removed.died, session, ledger);
    nodes += removed.died.length;
    left = removed.left;
  }
  state.locks.settle(ledger);
  // What has gone before is told first; who asks again hears why the rest stays.
  return denied && nodes === 0 ? denied : { kind: 'subtreeRemoved', nodes, left };
}

/** Why the node that would go next stays. */
function refuseNext(
  { names, access }: State,
  path: string,
  { owner }: Session,
): ErrorResult | undefined {
  const top = names.restricted === 0 ? undefined : names.find(path);
  return top && access.refuse(names.firstToGo(top), 'write', owner);
}

function setAcl({ names }: State, op: Of<'setAcl'>, { at, ledger }: Turn): Result {
  const node = names.find(op.path);
  if (node === undefined) return errorResult('not_found', 'a live node', 'none');
  const aclGen = node.aclGen ?? ORIGIN;
  if (!equalPositions(op.generation, aclGen)) {
    const expected = showPosition(op.generation);
    return errorResult('generation_mismatch', expected, showPosition(aclGen));
  }
  const refusal = names.setAcl(node, op.acl, at);
  if (refusal) return refusal;
  ledger.happened({ kind: 'aclChanged', path: op.path, aclGen: at });
  return { kind: 'aclSet', aclGen: at };
}

function declareMachine(state: State, op: Of<'declareMachine'>, turn: Turn): Result {
  const { session, at, ledger } = turn;
  const notBefore = state.locks.notBefore(op.path);
  return state.machines.declare(op, session, dotOf(turn), at, ledger, notBefore);
}

/** Whoever makes a job of what another one comes to reads it. */
function declareJob(state: State, op: Of<'declareJob'>, turn: Turn): Result {
  const { session, at, ledger } = turn;
  for (const input of op.inputs) {
    const source = input.kind === 'result' ? state.names.find(input.path) : undefined;
    const refusal = source && state.access.refuse(source, 'read', session.owner);
    if (refusal) return refusal;
  }
  return state.jobs.declare(op, session, dotOf(turn), at, ledger);
}

/** A queue shows a worker the jobs that it may write to, and no others. */
function claimJob(state: State, { path }: Of<'claimJob'>, turn: Turn): Result {
  const { session, at, ledger } = turn;
  const mayWrite = (job: string): boolean => {
    const node = state.names.find(job);
    return node !== undefined && !state.access.refuse(node, 'write', session.owner);
  };
  return state.jobs.claim({ path, worker: session.client, mayWrite }, at, ledger);
}

function acquire(state: State, op: Of<'acquire' | 'tryAcquire'>, turn: Turn): Result {
  if (state.names.find(op.path) === undefined) {
    return errorResult('not_found', 'a live node', 'none');
  }
  const { session, seq, index, at, ledger } = turn;
  const { path, mode, lockDelayMs } = op;
  const request: Request = { path, session, seq, index, mode, lockDelayMs };
  if (op.kind === 'tryAcquire') return state.locks.tryAcquire(request, at, ledger);
  return state.locks.acquire(request, op.maxWaitMs, at, ledger);
}
