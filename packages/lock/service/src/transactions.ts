// Transactions: conditions, and a branch of file ops that is done whole or not at all.
import {
  type Compare,
  comparePositions,
  type ErrorResult,
  equalPositions,
  errorResult,
  type FileOp,
  type Order,
  type Result,
  type Txn,
} from '@fatty/api';
import { equalBytes } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { Access, refuseOp, refuseRead } from './access.ts';
import { applyFileOp, changeFile } from './file-ops.ts';
import type { Node } from './names.ts';
import type { State } from './state.ts';
import { fileTurn, type Turn } from './turn.ts';

/**
 * Tries the branch on a fork first. Its ops change names and accounts alone, and of the rest only look at
 * locks; so what got through on the fork gets through here.
 */
export function applyTxn(state: State, txn: Txn, turn: Turn): Result {
  const { at, ledger } = turn;
  const unseen = refuseCompares(state, txn, turn);
  if (unseen) return unseen;
  const succeeded = txn.compares.every((compare) => holds(state, compare));
  const branch = succeeded ? txn.success : txn.failure;
  const refusal = refuseWork(state, branch, turn) ?? rehearse(state, branch, turn);
  if (refusal) return refusal;
  // The first op stands at the transaction's own position, and what the ops end behind the last.
  for (let taken = 1; taken < branch.length; taken++) ledger.next();
  for (const [part, op] of branch.entries()) changeFile(state, op, turn, part);
  state.locks.settle(ledger);
  return { kind: 'txnDone', succeeded, position: at };
}

/** A condition says something about what stands at its path. */
function refuseCompares(
  state: State,
  { compares }: Txn,
  { session }: Turn,
): ErrorResult | undefined {
  for (const [i, { path }] of compares.entries()) {
    const refusal = refuseRead(state, path, session.owner);
    if (refusal)
      return errorResult(refusal.code, `compares[${i}]: ${refusal.expected}`, refusal.actual);
  }
  return undefined;
}

/** Each op counts as if it stood alone. */
function refuseWork(state: State, branch: readonly FileOp[], turn: Turn): ErrorResult | undefined {
  const { accounts } = state;
  for (const _ of branch) {
    if (accounts.countOp(turn.session.owner)) continue;
    return errorResult('quota_ops', `at most ${accounts.opsPerCommitMax} a commit`, 'more');
  }
  const removes = branch.filter(({ kind }) => kind === 'remove').length;
  return turn.ledger.refuseFull(removes);
}

/** What the first op that is refused says; it is named by its place in the branch. */
function rehearse(state: State, branch: readonly FileOp[], turn: Turn): ErrorResult | undefined {
  if (branch.length === 0) return undefined;
  const { names } = state.fork();
  // Who is in a group is what the ops before have made of it.
  const fork = { names, locks: state.locks, access: new Access(names) };
  const gone = new Set<string>();
  for (const [part, op] of branch.entries()) {
    const denied = refuseOp(fork, op, turn.session.owner);
    const { result, died = [] } = denied
      ? { result: denied }
      : applyFileOp(fork, op, fileTurn(turn, part), gone);
    for (const node of died) gone.add(names.pathOf(node));
    if (result.kind !== 'error') continue;
    return errorResult(result.code, `op ${part}: ${result.expected}`, result.actual, result.waitMs);
  }
  return undefined;
}

function holds(state: State, compare: Compare): boolean {
  const node = state.names.find(compare.path);
  if (compare.kind === 'exists') return (node !== undefined) === compare.exists;
  if (node === undefined) return false;
  switch (compare.kind) {
    case 'generation':
      return stands(generationOf(node, compare.of), compare.is, compare.position);
    case 'checksum': {
      const isEqual = node.kind === 'file' && equalBytes(checksumOf(state, node), compare.checksum);
      return isEqual === (compare.is === 'equal');
    }
    case 'held':
      return isHeld(state, compare.path, compare.lockGen);
  }
}

function generationOf(node: Node, of: 'instance' | 'contentGen' | 'lockGen'): Position | undefined {
  return of === 'instance' ? node.created?.position : node[of];
}

function checksumOf(state: State, node: Node): Uint8Array {
  return state.names.stat(node).checksum;
}

function isHeld(state: State, path: string, lockGen: Position): boolean {
  const { holders } = state.locks.get(path) ?? { holders: [] };
  return holders.some(({ position }) => equalPositions(position, lockGen));
}

/** What is not there yet is less than everything. */
function stands(actual: Position | undefined, is: Order, given: Position): boolean {
  const order = actual === undefined ? -1 : comparePositions(actual, given);
  switch (is) {
    case 'equal':
      return order === 0;
    case 'notEqual':
      return order !== 0;
    case 'less':
      return order < 0;
    case 'greater':
      return order > 0;
  }
}
