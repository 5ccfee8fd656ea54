// What ops on files and directories do to the namespace.
import {
  type ErrorResult,
  type EventBody,
  equalPositions,
  errorResult,
  type FileOp,
  type Result,
  sequentialPath,
  showPosition,
} from '@fatty/api';
import type { Position } from '@fatty/interface';
import { whoHolds } from './lock-state.ts';
import type { Node, Writing } from './names.ts';
import type { Session } from './sessions.ts';
import type { State } from './state.ts';
import { type FileTurn, fileTurn, type Turn } from './turn.ts';

type Of<K extends FileOp['kind']> = Extract<FileOp, { kind: K }>;

/** What such an op changes, and what it looks at. */
export type FileState = Pick<State, 'names' | 'locks'>;

/** What came of one op on a file. */
export interface FileOutcome {
  readonly result: Result;
  /** Nodes whose locks and machines have to end with them. */
  readonly died?: readonly Node[];
  /** For whoever watches; of `died` there are more. */
  readonly event?: EventBody | undefined;
}

/** One op on a file, with all that comes of it; grants that it makes possible are left to the caller. */
export function changeFile(state: State, op: FileOp, turn: Turn, part?: number): Result {
  const { session, ledger } = turn;
  const { result, died = [], event } = applyFileOp(state, op, fileTurn(turn, part));
  if (event) ledger.happened(event);
  state.bury(died, session, ledger);
  return result;
}

/** Paths whose locks are as good as gone: a fork's own locks are those of the state. */
type Gone = ReadonlySet<string>;
const NOWHERE: Gone = new Set();

/**
 * One op on a file. It changes names and accounts alone, and only reads the rest: so it can be tried on a fork
 * of the state, and comes to the same there.
 */
export function applyFileOp(
  state: FileState,
  op: FileOp,
  turn: FileTurn,
  gone: Gone = NOWHERE,
): FileOutcome {
  switch (op.kind) {
    case 'create':
      return create(state, op, turn);
    case 'createSequential': {
      const path = sequentialPath(op.path, turn.at);
      return create(state, { ...op, kind: 'create', path, exclusive: true }, turn);
    }
    case 'write':
      return write(state, op, turn);
    case 'compareAndSet':
      return compareAndSet(state, op, turn, gone);
    case 'remove':
      return remove(state, op);
  }
}

function create(state: FileState, op: Of<'create'>, turn: FileTurn): FileOutcome {
  const { session, id, at, ts } = turn;
  const created = state.names.create({
    path: op.path,
    id,
    owner: session.identity,
    kind: op.node,
    mode: op.mode,
    ephemeral: op.ephemeral,
    exclusive: op.exclusive,
    content: op.content,
    slot: undefined,
    stamp: { position: at, timeMs: ts },
  });
  if ('kind' in created) return { result: created };
  const { node, existed } = created;
  const instance = node.created?.position ?? at;
  const event = existed ? modified(node, op.path, at) : addedBy(op, at);
  return { result: { kind: 'created', node: node.id, instance, existed }, event };
}

function addedBy({ path, node, ephemeral }: Of<'create'>, instance: Position): EventBody {
  return { kind: 'added', path, node, ephemeral, instance };
}

/** A create that joins a guarded file leaves its content alone. */
function modified(node: Node, path: string, at: Position): EventBody | undefined {
  const { contentGen: generation } = node;
  if (generation === undefined || !equalPositions(generation, at)) return undefined;
  return { kind: 'modified', path, generation };
}

/** The file to be written, when its mode is the op's. */
function fileOf(state: FileState, path: string, mode: Node['mode']): Node | ErrorResult {
  const node = state.names.find(path);
  if (node === undefined) return errorResult('not_found', 'a file', 'no live node');
  if (node.slot !== undefined) return errorResult('not_a_file', 'a file', `a ${node.slot.kind}`);
  if (node.kind !== 'file') return errorResult('not_a_file', 'a file', node.kind);
  return node.mode === mode ? node : errorResult('wrong_mode', `${mode} content`, node.mode);
}

function isError(found: Node | ErrorResult): found is ErrorResult {
  return found.kind === 'error';
}

function write(state: FileState, op: Of<'write'>, turn: FileTurn): FileOutcome {
  const node = fileOf(state, op.path, 'shared');
  if (isError(node)) return { result: node };
  return put(state, node, op.path, { content: op.content, replaces: op.observed }, turn);
}

function put(
  state: FileState,
  node: Node,
  path: string,
  what: Pick<Writing, 'content' | 'replaces'>,
  { id, at, ts }: FileTurn,
): FileOutcome {
  const refusal = state.names.write(node, { id, ...what, stamp: { position: at, timeMs: ts } });
  if (refusal) return { result: refusal };
  const event: EventBody = { kind: 'modified', path, generation: at };
  return { result: { kind: 'written', generation: at }, event };
}

function compareAndSet(
  state: FileState,
  op: Of<'compareAndSet'>,
  turn: FileTurn,
  gone: Gone,
): FileOutcome {
  const node = fileOf(state, op.path, 'guarded');
  if (isError(node)) return { result: node };
  const { generation } = op;
  const refusal = refuseGuarded(state, op, turn.session, gone);
  if (refusal) return { result: refusal };
  if (generation !== undefined && !equalPositions(generation, node.contentGen)) {
    const actual = showPosition(node.contentGen);
    return { result: errorResult('generation_mismatch', showPosition(generation), actual) };
  }
  return put(state, node, op.path, { content: op.content, replaces: [] }, turn);
}

/**
 * While a guarded file is locked, it refuses writers that do not name the live hold as their own.
 */
function refuseGuarded(
  state: FileState,
  { path, lockGen }: Of<'compareAndSet'>,
  session: Session,
  gone: Gone,
): ErrorResult | undefined {
  const own = gone.has(path) ? undefined : session.claims.get(path);
  const holds = own?.held === true && own.mode === 'exclusive';
  if (lockGen !== undefined) {
    if (holds && equalPositions(lockGen, own.position)) return undefined;
    const actual = holds ? showPosition(own.position) : 'no exclusive hold';
    return errorResult('lock_mismatch', `a hold of generation ${showPosition(lockGen)}`, actual);
  }
  const lock = gone.has(path) ? undefined : state.locks.get(path);
  if (lock === undefined || lock.holders.length === 0) return undefined;
  return errorResult('lock_held', 'the generation of its lock', `none given; ${whoHolds(lock)}`);
}

function remove(state: FileState, op: Of<'remove'>): FileOutcome {
  const removed = state.names.remove(op.path, op.dots);
  if ('kind' in removed) return { result: removed };
  const { died } = removed;
  return { result: { kind: 'removed', dead: died.length > 0 }, died };
}
