// A user's algorithm as the machine that a replica hosts.
import {
  ACCEPT,
  bytes,
  decode,
  digest,
  encode,
  equalBytes,
  hash,
  ignore,
  ok,
  record,
  type Shape,
  toHex,
  u32,
  u53,
} from '@fatty/codec';
import type {
  Algorithm,
  Applied,
  CellContext,
  CommitInput,
  Digest,
  OrderedBatch,
  Outcome,
  PublicKey,
  Receipt,
  SessionId,
  Source,
  StateMachine,
  UnsignedRules,
  Validation,
  Verdict,
} from '@fatty/interface';
import { DEFAULT_PARAMS } from '@fatty/protocol';
import { HostedDesk } from './desk.ts';
import { guarded, guardedBytes, guardedObject } from './guard.ts';
import { keepAliveRules } from './keep-alives.ts';
import { DEFAULT_SESSION_LIMITS, type SessionLimits, shareSessions } from './limits.ts';
import { checkOpening, type OpenedHostedOp, openingOf, sourceOf } from './opening.ts';
import { decodeHostedOp } from './ops.ts';
import { sessionRowShape } from './session-row.ts';
import { type SessionRecord, Sessions } from './sessions.ts';
import {
  restoreSessions,
  type SessionTables,
  sessionTables,
  sessionTablesShape,
} from './tables.ts';
import { receiptOf, takeTurns } from './turns.ts';

/** What a hosted algorithm may be given. */
export interface HostedOptions {
  /** How many commits old the basis of an opening may be. Default: that of a committee. */
  readonly basisCommitsMax?: number;
  readonly limits?: SessionLimits;
}

/** The last commit applied. Times in ms. */
export interface Head {
  readonly epoch: number;
  readonly commit: number;
  readonly commitTs: number;
  readonly leaseClock: number;
}

const GENESIS: Head = { epoch: 0, commit: 0, commitTs: 0, leaseClock: 0 };

interface Snapshot {
  /** Of the algorithm. */
  readonly state: Uint8Array;
  readonly head: Head;
  readonly tables: SessionTables;
}

const STATE_BYTES_MAX = 0xffffffff;

const headShape: Shape<Head> = record<Head>({
  epoch: u32,
  commit: u53,
  commitTs: u53,
  leaseClock: u53,
});

const snapshotShape: Shape<Snapshot> = record<Snapshot>({
  state: bytes(STATE_BYTES_MAX),
  head: headShape,
  tables: sessionTablesShape,
});

/** What the root covers: tries by their roots. */
const rootShape = record({
  algorithm: digest,
  head: headShape,
  sessions: digest,
  receipts: digest,
  graves: digest,
  floors: digest,
});

/** Longest answer to a question, bytes: a message to a client holds it. */
export const REPLY_BYTES_MAX: number = 1024 * 1024;

/** Sessions that end at one commit, at most; the others at the next. */
const EXPIRED_PER_COMMIT = 8_192;

/**
 * A plain {@link Algorithm} in sessions (R3): exactly once, on a lease that keep-alives renew, with the
 * receipts of the last 64 seqs. `make` gives an empty algorithm each time it is called.
 */
export function hosted(
  make: (context: CellContext) => Algorithm,
  context: CellContext,
  options: HostedOptions = {},
): Hosted {
  return new Hosted(make, context, options);
}

/** The machine that {@link hosted} makes. Its ops are `HostedOp`s, its results `HostedResult`s. */
export class Hosted implements StateMachine<OpenedHostedOp> {
  /** Keep-alives (R3). */
  readonly unsigned: UnsignedRules = keepAliveRules(() => this.#sessions);
  readonly #make: (context: CellContext) => Algorithm;
  readonly #context: CellContext;
  readonly #options: HostedOptions;
  readonly #limits: SessionLimits;
  readonly #basisCommitsMax: number;
  readonly #algorithm: Algorithm;
  #sessions: Sessions<SessionRecord>;
  #head: Head = GENESIS;
  /** Of a delivered view: batches folded beyond those that the sessions have used, by session. */
  readonly #ahead = new Map<string, number>();

  constructor(
    make: (context: CellContext) => Algorithm,
    context: CellContext,
    options: HostedOptions,
  ) {
    const { limits = DEFAULT_SESSION_LIMITS, basisCommitsMax = DEFAULT_PARAMS.basisCommitsMax } =
      options;
    this.#make = make;
    this.#context = context;
    this.#options = options;
    this.#limits = shareSessions(limits, context.members.length);
    this.#basisCommitsMax = basisCommitsMax;
    this.#algorithm = make(context);
    this.#sessions = new Sessions(this.#limits, sessionRowShape);
  }

  /** Codes of `decode` and those of the algorithm's `open`; `algorithm_failed` if it threw. */
  open(bytes: Uint8Array): Outcome<OpenedHostedOp> {
    const op = decodeHostedOp(bytes);
    if (!op.ok || op.value.kind !== 'own') return op;
    const { op: own } = op.value;
    const opened = guardedObject(() => this.#algorithm.open(own));
    if (!opened.ok) return opened;
    return opened.value.ok ? ok({ kind: 'own', op: opened.value.value }) : opened.value;
  }

  /** Codes `misplaced_open`, `bad_lease`, those of the algorithm; `algorithm_failed` if it threw. */
  validate(source: Source, op: OpenedHostedOp): Validation {
    if (op.kind === 'openSession') return checkOpening(source, op);
    if (op.kind !== 'own') return ACCEPT;
    const judged = guardedObject(() => this.#algorithm.validate?.(source, op.op) ?? ACCEPT);
    return judged.ok ? judged.value : { kind: 'reject', ...judged.failure };
  }

  /** A gateway's advice: `session_unknown`, `session_not_yours`, `already_applied`, refusals of an open. */
  precheck(batch: OrderedBatch<OpenedHostedOp>): Verdict {
    const session = this.#sessions.get(toHex(batch.session));
    if (session === undefined) return this.#precheckFirst(batch);
    if (!equalBytes(session.client, batch.client)) {
      return ignore('session_not_yours', 'the key that opened it', 'another key');
    }
    if (batch.seq > session.lastSeq) return ACCEPT;
    return ignore('already_applied', `seq ${session.lastSeq + 1}`, `seq ${batch.seq}`);
  }

  #precheckFirst(batch: OrderedBatch<OpenedHostedOp>): Verdict {
    if (!openingOf(batch)) return ignore('session_unknown', 'a live session', 'none');
    const refusal = this.#sessions.refuseOpen(batch, this.#head.commit, this.#basisCommitsMax);
    // This replica may be behind: a commit that it has not applied yet may have happened.
    if (refusal === undefined || refusal.code === 'future_basis') return ACCEPT;
    return { kind: 'ignore', ...refusal };
  }

  hasUsed(batch: Pick<OrderedBatch, 'client' | 'session' | 'seq'>): boolean {
    return this.#sessions.hasUsed(batch);
  }

  get head(): Head {
    return this.#head;
  }

  /** Open sessions. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** A live session; to be read only. */
  sessionOf(id: SessionId): Readonly<SessionRecord> | undefined {
    return this.#sessions.get(toHex(id));
  }

  /** Committed state has a live session of this key. */
  hasSession(client: PublicKey): boolean {
    return this.#sessions.countOf(toHex(client)) > 0;
  }

  /** The receipt of an applied batch, while it is kept. */
  receiptOf(batch: Pick<OrderedBatch, 'client' | 'session' | 'seq'>): Receipt | undefined {
    return receiptOf(this.#sessions, batch);
  }

  applyCommit(input: CommitInput<OpenedHostedOp>): Applied {
    const { epoch, index: commit, commitTs, leaseClock } = input;
    this.#head = { epoch, commit, commitTs, leaseClock };
    const sessions = this.#sessions;
    const desk = new HostedDesk(input, sessions, this.#algorithm, this.#basisCommitsMax);
    const settled = takeTurns(desk, input.batches);
    sessions.applyKeepAlives(input.unsigned, input.leaseClock, (one) => desk.tellRenewed(one));
    for (const one of sessions.takeExpired(input.leaseClock, EXPIRED_PER_COMMIT, () => 0)) {
      desk.expire(one);
    }
    sessions.graves.endAt(input.index);
    return { receipts: desk.receipts, notices: desk.notices, settled };
  }

  /** Only ops of sessions that are open in committed state show. */
  deliverBatch(batch: OrderedBatch<OpenedHostedOp>): void {
    const session = this.#sessions.get(toHex(batch.session));
    if (session === undefined || !equalBytes(session.client, batch.client)) return;
    const ahead = this.#ahead.get(session.key) ?? 0;
    if (batch.seq !== session.lastSeq + 1 + ahead) return;
    this.#ahead.set(session.key, ahead + 1);
    for (const [index, op] of batch.opened.entries()) {
      if (op.kind === 'own') {
        guarded(() => this.#algorithm.deliver(sourceOf(batch, index), op.op));
      }
    }
  }

  /** Asks the algorithm; codes `no_query`, `algorithm_failed`, `answer_too_large`. */
  query(question: Uint8Array): Outcome<Uint8Array> {
    const { query } = this.#algorithm;
    if (query === undefined) {
      const actual = 'one without';
      return {
        ok: false,
        failure: { code: 'no_query', expected: 'an algorithm with query()', actual },
      };
    }
    const reply = guardedBytes(() => query.call(this.#algorithm, question));
    if (!reply.ok || reply.value.length <= REPLY_BYTES_MAX) return reply;
    const [expected, actual] = [`at most ${REPLY_BYTES_MAX} bytes`, String(reply.value.length)];
    return { ok: false, failure: { code: 'answer_too_large', expected, actual } };
  }

  /** While there is a session, its lease runs. */
  needsTime(): boolean {
    return this.#sessions.size > 0;
  }

  snapshot(): Uint8Array {
    const [state, head] = [this.#algorithm.snapshot(), this.#head];
    return encode(snapshotShape, { state, head, tables: sessionTables(this.#sessions) });
  }

  /** Bytes that are no snapshot change nothing: they can only come from the own disk. */
  restore(snapshot: Uint8Array): void {
    const opened = decode(snapshotShape, snapshot, STATE_BYTES_MAX);
    if (!opened.ok) return;
    const { state, head, tables } = opened.value;
    this.#sessions = new Sessions(this.#limits, sessionRowShape);
    restoreSessions(this.#sessions, tables);
    this.#head = head;
    this.#ahead.clear();
    this.#algorithm.restore(state);
  }

  /** Of the algorithm's own root, and of the tries of what is kept around it. */
  root(): Digest {
    const { tries, graves } = this.#sessions;
    const record = {
      algorithm: this.#algorithm.root(),
      head: this.#head,
      sessions: tries.rows.root(),
      receipts: tries.receipts.root(),
      graves: graves.trie.root(),
      floors: graves.floorTrie.root(),
    };
    return hash('hosted', encode(rootShape, record));
  }

  fresh(): Hosted {
    return new Hosted(this.#make, this.#context, this.#options);
  }

  /** Shares the sessions, which a view only reads; the algorithm is a copy by its snapshot. */
  view(): Hosted {
    const view = this.fresh();
    view.#sessions = this.#sessions;
    view.#head = this.#head;
    view.#algorithm.restore(this.#algorithm.snapshot());
    return view;
  }
}
