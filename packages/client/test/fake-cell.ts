import {
  type Answer,
  batchId,
  batchShape,
  type Cell,
  type ClientMessage,
  type Committee,
  cellIdOf,
  DEFAULT_PARAMS,
  decodeClientMessage,
  decodeOp,
  encodeGatewayMessage,
  encodeNotice,
  encodeResult,
  errorResult,
  type GatewayMessage,
  keepAliveLink,
  type NoticeBody,
  type NowReading,
  type Op,
  type Result,
  signNow,
} from '@fatty/api';
import { compareBytes, decode, equalBytes, standIn, toHex } from '@fatty/codec';
import type { Failure, Position, SessionId } from '@fatty/interface';
import {
  type CallOutcome,
  type CallRequest,
  ClientCore,
  type ClientEffect,
  type ClientEvent,
  type CoreConfig,
} from '../src/core/index.ts';

export const scheme: ReturnType<typeof standIn> = standIn();

/** How a replica behaves towards clients; the committed order itself is always honest. */
export interface Behaviour {
  /** Rewrites or drops what it says. */
  lie?(message: GatewayMessage, cell: FakeCell): GatewayMessage | undefined;
  /** As a gateway, does not pass batches on. */
  readonly swallows?: boolean;
  readonly refuses?: Failure;
  /** One-way delay, ms. Default 5. */
  readonly delayMs?: number;
}

interface FakeSession {
  readonly client: number;
  readonly leaseMs: number;
  expiry: number;
  lastSeq: number;
  anchor: Uint8Array;
  i: number;
  readonly receipts: Map<number, { id: Uint8Array; commit: number; results: Uint8Array[] }>;
}

interface FakeLock {
  holder: { session: string; seq: number; index: number; lockGen: Position } | undefined;
  readonly queue: { session: string; seq: number; index: number }[];
}

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** What really happened to a lock: for S13. */
export interface Tenure {
  readonly path: string;
  readonly session: string;
  readonly lockGen: Position;
  readonly fromMs: number;
  toMs: number;
}

/**
 * A cell in virtual time: one honest order, n replicas that show it to clients, f of which may lie
 * about it. Small on purpose, and it shares no code with the client.
 */
export class FakeCell {
  readonly cell: Pick<Cell, 'cellId' | 'committee'>;
  readonly behaviours: Behaviour[];
  readonly tenures: Tenure[] = [];
  readonly applied: { session: string; seq: number; kind: string }[] = [];
  readonly clients: SimClient[] = [];
  nowMs = 0;
  commit = 1;
  /** Wall clock minus virtual time, per replica: within ±ε of the truth. */
  readonly skewMs: number[];
  /** offset of §2.5; grows when the lease clock stands still. */
  stalledMs = 0;
  stopped = false;
  commitDelayMs = 20;
  readonly #sessions = new Map<string, FakeSession>();
  readonly #locks = new Map<string, FakeLock>();
  readonly #files = new Map<string, Uint8Array>();
  readonly #pending: { batch: Uint8Array; client: number }[] = [];
  readonly #keepAlives: { session: string; i: number; preimage: Uint8Array }[] = [];
  readonly #events: Scheduled[] = [];
  readonly #signers;
  #order = 0;
  #committing = false;

  constructor(n: number, behaviours: Record<number, Behaviour> = {}, skewMs: number[] = []) {
    this.#signers = Array.from({ length: n }, (_, i) =>
      scheme.signer(new Uint8Array(32).fill(i + 1)),
    ).sort((a, b) => compareBytes(a.publicKey, b.publicKey));
    const committee: Committee = {
      epoch: 0,
      members: this.#signers.map((one) => one.publicKey),
      genesisTs: 1_000,
      params: DEFAULT_PARAMS,
    };
    this.cell = { cellId: cellIdOf(committee), committee };
    this.behaviours = Array.from({ length: n }, (_, i) => behaviours[i] ?? {});
    this.skewMs = Array.from({ length: n }, (_, i) => skewMs[i] ?? 0);
    this.#tick();
  }

  /** Real time: what an honest clock shows, give or take ε. */
  wallMs(): number {
    return 1_000_000 + this.nowMs;
  }

  leaseClock(): number {
    return this.wallMs() - this.stalledMs;
  }

  at(delayMs: number, run: () => void): void {
    const entry = { atMs: this.nowMs + delayMs, order: this.#order++, run };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      const other = this.#events[mid] as Scheduled;
      const before = other.atMs - entry.atMs || other.order - entry.order;
      if (before < 0) low = mid + 1;
      else high = mid;
    }
    this.#events.splice(low, 0, entry);
  }

  run(untilMs: number): void {
    for (;;) {
      const next = this.#events[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#events.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = untilMs;
  }

  /** Expiry needs commits: the heartbeat of a cell with sessions. */
  #tick(): void {
    this.at(1_000, () => {
      this.#schedule();
      this.#tick();
    });
  }

  #schedule(): void {
    if (this.#committing || this.stopped) return;
    this.#committing = true;
    this.at(this.commitDelayMs, () => {
      this.#committing = false;
      if (!this.stopped) this.#applyCommit();
    });
  }

  receive(replica: number, client: number, bytes: Uint8Array): void {
    const message = decodeClientMessage(bytes, 2_000_000);
    if (!message.ok) throw new Error(`client sent ${message.failure.code}`);
    this.#handle(replica, client, message.value);
  }

  #handle(replica: number, client: number, message: ClientMessage): void {
    const behaviour = this.behaviours[replica] as Behaviour;
    if (message.kind === 'now') {
      const { nonce } = message;
      const ts = this.wallMs() + (this.skewMs[replica] ?? 0);
      const reading = {
        nonce,
        ts,
        commit: this.commit,
        leaseClock: this.leaseClock(),
        offset: this.stalledMs,
      };
      const signer = this.#signers[replica];
      if (signer) this.say(replica, client, signNow(this.cell.cellId, signer, reading));
    } else if (message.kind === 'submit') {
      if (behaviour.swallows) return;
      const id = batchId(message.batch.core);
      if (behaviour.refuses) {
        this.say(replica, client, { kind: 'refused', batch: id, failure: behaviour.refuses });
        return;
      }
      this.#pending.push({ batch: message.batch.core, client });
      this.#schedule();
    } else if (message.kind === 'keepAlive') {
      if (behaviour.swallows) return;
      const { session, i, preimage } = message.keepAlive;
      this.#keepAlives.push({ session: toHex(session), i, preimage });
      this.#schedule();
    } else if (message.kind === 'read') {
      this.#read(replica, client, message);
    }
  }

  #read(replica: number, client: number, read: Extract<ClientMessage, { kind: 'read' }>): void {
    if (read.minCommit > this.commit) {
      this.at(10, () => this.#read(replica, client, read));
      return;
    }
    const { request, view, query } = read;
    let answer: Answer = errorResult('not_found', 'a node', 'none');
    if (query.kind === 'session') answer = this.#sessionAnswer(toHex(query.id));
    if (query.kind === 'get') answer = this.#fileAnswer(query.path);
    this.say(replica, client, { kind: 'readResult', request, commit: this.commit, view, answer });
  }

  #fileAnswer(path: string): Answer {
    const content = this.#files.get(path);
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
      checksum: new Uint8Array(32) as never,
      sizeBytes: content.length,
      createdTs: 0,
      modifiedTs: 0,
      owner: new Uint8Array(32) as never,
      children: 0,
    } as const;
    return { kind: 'value', stat, siblings: [{ dot, content }] };
  }

  #sessionAnswer(id: string): Answer {
    const session = this.#sessions.get(id);
    if (session === undefined) return errorResult('session_unknown', 'a session', 'none');
    const holds = [];
    const waits = [];
    for (const [path, lock] of this.#locks) {
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
      holds: holds.map(({ path, mode, seq, index, lockGen }) => ({
        path,
        mode,
        seq,
        index,
        lockGen,
      })),
      waits,
      ephemerals: [],
      machines: [],
    };
  }

  say(replica: number, client: number, message: GatewayMessage): void {
    const behaviour = this.behaviours[replica] as Behaviour;
    const said = behaviour.lie ? behaviour.lie(message, this) : message;
    if (said === undefined) return;
    const bytes = encodeGatewayMessage(said);
    this.at(behaviour.delayMs ?? 5, () => this.clients[client]?.hear(replica, bytes));
  }

  #everybody(client: number, message: GatewayMessage): void {
    for (const replica of this.behaviours.keys()) this.say(replica, client, message);
  }

  #notify(id: string, body: NoticeBody): void {
    const client = this.#sessions.get(id)?.client;
    if (client === undefined) return;
    const session = Uint8Array.from(Buffer.from(id, 'hex')) as SessionId;
    const notice = {
      kind: 'notice',
      session,
      commit: this.commit,
      body: encodeNotice(body),
    } as const;
    this.#everybody(client, notice);
  }

  #applyCommit(): void {
    this.commit += 1;
    let index = 0;
    const next = (): Position => ({ commit: this.commit, index: index++ });
    for (const { batch, client } of this.#pending.splice(0)) this.#batch(batch, client, next);
    for (const { session, i, preimage } of this.#keepAlives.splice(0)) {
      this.#keepAlive(session, i, preimage);
    }
    for (const [id, session] of [...this.#sessions]) {
      if (session.expiry > this.leaseClock()) continue;
      this.#notify(id, { kind: 'sessionExpired', position: next() });
      this.#endSession(id, next);
    }
  }

  #keepAlive(id: string, i: number, preimage: Uint8Array): void {
    const session = this.#sessions.get(id);
    if (session === undefined || i <= session.i) return;
    let value: Uint8Array = preimage;
    for (let k = session.i; k < i; k++) value = keepAliveLink(value);
    if (!equalBytes(value, session.anchor)) return; // of a chain before the last reanchor
    session.anchor = preimage;
    session.i = i;
    session.expiry = this.leaseClock() + session.leaseMs;
    this.#notify(id, { kind: 'renewed', i, leaseExpiry: session.expiry });
  }

  #batch(core: Uint8Array, client: number, next: () => Position): void {
    const batch = decode(batchShape, core, 2_000_000);
    if (!batch.ok) throw new Error(batch.failure.code);
    const { session, seq, ops } = batch.value;
    const id = toHex(session);
    const first = decodeOp(ops[0] as Uint8Array);
    if (seq === 0 && first.ok && first.value.kind === 'openSession' && !this.#sessions.has(id)) {
      const { leaseMs, anchor } = first.value;
      const expiry = this.leaseClock() + leaseMs;
      this.#sessions.set(id, {
        client,
        leaseMs,
        expiry,
        lastSeq: -1,
        anchor,
        i: 0,
        receipts: new Map(),
      });
    }
    const state = this.#sessions.get(id);
    if (state === undefined || seq > state.lastSeq + 1) return;
    if (seq === state.lastSeq + 1) {
      state.lastSeq = seq;
      const results = ops.map((op, at) => {
        const decoded = decodeOp(op);
        if (!decoded.ok) throw new Error(decoded.failure.code);
        this.applied.push({ session: id, seq, kind: decoded.value.kind });
        return encodeResult(this.#op(id, seq, at, decoded.value, next));
      });
      state.receipts.set(seq, { id: batchId(core), commit: this.commit, results });
    }
    const kept = state.receipts.get(seq);
    if (kept === undefined) return;
    const { id: batchDigest, commit, results } = kept;
    this.#everybody(client, {
      kind: 'receipt',
      batch: batchDigest as never,
      session,
      seq,
      commit,
      results,
    });
  }

  #op(id: string, seq: number, index: number, op: Op, next: () => Position): Result {
    const session = this.#sessions.get(id);
    if (session === undefined) return errorResult('session_unknown', 'a session', 'none');
    const position = next();
    const leaseExpiry = session.expiry;
    switch (op.kind) {
      case 'openSession':
        return { kind: 'sessionOpened', position, leaseMs: op.leaseMs, leaseExpiry };
      case 'closeSession':
        this.#endSession(id, next);
        return { kind: 'sessionClosed', position };
      case 'reanchor':
        session.anchor = op.anchor;
        session.i = 0;
        session.expiry = this.leaseClock() + session.leaseMs;
        return { kind: 'reanchored', leaseExpiry: session.expiry };
      case 'write':
        this.#files.set(op.path, op.content);
        return { kind: 'written', generation: position };
      case 'acquire':
      case 'tryAcquire':
        return this.#acquire(id, seq, index, op.path, op.kind === 'acquire', position);
      case 'release':
        return this.#release(id, op.path, position, next);
      case 'cancel':
        return this.#cancel(id, op.seq, op.index, next);
      case 'takeMachine':
      case 'renewMachine':
        return {
          kind: 'machineHeld',
          nonce: position,
          t: 1n,
          s: 1n,
          lockGen: { commit: 1, index: 1 },
          leaseExpiry: this.leaseClock() + 1_000,
        };
      default:
        return errorResult('not_found', op.kind, 'nothing');
    }
  }

  #lock(path: string): FakeLock {
    let lock = this.#locks.get(path);
    if (lock === undefined) {
      lock = { holder: undefined, queue: [] };
      this.#locks.set(path, lock);
    }
    return lock;
  }

  #grant(
    path: string,
    to: { session: string; seq: number; index: number },
    lockGen: Position,
  ): void {
    this.#lock(path).holder = { ...to, lockGen };
    const { session } = to;
    this.tenures.push({
      path,
      session,
      lockGen,
      fromMs: this.nowMs,
      toMs: Number.POSITIVE_INFINITY,
    });
  }

  #acquire(
    id: string,
    seq: number,
    index: number,
    path: string,
    wait: boolean,
    position: Position,
  ): Result {
    const lock = this.#lock(path);
    if (lock.holder === undefined) {
      this.#grant(path, { session: id, seq, index }, position);
      const leaseExpiry = this.#sessions.get(id)?.expiry ?? 0;
      return { kind: 'granted', lockGen: position, mode: 'exclusive', leaseExpiry };
    }
    if (lock.holder.session === id) return errorResult('already_held', 'free', 'held');
    if (!wait) return errorResult('lock_held', 'free', 'held');
    lock.queue.push({ session: id, seq, index });
    return { kind: 'waiting', position, ahead: lock.queue.length };
  }

  #vacate(path: string, next: () => Position): void {
    const lock = this.#lock(path);
    const tenure = this.tenures.findLast((one) => one.path === path);
    if (tenure) tenure.toMs = this.nowMs;
    lock.holder = undefined;
    const first = lock.queue.shift();
    if (first === undefined) return;
    const lockGen = next();
    this.#grant(path, first, lockGen);
    const { session, seq, index } = first;
    const leaseExpiry = this.#sessions.get(session)?.expiry ?? 0;
    this.#notify(session, {
      kind: 'granted',
      path,
      seq,
      index,
      mode: 'exclusive',
      lockGen,
      leaseExpiry,
    });
  }

  #release(id: string, path: string, position: Position, next: () => Position): Result {
    const lock = this.#lock(path);
    if (lock.holder?.session !== id) return errorResult('not_held', 'held', 'not');
    this.#vacate(path, next);
    return { kind: 'released', lockGen: position };
  }

  #cancel(id: string, seq: number, index: number, next: () => Position): Result {
    for (const [path, lock] of this.#locks) {
      const mine = (one: { session: string; seq: number; index: number }): boolean =>
        one.session === id && one.seq === seq && one.index === index;
      const at = lock.queue.findIndex(mine);
      if (at >= 0) {
        lock.queue.splice(at, 1);
        return { kind: 'cancelled', was: 'waiting' };
      }
      if (lock.holder && mine(lock.holder)) {
        this.#vacate(path, next);
        return { kind: 'cancelled', was: 'held' };
      }
    }
    return { kind: 'cancelled', was: 'neither' };
  }

  #endSession(id: string, next: () => Position): void {
    for (const [path, lock] of this.#locks) {
      lock.queue.splice(0, lock.queue.length, ...lock.queue.filter((one) => one.session !== id));
      if (lock.holder?.session === id) this.#vacate(path, next);
    }
    this.#sessions.delete(id);
  }

  /** Takes a lock away without any fault of its holder (its node was removed). */
  seize(path: string): void {
    const { holder } = this.#lock(path);
    if (holder === undefined) return;
    this.commit += 1;
    const position = { commit: this.commit, index: 0 };
    const { session, lockGen } = holder;
    this.#notify(session, { kind: 'lost', path, lockGen, reason: 'node_removed', position });
    let index = 1;
    this.#vacate(path, () => ({ commit: this.commit, index: index++ }));
  }

  /** A liar signs whatever it likes, but only with its own key. */
  resign(replica: number, reading: NowReading): GatewayMessage | undefined {
    const signer = this.#signers[replica];
    return signer && signNow(this.cell.cellId, signer, reading);
  }

  holderOf(path: string): string | undefined {
    return this.#locks.get(path)?.holder?.session;
  }

  get sessions(): number {
    return this.#sessions.size;
  }
}

/** A core in a {@link FakeCell}: its links, its timer, and what came out of it. */
export class SimClient {
  readonly core: ClientCore;
  readonly outcomes = new Map<number, CallOutcome>();
  readonly lost = new Map<number, Failure>();
  readonly states: string[] = [];
  readonly suspects: { replica: number; failure: Failure }[] = [];
  readonly sent: { atMs: number; replica: number; message: ClientMessage }[] = [];
  closed = false;
  /** Our monotonic clock runs this much faster or slower than real time, parts per million. */
  readonly ratePpm: number;
  readonly #cell: FakeCell;
  readonly #index: number;
  readonly #up: boolean[];
  #wakes = 0;
  #nextCall = 1;

  constructor(cell: FakeCell, options: Partial<CoreConfig> & { ratePpm?: number } = {}) {
    this.#cell = cell;
    this.ratePpm = options.ratePpm ?? 0;
    this.#index = cell.clients.length;
    this.#up = cell.behaviours.map(() => false);
    cell.clients.push(this);
    const seed = new Uint8Array(32).fill(100 + this.#index);
    const signer = scheme.signer(seed);
    this.core = new ClientCore({
      cell: cell.cell,
      signer,
      scheme,
      seed,
      chainLength: 256,
      ...options,
    });
    this.step({ kind: 'start', atMs: this.nowMs() });
  }

  nowMs(): number {
    return this.#cell.nowMs * (1 + this.ratePpm / 1e6) + 77_000;
  }

  connect(...replicas: number[]): this {
    const all = replicas.length > 0 ? replicas : [...this.#up.keys()];
    for (const replica of all) {
      this.#up[replica] = true;
      this.step({ kind: 'linkUp', replica, atMs: this.nowMs() });
    }
    return this;
  }

  disconnect(replica: number, code = 1006): void {
    this.#up[replica] = false;
    this.step({ kind: 'linkDown', replica, code, atMs: this.nowMs() });
  }

  hear(replica: number, bytes: Uint8Array): void {
    if (this.#up[replica]) this.step({ kind: 'message', replica, bytes, atMs: this.nowMs() });
  }

  call(request: CallRequest, timeoutMs?: number): number {
    const call = this.#nextCall++;
    const deadline = timeoutMs === undefined ? {} : { deadlineMs: this.nowMs() + timeoutMs };
    this.step({ kind: 'call', call, request, atMs: this.nowMs(), ...deadline });
    return call;
  }

  write(path = '/a', text = 'x'): number {
    const content = new TextEncoder().encode(text);
    return this.call({ kind: 'ops', ops: [{ kind: 'write', path, content, observed: [] }] });
  }

  acquire(path = '/lock', wait = true, timeoutMs?: number): number {
    const mode = 'exclusive' as const;
    return this.call(
      { kind: 'acquire', path, mode, wait, maxWaitMs: undefined, lockDelayMs: 0 },
      timeoutMs,
    );
  }

  abort(call: number): void {
    this.step({ kind: 'abort', call, atMs: this.nowMs() });
  }

  close(): void {
    this.step({ kind: 'close', atMs: this.nowMs() });
  }

  step(event: ClientEvent): void {
    for (const effect of this.core.step(event)) this.#perform(effect);
  }

  #perform(effect: ClientEffect): void {
    switch (effect.kind) {
      case 'send': {
        const decoded = decodeClientMessage(effect.bytes, 2_000_000);
        if (decoded.ok) {
          const { replica } = effect;
          this.sent.push({ atMs: this.#cell.nowMs, replica, message: decoded.value });
        }
        if (!this.#up[effect.replica]) return;
        this.#cell.at(5, () => this.#cell.receive(effect.replica, this.#index, effect.bytes));
        return;
      }
      case 'wake': {
        this.#wakes += 1;
        const mine = this.#wakes;
        const delay = (effect.atMs - this.nowMs()) / (1 + this.ratePpm / 1e6);
        this.#cell.at(Math.max(0, Math.ceil(delay)), () => {
          if (mine === this.#wakes) this.step({ kind: 'wake', atMs: this.nowMs() });
        });
        return;
      }
      case 'settled':
        if (this.outcomes.has(effect.call)) throw new Error(`call ${effect.call} settled twice`);
        this.outcomes.set(effect.call, effect.outcome);
        return;
      case 'lost':
        if (this.lost.has(effect.hold)) throw new Error(`hold ${effect.hold} lost twice`);
        this.lost.set(effect.hold, effect.failure);
        return;
      case 'status':
        if (this.states.at(-1) !== effect.status.state) this.states.push(effect.status.state);
        return;
      case 'suspect':
        this.suspects.push({ replica: effect.replica, failure: effect.failure });
        return;
      case 'closed':
        this.closed = true;
        return;
    }
  }

  /** The code of a failed call, or the kind of what it answered. */
  answer(call: number): string | undefined {
    const outcome = this.outcomes.get(call);
    return outcome?.kind === 'failed' ? outcome.failure.code : outcome?.kind;
  }

  failure(call: number): Extract<CallOutcome, { kind: 'failed' }> {
    const outcome = this.outcomes.get(call);
    if (outcome?.kind !== 'failed') throw new Error(`call ${call}: ${outcome?.kind}`);
    return outcome;
  }

  /** Where the last batch went. */
  gateway(): number {
    return this.sent.findLast((one) => one.message.kind === 'submit')?.replica ?? -1;
  }

  count(kind: ClientMessage['kind']): number {
    return this.sent.filter((one) => one.message.kind === kind).length;
  }
}
