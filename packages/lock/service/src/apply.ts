// What each op does to the state.
import {
  type ErrorResult,
  equalPositions,
  errorResult,
  ORIGIN,
  type Result,
  SUBTREE_NODES_MAX,
  showPosition,
} from '@fatty/api';
import { refuseOp } from './access.ts';
import { changeFile } from './file-ops.ts';
import { revokeKey, rotateKey } from './key-ops.ts';
import type { Request } from './lock-queue.ts';
import type { FormedOp } from './open.ts';
import { closeSession, thingsOf } from './session-expiry.ts';
import type { Session } from './sessions.ts';
import type { State } from './state.ts';
import { applyTxn } from './transactions.ts';
import { fileTurn, type Turn } from './turn.ts';

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
    case 'rotateKey':
      return rotateKey(state, op, turn);
    case 'revokeKey':
      return revokeKey(state, op, turn);
    case 'create':
    case 'createSequential':
    case 'write':
    case 'compareAndSet':
      return changeFile(state, op, turn);
    case 'remove':
      return remove(state, op, turn);
    case 'txn':
      return applyTxn(state, op, turn);
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
      return state.jobs.prove(op, session, { id: fileTurn(turn).id, at, ledger });
    case 'failJob':
      return state.jobs.fail(op, session.identity, at, ledger);
    case 'cancelJob':
      return state.jobs.cancel(op.path, session, at, ledger);
  }
}

function close(state: State, { session, at, ledger }: Turn): Result {
  const refusal = ledger.refuseFull(thingsOf(state, session));
  if (refusal) return refusal;
  closeSession(state, session, ledger);
  return { kind: 'sessionClosed', position: at };
}

function remove(state: State, op: Of<'remove'>, turn: Turn): Result {
  const refusal = turn.ledger.refuseFull();
  if (refusal) return refusal;
  const result = changeFile(state, op, turn);
  state.locks.settle(turn.ledger);
  return result;
}

function removeSubtree(state: State, op: Of<'removeSubtree'>, turn: Turn): Result {
  const { session, ledger } = turn;
  const refusal = ledger.refuseFull();
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
  return state.machines.declare(op, session, fileTurn(turn).id, at, ledger, notBefore);
}

/** Whoever makes a job of what another one comes to reads it. */
function declareJob(state: State, op: Of<'declareJob'>, turn: Turn): Result {
  const { session, at, ledger } = turn;
  for (const input of op.inputs) {
    const source = input.kind === 'result' ? state.names.find(input.path) : undefined;
    const refusal = source && state.access.refuse(source, 'read', session.owner);
    if (refusal) return refusal;
  }
  return state.jobs.declare(op, session, fileTurn(turn).id, at, ledger);
}

/** A queue shows a worker the jobs that it may write to, and no others. */
function claimJob(state: State, { path }: Of<'claimJob'>, turn: Turn): Result {
  const { session, at, ledger } = turn;
  const mayWrite = (job: string): boolean => {
    const node = state.names.find(job);
    return node !== undefined && !state.access.refuse(node, 'write', session.owner);
  };
  return state.jobs.claim({ path, worker: session.identity, mayWrite }, at, ledger);
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
