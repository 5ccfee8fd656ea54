// The delivered view of the lock service.
import { type Dot, type Op, opKey } from '@fatty/api';
import { equalBytes, toHex } from '@fatty/codec';
import type { OrderedBatch } from '@fatty/interface';
import { refusePending } from './access.ts';
import type { OpenedOp } from './open.ts';
import type { Session } from './sessions.ts';
import type { State } from './state.ts';

type Of<K extends Op['kind']> = Extract<Op, { kind: K }>;

/** An op that commutes, waiting for its commit. */
interface Pending<O extends Op = Op> {
  readonly op: O;
  readonly id: Dot;
  readonly session: Session;
  /** Sorts as the op ids do. */
  readonly order: string;
}

/**
 * The delivered view (R21a, S15): a pure function of the committed state and the *set* of pending
 * batches, whatever order they came in; only where a lying client signed two batches with one
 * (session, seq) the one that has its turn first counts. Creates come first, then writes, then
 * removes, so that what a remove or a write names is there; dots named by a pending remove never show.
 * Ordered ops (locks, guarded writes, exclusive creates, machines, ACLs) wait for their commit. What the
 * committed lists would refuse shows nothing and hides nothing.
 */
export function foldPending(state: State, batches: readonly OrderedBatch<OpenedOp>[]): void {
  const pending = visibleOps(state, batches);
  const hidden = namedDots(pending);
  foldCreates(state, pending, hidden);
  foldWrites(state, pending, hidden);
  for (const { op } of ofKind(pending, 'remove').sort((a, b) => depth(b.op) - depth(a.op))) {
    state.names.remove(op.path, op.dots);
  }
}

/** Source order (R15): a session's batches show without a gap, from the first uncommitted one. */
function visibleOps(state: State, batches: readonly OrderedBatch<OpenedOp>[]): Pending[] {
  const pending: Pending[] = [];
  for (const [key, copies] of bySession(batches)) {
    const session = state.sessions.get(key);
    if (session === undefined) continue;
    const own = copies.filter(({ client }) => equalBytes(client, session.client));
    for (const batch of inTurn(own, session.lastSeq)) {
      const ops = opsOf(batch, session);
      pending.push(...ops.filter(({ op }) => !refusePending(state, op, session.owner)));
    }
  }
  return pending.sort((a, b) => (a.order < b.order ? -1 : 1));
}

function bySession(
  batches: readonly OrderedBatch<OpenedOp>[],
): Map<string, OrderedBatch<OpenedOp>[]> {
  const sessions = new Map<string, OrderedBatch<OpenedOp>[]>();
  for (const batch of batches) {
    const key = toHex(batch.session);
    const copies = sessions.get(key);
    if (copies === undefined) sessions.set(key, [batch]);
    else copies.push(batch);
  }
  return sessions;
}

/**
 * R21a: each copy that has its turn in the order given counts, as at commit. What is left over then
 * shows behind its predecessor: so without contradictions any order shows the same.
 */
function inTurn(
  copies: readonly OrderedBatch<OpenedOp>[],
  lastSeq: number,
): readonly OrderedBatch<OpenedOp>[] {
  const taken: OrderedBatch<OpenedOp>[] = [];
  const early = new Map<number, OrderedBatch<OpenedOp>>();
  for (const batch of copies) {
    const next = lastSeq + 1 + taken.length;
    if (batch.seq === next) taken.push(batch);
    else if (batch.seq > next && !early.has(batch.seq)) early.set(batch.seq, batch);
  }
  for (;;) {
    const next = early.get(lastSeq + 1 + taken.length);
    if (next === undefined) return taken;
    taken.push(next);
  }
}

function opsOf(batch: OrderedBatch<OpenedOp>, session: Session): Pending[] {
  return batch.opened.map(({ op }, index) => {
    const id: Dot = { session: session.id, seq: batch.seq, index };
    const place = [batch.seq, index].map((n) => String(n).padStart(16, '0')).join(':');
    return { op, id, session, order: `${session.key}:${place}` };
  });
}

function ofKind<K extends Op['kind']>(pending: readonly Pending[], kind: K): Pending<Of<K>>[] {
  return pending.filter((one): one is Pending<Of<K>> => one.op.kind === kind);
}

/** Dots that pending removes and writes name, by path and op key. */
function namedDots(pending: readonly Pending[]): ReadonlySet<string> {
  const named = new Set<string>();
  for (const { op } of pending) {
    const dots = op.kind === 'remove' ? op.dots : op.kind === 'write' ? op.observed : [];
    for (const dot of dots) named.add(`${op.kind} ${'path' in op ? op.path : ''} ${opKey(dot)}`);
  }
  return named;
}

function depth({ path }: { readonly path: string }): number {
  return path.split('/').length;
}

function foldCreates(state: State, pending: readonly Pending[], named: ReadonlySet<string>): void {
  const creates = ofKind(pending, 'create').sort((a, b) => depth(a.op) - depth(b.op));
  for (const { op, id, session } of creates) {
    if (op.exclusive || named.has(`remove ${op.path} ${opKey(id)}`)) continue;
    const { path, node: kind, mode, ephemeral } = op;
    const replaced = named.has(`write ${op.path} ${opKey(id)}`);
    state.names.create({
      path,
      id,
      owner: session.identity,
      kind,
      mode,
      ephemeral,
      exclusive: false,
      content: replaced ? new Uint8Array(0) : op.content,
      slot: undefined,
      stamp: undefined,
    });
  }
}

function foldWrites(state: State, pending: readonly Pending[], named: ReadonlySet<string>): void {
  for (const { op, id } of ofKind(pending, 'write')) {
    const node = state.names.find(op.path);
    if (node?.kind !== 'file' || node.mode !== 'shared') continue;
    const replaced = (dot: Dot): boolean => named.has(`write ${op.path} ${opKey(dot)}`);
    if (replaced(id)) continue;
    const replaces = node.siblings.map((one) => one.id).filter(replaced);
    state.names.write(node, { id, content: op.content, replaces, stamp: undefined });
  }
}
