// The state of a fake cell: sessions, locks and machines, far simpler than the service.
import {
  type Answer,
  decodeOp,
  type ErrorResult,
  encodeResult,
  errorResult,
  type GatewayMessage,
  type NoticeBody,
  type Op,
  type Result,
} from '@fatty/api';
import { decode, equalBytes, toHex } from '@fatty/codec';
import type { Position, SessionId } from '@fatty/interface';
import { type Batch, batchId, batchShape, keepAliveLink, sessionIdOf } from '@fatty/protocol';

interface FakeSession {
  readonly client: number;
  readonly leaseMs: number;
  expiry: number;
  lastSeq: number;
  /** Of the last numbered notice. */
  lastNumber: number;
  anchor: Uint8Array;
  i: number;
  readonly receipts: Map<number, { id: Uint8Array; commit: number; results: Uint8Array[] }>;
}

interface FakeLock {
  holder: { session: string; seq: number; index: number; lockGen: Position } | undefined;
  readonly queue: { session: string; seq: number; index: number }[];
  /** Nobody is granted before this time of the lease clock. */
  freeAt: number;
}

const FIRST = { commit: 1, index: 1 };
const MACHINE_HELD = { kind: 'machineHeld', t: 1n, s: 1n, lockGen: FIRST } as const;

/** What really happened to a lock: for S13. */
export interface Tenure {
  readonly path: string;
  readonly session: string;
  readonly lockGen: Position;
  readonly fromMs: number;
  toMs: number;
}

/** What a fake cell has agreed on: sessions, locks and files, applied one op at a time. */
export abstract class FakeLedger {
  readonly tenures: Tenure[] = [];
  readonly applied: { session: string; seq: number; kind: string }[] = [];
  nowMs = 0;
  commit = 1;
  /** What the next openings are answered with, instead of a session. */
  readonly openRefusals: ErrorResult[] = [];
  protected readonly live = new Map<string, FakeSession>();
  protected readonly locks = new Map<string, FakeLock>();
  protected readonly files = new Map<string, Uint8Array>();

  protected abstract leaseClock(): number;
  protected abstract everybody(client: number, message: GatewayMessage): void;
  protected abstract notify(id: string, body: NoticeBody): void;

  fileAnswer(path: string): Answer {
    const content = this.files.get(path);
    if (content === undefined) return errorResult('not_found', path, 'nothing');
    const dot = { session: new Uint8Array(32) as SessionId, seq: 0, index: 0 };
    const stat = {
      id: dot,
      node: 'file',
      mode: 'shared',
      ephemeral: undefined,
      dots: [dot],
      instance: undefined,
      contentGen: undefined,
      lockGen: undefined,
      aclGen: undefined,
      checksum: new Uint8Array(32) as never,
      sizeBytes: content.length,
      createdTs: 0,
      modifiedTs: 0,
      owner: new Uint8Array(32) as never,
      children: 0,
    } as const;
    return { kind: 'value', stat, siblings: [{ dot, content }], more: [] };
  }

  sessionAnswer(id: string): Answer {
    const session = this.live.get(id);
    if (session === undefined) return errorResult('session_unknown', 'a session', 'none');
    const holds = [];
    const waits = [];
    for (const [path, lock] of this.locks) {
      if (lock.holder?.session === id)
        holds.push({ path, mode: 'exclusive' as const, ...lock.holder });
      for (const wait of lock.queue) {
        if (wait.session === id) {
          const position = { commit: 1, index: 0 };
          waits.push({
            path,
            mode: 'exclusive' as const,
            position,
            seq: wait.seq,
            index: wait.index,
          });
        }
      }
    }
    return {
      kind: 'session',
      client: new Uint8Array(32) as never,
      lastSeq: session.lastSeq,
      leaseMs: session.leaseMs,
      leaseExpiry: session.expiry,
      i: session.i,
      lastNumber: session.lastNumber,
      holds: holds.map(({ path, mode, seq, index, lockGen }) => ({
        path,
        mode,
        seq,
        index,
        lockGen,
      })),
      waits,
      ephemerals: [],
    };
  }

  keepAlive(id: string, i: number, preimage: Uint8Array): void {
    const session = this.live.get(id);
    if (session === undefined || i <= session.i) return;
    let value: Uint8Array = preimage;
    for (let k = session.i; k < i; k++) value = keepAliveLink(value);
    if (!equalBytes(value, session.anchor)) return; // of a chain before the last reanchor
    session.anchor = preimage;
    session.i = i;
    session.expiry = this.leaseClock() + session.leaseMs;
    const { expiry: leaseExpiry, lastNumber } = session;
    this.notify(id, { kind: 'renewed', i, leaseExpiry, lastNumber });
  }

  batch(core: Uint8Array, client: number, next: () => Position): void {
    const batch = decode(batchShape, core, 2_000_000);
    if (!batch.ok) throw new Error(batch.failure.code);
    const { session, seq, ops } = batch.value;
    const id = toHex(session);
    const first = decodeOp(ops[0] as Uint8Array);
    if (seq === 0 && first.ok && first.value.kind === 'openSession' && !this.live.has(id)) {
      const { leaseMs, anchor, nonce } = first.value;
      const { client: key, basis } = batch.value;
      if (!equalBytes(sessionIdOf(key, nonce, basis), session)) throw new Error('another name');
      const refusal = this.openRefusals.shift();
      if (refusal) return this.refuseOpen(batch.value, core, client, refusal);
      const expiry = this.leaseClock() + leaseMs;
      this.live.set(id, {
        client,
        leaseMs,
        expiry,
        lastSeq: -1,
        lastNumber: 0,
        anchor,
        i: 0,
        receipts: new Map(),
      });
    }
    const state = this.live.get(id);
    if (state === undefined || seq > state.lastSeq + 1) return;
    if (seq === state.lastSeq + 1) {
      state.lastSeq = seq;
      const results = ops.map((op, at) => {
        const decoded = decodeOp(op);
        if (!decoded.ok) throw new Error(decoded.failure.code);
        this.applied.push({ session: id, seq, kind: decoded.value.kind });
        return encodeResult(this.op(id, seq, at, decoded.value, next));
      });
      state.receipts.set(seq, { id: batchId(core), commit: this.commit, results });
    }
    const kept = state.receipts.get(seq);
    if (kept === undefined) return;
    const { id: batchDigest, commit, results } = kept;
    this.everybody(client, {
      kind: 'receipt',
      batch: batchDigest as never,
      session,
      seq,
      commit,
      results,
    });
  }

  private refuseOpen(
    { session, seq, ops }: Batch,
    core: Uint8Array,
    client: number,
    refusal: ErrorResult,
  ): void {
    const results = ops.map(() => encodeResult(refusal));
    const { commit } = this;
    this.everybody(client, {
      kind: 'receipt',
      batch: batchId(core),
      session,
      seq,
      commit,
      results,
    });
  }

  op(id: string, seq: number, index: number, op: Op, next: () => Position): Result {
    const session = this.live.get(id);
    if (session === undefined) return errorResult('session_unknown', 'a session', 'none');
    const [position, leaseExpiry] = [next(), session.expiry];
    switch (op.kind) {
      case 'openSession':
        return { kind: 'sessionOpened', position, leaseMs: op.leaseMs, leaseExpiry };
      case 'own':
        return { kind: 'own', answer: op.op };
      case 'closeSession':
        this.endSession(id, next);
        return { kind: 'sessionClosed', position };
      case 'reanchor':
        session.anchor = op.anchor;
        session.i = 0;
        session.expiry = this.leaseClock() + session.leaseMs;
        return { kind: 'reanchored', leaseExpiry: session.expiry };
      case 'write':
        this.files.set(op.path, op.content);
        return { kind: 'written', generation: position };
      case 'acquire':
      case 'tryAcquire':
        return this.acquire(id, seq, index, op.path, op.kind === 'acquire', position);
      case 'release':
        return this.release(id, op.path, position, next);
      case 'cancel':
        return this.cancel(id, op.seq, op.index, next);
      case 'takeMachine':
      case 'renewMachine':
        return { ...MACHINE_HELD, nonce: position, leaseExpiry: this.leaseClock() + 1_000 };
      case 'create':
      case 'createSequential':
      case 'compareAndSet':
      case 'remove':
      case 'removeSubtree':
      case 'setAcl':
      case 'txn':
      case 'declareMachine':
      case 'releaseMachine':
      case 'publish':
      case 'post':
      case 'declareJob':
      case 'claimJob':
      case 'proveJob':
      case 'failJob':
      case 'cancelJob':
      case 'rotateKey':
      case 'revokeKey':
        return errorResult('not_found', op.kind, 'nothing');
    }
  }

  lock(path: string): FakeLock {
    const lock = this.locks.get(path) ?? { holder: undefined, queue: [], freeAt: 0 };
    this.locks.set(path, lock);
    return lock;
  }

  grant(
    path: string,
    to: { session: string; seq: number; index: number },
    lockGen: Position,
  ): void {
    this.lock(path).holder = { ...to, lockGen };
    const { session } = to;
    this.tenures.push({
      path,
      session,
      lockGen,
      fromMs: this.nowMs,
      toMs: Number.POSITIVE_INFINITY,
    });
  }

  acquire(
    id: string,
    seq: number,
    index: number,
    path: string,
    wait: boolean,
    position: Position,
  ): Result {
    const lock = this.lock(path);
    if (lock.holder === undefined && this.leaseClock() >= lock.freeAt) {
      this.grant(path, { session: id, seq, index }, position);
      const leaseExpiry = this.live.get(id)?.expiry ?? 0;
      return { kind: 'granted', lockGen: position, mode: 'exclusive', leaseExpiry };
    }
    if (lock.holder?.session === id) return errorResult('already_held', 'free', 'held');
    if (!wait) return errorResult('lock_held', 'free', 'held');
    lock.queue.push({ session: id, seq, index });
    return { kind: 'waiting', position, ahead: lock.queue.length };
  }

  vacate(path: string, next: () => Position): void {
    const lock = this.lock(path);
    const tenure = this.tenures.findLast((one) => one.path === path);
    if (tenure) tenure.toMs = this.nowMs;
    lock.holder = undefined;
    this.promote(path, next);
  }

  promote(path: string, next: () => Position): void {
    const lock = this.lock(path);
    if (lock.holder !== undefined || this.leaseClock() < lock.freeAt) return;
    const first = lock.queue.shift();
    if (first === undefined) return;
    const lockGen = next();
    this.grant(path, first, lockGen);
    const { session, seq, index } = first;
    const leaseExpiry = this.live.get(session)?.expiry ?? 0;
    this.notify(session, {
      kind: 'granted',
      number: this.nextNumber(session),
      path,
      seq,
      index,
      mode: 'exclusive',
      lockGen,
      leaseExpiry,
    });
  }

  release(id: string, path: string, position: Position, next: () => Position): Result {
    const lock = this.lock(path);
    if (lock.holder?.session !== id) return errorResult('not_held', 'held', 'not');
    this.vacate(path, next);
    return { kind: 'released', lockGen: position };
  }

  cancel(id: string, seq: number, index: number, next: () => Position): Result {
    for (const [path, lock] of this.locks) {
      const mine = (one: { session: string; seq: number; index: number }): boolean =>
        one.session === id && one.seq === seq && one.index === index;
      const at = lock.queue.findIndex(mine);
      if (at >= 0) {
        lock.queue.splice(at, 1);
        return { kind: 'cancelled', was: 'waiting' };
      }
      if (lock.holder && mine(lock.holder)) {
        this.vacate(path, next);
        return { kind: 'cancelled', was: 'held' };
      }
    }
    return { kind: 'cancelled', was: 'neither' };
  }

  private nextNumber(id: string): number {
    const session = this.live.get(id);
    if (session === undefined) return 0;
    session.lastNumber += 1;
    return session.lastNumber;
  }

  endSession(id: string, next: () => Position): void {
    for (const [path, lock] of this.locks) {
      lock.queue.splice(0, lock.queue.length, ...lock.queue.filter((one) => one.session !== id));
      if (lock.holder?.session === id) this.vacate(path, next);
    }
    this.live.delete(id);
  }

  /** Takes a lock away without any fault of its holder (its node was removed). */
  seize(path: string): void {
    const { holder } = this.lock(path);
    if (holder === undefined) return;
    this.commit += 1;
    const position = { commit: this.commit, index: 0 };
    const { session, lockGen } = holder;
    const number = this.nextNumber(session);
    this.notify(session, { kind: 'lost', number, path, lockGen, reason: 'node_removed', position });
    let index = 1;
    this.vacate(path, () => ({ commit: this.commit, index: index++ }));
  }

  /** Somebody removes the node and makes it again: free when the holder's lease is over. */
  evict(path: string): void {
    const { holder } = this.lock(path);
    if (holder === undefined) return;
    this.lock(path).freeAt = this.live.get(holder.session)?.expiry ?? 0;
    this.seize(path);
  }

  holderOf(path: string): string | undefined {
    return this.locks.get(path)?.holder?.session;
  }

  get sessions(): number {
    return this.live.size;
  }
}
