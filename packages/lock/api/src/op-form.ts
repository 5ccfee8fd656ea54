// The form that an op must have, from its bytes alone.
import { ACCEPT, quote, reject } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';
import type { CellParams } from '@fatty/protocol';
import { checkAcl } from './acl.ts';
import { isFelt } from './felt.ts';
import { sequentialPath } from './fencing-token.ts';
import type { FileOp } from './file-ops.ts';
import { all, checkBits, checkCells, checkPath, within } from './form-rules.ts';
import { ORIGIN } from './ids.ts';
import { checkDeclareJob } from './job-form.ts';
import type { Op } from './ops.ts';
import { splitPath } from './path.ts';
import { LIST_MAX, type Query } from './queries.ts';
import type { Txn } from './txn.ts';

/** The shortest lease of a session, ms. */
export const LEASE_MS_MIN = 4_000;
/** The longest lease of a session, ms. */
export const LEASE_MS_MAX = 60_000;
/** The longest lock-delay, ms. */
export const LOCK_DELAY_MS_MAX = 60_000;
/** The longest wait in a lock's queue, ms. */
export const WAIT_MS_MAX: number = 24 * 3_600_000;

function checkReadable(path: string): Verdict {
  const segments = splitPath(path);
  return segments.ok ? ACCEPT : { kind: 'reject', ...segments.failure };
}

function checkContent(content: Uint8Array, params: CellParams): Verdict {
  const max = params.limits.fileBytesMax;
  return within('content_too_large', content.length, 0, max, 'bytes');
}

function checkDelay(lockDelayMs: number): Verdict {
  return within('bad_lock_delay', lockDelayMs, 0, LOCK_DELAY_MS_MAX, 'ms');
}

function checkCreate(
  op: Extract<Op, { kind: 'create' | 'createSequential' }>,
  params: CellParams,
): Verdict {
  if (op.node === 'directory' && op.content.length > 0) {
    return reject('not_a_file', 'a directory without content', `${op.content.length} bytes`);
  }
  return all(checkPath(op.path), checkContent(op.content, params));
}

function checkDeclare(op: Extract<Op, { kind: 'declareMachine' }>, params: CellParams): Verdict {
  const { policy, inbox } = op;
  if (inbox?.window === 0) return reject('bad_inbox', 'a window of entries', '0');
  return all(
    checkPath(op.path),
    within('bad_period', op.periodMs, params.periodMsMin, params.periodMsMax, 'ms'),
    checkDelay(op.lockDelayMs),
    checkCells(op.outputs, inbox?.window ?? 0),
    checkBits(policy),
  );
}

function checkProofs(
  op: Extract<Op, { kind: 'takeMachine' | 'renewMachine' | 'proveJob' }>,
): Verdict {
  if (op.proofs.length === 0) return reject('no_proof', 'at least one proof', 'none');
  return all(checkPath(op.path), checkCells(op.outputs, op.inbox));
}

function checkTxn({ compares, success, failure }: Txn, params: CellParams): Verdict {
  const branch = (name: string, ops: readonly FileOp[]): Verdict =>
    all(...ops.map((op, i) => placed(`${name}[${i}]`, checkOp(op, params))));
  return all(
    ...compares.map(({ path }, i) => placed(`compares[${i}]`, checkReadable(path))),
    branch('success', success),
    branch('failure', failure),
  );
}

/** Says where a refusal belongs. */
function placed(at: string, verdict: Verdict): Verdict {
  if (verdict.kind !== 'reject') return verdict;
  return { ...verdict, expected: `${at}: ${verdict.expected}` };
}

/**
 * The rules of form (part of R11a): a pure function of the op and the epoch's parameters.
 * A client runs it before signing, a replica before referencing. Codes: `bad_path`,
 * `reserved_path`,
 * `bad_lease`, `bad_wait`, `bad_lock_delay`, `content_too_large`, `not_a_file`, `no_expectation`,
 * `no_dots`, `bad_acl`, `bad_period`, `bad_policy`, `bad_outputs`, `bad_inbox`, `bad_entry`,
 * `no_proof`, `bad_job`.
 */
export function checkOp(op: Op, params: CellParams): Verdict {
  switch (op.kind) {
    case 'openSession':
      return within('bad_lease', op.leaseMs, LEASE_MS_MIN, LEASE_MS_MAX, 'ms');
    case 'closeSession':
    case 'own':
    case 'reanchor':
    case 'cancel':
    case 'rotateKey':
    case 'revokeKey':
      return ACCEPT;
    case 'create':
      return checkCreate(op, params);
    case 'createSequential':
      // All tokens are equally long.
      return all(checkPath(sequentialPath(op.path, ORIGIN)), checkCreate(op, params));
    case 'write':
      return all(checkPath(op.path), checkContent(op.content, params));
    case 'compareAndSet':
      if (op.generation === undefined && op.lockGen === undefined) {
        return reject('no_expectation', 'a generation or a lock generation', 'neither');
      }
      return all(checkPath(op.path), checkContent(op.content, params));
    case 'remove':
      if (op.dots.length === 0) return reject('no_dots', 'at least one dot', 'none');
      return checkPath(op.path);
    case 'txn':
      return checkTxn(op, params);
    case 'acquire':
      return all(
        checkPath(op.path),
        within('bad_wait', op.maxWaitMs ?? 0, 0, WAIT_MS_MAX, 'ms'),
        checkDelay(op.lockDelayMs),
      );
    case 'tryAcquire':
      return all(checkPath(op.path), checkDelay(op.lockDelayMs));
    case 'removeSubtree':
    case 'release':
    case 'releaseMachine':
    case 'publish':
      return checkPath(op.path);
    case 'setAcl':
      return all(op.path === '/' ? ACCEPT : checkPath(op.path), checkAcl(op.acl, op.path));
    case 'declareMachine':
      return checkDeclare(op, params);
    case 'takeMachine':
    case 'renewMachine':
    case 'proveJob':
      return checkProofs(op);
    case 'declareJob':
      return checkDeclareJob(op, params);
    case 'claimJob':
    case 'failJob':
    case 'cancelJob':
      return checkPath(op.path);
    case 'post':
      if (op.entry === 0n || !isFelt(op.entry)) {
        return reject('bad_entry', 'a number of the field other than 0', quote(op.entry));
      }
      return checkPath(op.path);
  }
}

/**
 * The rules of form of a query, for clients before they ask and for replicas before they answer.
 * Codes: `bad_path`, `bad_limit`.
 */
export function checkQuery(query: Query): Verdict {
  if ('path' in query) {
    const path = checkReadable(query.path);
    if (path.kind !== 'accept') return path;
  }
  if (query.kind !== 'list' && query.kind !== 'jobs') return ACCEPT;
  return within('bad_limit', query.limit, 1, LIST_MAX, 'entries');
}
