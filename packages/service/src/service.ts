import {
  type Answer,
  type CellParams,
  checkOp,
  DEFAULT_PARAMS,
  decodeOp,
  type ErrorCode,
  type ErrorResult,
  encodeResults,
  errorResult,
  type Op,
  type Query,
  type Result,
  sessionIdOf,
  weightOf,
} from '@fatty/api';
import { ACCEPT, equalBytes, ignore, reject, toHex } from '@fatty/codec';
import type {
  Applied,
  CellContext,
  CommitInput,
  Digest,
  OrderedBatch,
  OrderedKeepAlive,
  Receipt,
  Source,
  StateMachine,
  Validation,
  Verdict,
} from '@fatty/interface';
import { answer, type Surroundings } from './answers.ts';
import { applyOp } from './apply.ts';
import { foldPending } from './delivered.ts';
import { Ledger } from './ledger.ts';
import { judge } from './machines.ts';
import { refused } from './names.ts';
import { askAbout, checkPolicy } from './proofs.ts';
import { DEFAULT_QUOTAS, type Quotas, shareSessions } from './quotas.ts';
import { storedReceipt } from './receipts.ts';
import type { Session } from './sessions.ts';
import { readSnapshot, rootOf, writeSnapshot } from './snapshot.ts';
import { State } from './state.ts';

export interface ServiceOptions {
  readonly cell: CellContext;
  readonly params?: CellParams;
  readonly quotas?: Quotas;
}

type Opening = Extract<Op, { kind: 'openSession' }>;

/**
 * The lock service as a replicated state machine: sessions, locks, names and machines, driven by
 * the
 * total order alone (R21). Deterministic, synchronous, never throws on input.
 */
export class LockService implements StateMachine {
  readonly #around: Surroundings;
  readonly #quotas: Quotas;
  #state: State;
  /** Delivered view only: where it started and what came since. */
  #base: State | undefined;
  #pending: OrderedBatch[] = [];
  #folded = 0;
  /** The committed state is another instance's. */
  #borrowed = false;

  constructor({ cell, params = DEFAULT_PARAMS, quotas = DEFAULT_QUOTAS }: ServiceOptions) {
    this.#around = { cell, params };
    this.#quotas = shareSessions(quotas, cell.members.length);
    this.#state = new State(this.#quotas);
  }

  /**
   * R11a: form and weight, and for a take or renewal the job of its STARKs. Codes of `decodeOp`, `checkOp`,
   * `misplaced_open`, `bad_policy`, and those of package cairo.
   */
  validate(source: Source, bytes: Uint8Array): Validation {
    const judged = this.#judgeForm(source, bytes);
    if (judged.kind === 'ignore' || judged.kind === 'reject') return judged;
    const weight = weightOf(bytes);
    return weight === 1 ? judged : { ...judged, weight };
  }

  #judgeForm(source: Source, bytes: Uint8Array): Validation {
    const decoded = decodeOp(bytes);
    if (!decoded.ok) return { kind: 'reject', ...decoded.failure };
    const op = decoded.value;
    const checked = checkOp(op, this.#around.params);
    if (checked.kind !== 'accept') return checked;
    if (op.kind === 'openSession') return checkOpening(source, op);
    if (op.kind === 'declareMachine') return checkPolicy(op.policy);
    if (op.kind !== 'takeMachine' && op.kind !== 'renewMachine') return ACCEPT;
    return askAbout(op, this.#around.cell.cellId, source.client);
  }

  /**
   * A gateway's advice from committed state. `ignore` with `session_unknown`, `session_not_yours`,
   * `already_applied` (see {@link receiptOf}), the refusals of an open, and those of a proof that
   * can
   * never count. A gap in seq is no reason: the batches between may be on their way.
   */
  precheck(batch: OrderedBatch): Verdict {
    const { sessions, head } = this.#state;
    const session = sessions.get(toHex(batch.session));
    const [first] = batch.ops;
    if (session === undefined) {
      const opening = first && openingOf(batch, first);
      if (!opening) return ignore('session_unknown', 'a live session', 'none');
      const { basisCommitsMax } = this.#around.params;
      const refusal = sessions.refuseOpen(batch, head.commit, basisCommitsMax);
      // A commit the replica has not applied yet may well have happened.
      return refusal === undefined || refusal.code === 'future_basis' ? ACCEPT : ignored(refusal);
    }
    if (!equalBytes(session.client, batch.client)) {
      return ignore('session_not_yours', 'the key that opened it', 'another key');
    }
    if (batch.seq <= session.lastSeq) {
      return ignore('already_applied', `seq ${session.lastSeq + 1}`, `seq ${batch.seq}`);
    }
    return this.#precheckProofs(batch);
  }

  /** Only what no pending op can cure: a replay, another program, a weak proof. */
  #precheckProofs(batch: OrderedBatch): Verdict {
    for (const bytes of batch.ops) {
      const op = decodeOp(bytes);
      if (!op.ok || (op.value.kind !== 'takeMachine' && op.value.kind !== 'renewMachine')) continue;
      const machine = this.#state.names.find(op.value.path)?.slot;
      if (machine === undefined) continue;
      const verdict = judge(op.value, machine);
      if ('kind' in verdict && HOPELESS.has(verdict.code)) return ignored(verdict);
    }
    return ACCEPT;
  }

  /** A gateway's check, at most 64 hashes. Codes `session_unknown`, `bad_keep_alive`. */
  precheckKeepAlive(keepAlive: OrderedKeepAlive): Verdict {
    return this.#state.sessions.checkKeepAlive(keepAlive);
  }

  /** The receipt of an applied batch, while kept (64 per session): the answer to a resend. */
  receiptOf(batch: Pick<OrderedBatch, 'client' | 'session' | 'seq'>): Receipt | undefined {
    const session = this.#state.sessions.get(toHex(batch.session));
    if (session === undefined || !equalBytes(session.client, batch.client)) return undefined;
    const stored = storedReceipt(session.receipts, batch.seq);
    return stored && { ...stored, client: session.client, session: session.id };
  }

  applyCommit(input: CommitInput): Applied {
    this.#leaveView();
    if (this.#borrowed) this.restore(this.snapshot());
    const state = this.#state;
    const ledger = new Ledger(input);
    const { epoch, index: commit, commitTs, leaseClock, evidence } = input;
    const failedOver = epoch !== state.head.epoch;
    const convicted = new Set([...state.head.convicted, ...evidence]);
    state.head = {
      epoch,
      commit,
      commitTs,
      leaseClock,
      convicted: [...convicted].sort((a, b) => a - b),
    };
    state.accounts.startCommit();
    for (const batch of input.batches) this.#applyBatch(batch, ledger);
    state.sessions.applyKeepAlives(input.keepAlives, ledger);
    if (failedOver) this.#tellEpoch(epoch, ledger);
    state.endTimers(ledger);
    return { receipts: ledger.receipts, notices: ledger.notices };
  }

  #tellEpoch(epoch: number, ledger: Ledger): void {
    const sessions = [...this.#state.sessions.all()].sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const session of sessions) ledger.tell(session, { kind: 'epoch', epoch });
  }

  /** R3: exactly once by (session, seq); a gap changes nothing and writes no receipt. */
  #applyBatch(batch: OrderedBatch, ledger: Ledger): void {
    const session = this.#state.sessions.get(toHex(batch.session));
    if (session === undefined) {
      this.#applyFirst(batch, ledger);
    } else if (!equalBytes(session.client, batch.client)) {
      const refusal = errorResult('session_not_yours', 'the key that opened it', 'another key');
      receipt(
        batch,
        batch.ops.map(() => refusal),
        ledger,
      );
    } else if (batch.seq <= session.lastSeq) {
      this.#repeat(batch, session, ledger);
    } else if (batch.seq === session.lastSeq + 1) {
      this.#applyNext(batch, session, 0, [], ledger);
    }
  }

  /** A batch of a session that is not there: opens it, or is refused op by op. */
  #applyFirst(batch: OrderedBatch, ledger: Ledger): void {
    const unknown = errorResult('session_unknown', 'a live session', 'none');
    const [first] = batch.ops;
    const opening = first && openingOf(batch, first);
    if (!opening) {
      receipt(
        batch,
        batch.ops.map(() => unknown),
        ledger,
      );
      return;
    }
    const { basisCommitsMax } = this.#around.params;
    const { sessions } = this.#state;
    const at = ledger.next();
    const lease = checkOp(opening, this.#around.params);
    const refusal =
      lease.kind === 'accept'
        ? sessions.refuseOpen(batch, ledger.commit, basisCommitsMax)
        : refused(lease);
    if (refusal) {
      const results = batch.ops.map((_, index) => (index === 0 ? refusal : unknown));
      receipt(batch, results, ledger);
      return;
    }
    const session = sessions.open(batch, opening, at, ledger, basisCommitsMax);
    this.#state.accounts.countOp(session.owner);
    const { opened, leaseMs, expiry: leaseExpiry } = session;
    const result: Result = { kind: 'sessionOpened', position: opened, leaseMs, leaseExpiry };
    this.#applyNext(batch, session, 1, [result], ledger);
  }

  #applyNext(
    batch: OrderedBatch,
    session: Session,
    from: number,
    results: Result[],
    ledger: Ledger,
  ): void {
    const { seq, ops, id } = batch;
    session.lastSeq = seq;
    ops.slice(from).forEach((bytes, i) => {
      results.push(this.#applyOne(bytes, session, seq, from + i, ledger));
    });
    const encoded = receipt(batch, results, ledger);
    const stored = { seq, batch: id, commit: ledger.commit, results: encoded };
    // A session that its own batch has closed is asked for nothing any more.
    const { sessions } = this.#state;
    if (sessions.get(session.key) === session) sessions.receipts.store(session.receipts, stored);
  }

  #applyOne(
    bytes: Uint8Array,
    session: Session,
    seq: number,
    index: number,
    ledger: Ledger,
  ): Result {
    const at = ledger.next();
    const state = this.#state;
    if (state.sessions.get(session.key) !== session) {
      return errorResult('session_unknown', 'a live session', 'closed by this batch');
    }
    if (!state.accounts.countOp(session.owner)) {
      const max = this.#quotas.opsPerCommitMax;
      return errorResult('quota_ops', `at most ${max} a commit`, 'more');
    }
    const op = decodeOp(bytes);
    if (!op.ok) return refused(op.failure);
    const checked = checkOp(op.value, this.#around.params);
    if (checked.kind !== 'accept') return refused(checked);
    return applyOp(state, op.value, { session, seq, index, at, ledger });
  }

  /** Answers a seq that was applied before with what was said then, whatever this batch says. */
  #repeat(batch: OrderedBatch, session: Session, ledger: Ledger): void {
    const stored = this.receiptOf(batch);
    if (stored !== undefined) {
      ledger.receipts.push(stored);
      return;
    }
    const expected = `seq from ${session.receipts[0]?.seq ?? session.lastSeq + 1}`;
    const forgotten = errorResult('receipt_forgotten', expected, `seq ${batch.seq}`);
    receipt(
      batch,
      batch.ops.map(() => forgotten),
      ledger,
    );
  }

  /** Folded when somebody looks: the fold is over a set, so the order of calls does not matter. */
  deliverBatch(batch: OrderedBatch): void {
    this.#base ??= this.#state;
    this.#pending.push(batch);
  }

  /** Reads this instance's view: committed, or delivered after {@link deliverBatch}. */
  query(query: Query): Answer {
    this.#foldView();
    return answer(this.#state, query, this.#around);
  }

  #foldView(): void {
    if (this.#folded === this.#pending.length || this.#base === undefined) return;
    this.#state = this.#base.fork();
    foldPending(this.#state, this.#pending, this.#around.params);
    this.#folded = this.#pending.length;
  }

  /** Back to committed state. */
  #leaveView(): void {
    this.#enter(this.#base ?? this.#state, this.#borrowed);
  }

  #enter(state: State, borrowed: boolean): void {
    this.#state = state;
    this.#borrowed = borrowed;
    this.#base = undefined;
    this.#pending = [];
    this.#folded = 0;
  }

  needsTime(): boolean {
    return this.#state.timed;
  }

  /** Committed state only, canonical; sorted by id and by path bytes. */
  snapshot(): Uint8Array {
    return writeSnapshot(this.#base ?? this.#state);
  }

  /** @throws InvariantError on bytes that are no snapshot; the caller has them certified. */
  restore(bytes: Uint8Array): void {
    this.#enter(readSnapshot(bytes, this.#quotas), false);
  }

  root(): Digest {
    return rootOf(this.#base ?? this.#state);
  }

  fresh(): LockService {
    const { cell, params } = this.#around;
    return new LockService({ cell, params, quotas: this.#quotas });
  }

  view(): LockService {
    const view = this.fresh();
    view.#enter(this.#base ?? this.#state, true);
    return view;
  }
}

const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'stale_t',
  'wrong_program',
  'below_policy',
  'other_binding',
]);

function ignored({ code, expected, actual }: ErrorResult): Verdict {
  return ignore(code, expected, actual);
}

function receipt(
  batch: OrderedBatch,
  results: readonly Result[],
  ledger: Ledger,
): readonly Uint8Array[] {
  const { id, client, session, seq } = batch;
  const encoded = encodeResults(results);
  ledger.receipts.push({
    batch: id,
    client,
    session,
    seq,
    commit: ledger.commit,
    results: encoded,
  });
  return encoded;
}

/** R3: a session is keyed by (client key, nonce, basis), and its open stands at the very start. */
function checkOpening({ client, session, seq, index, basis }: Source, op: Opening): Verdict {
  if (seq !== 0 || index !== 0) {
    return reject('misplaced_open', 'op 0 of batch 0', `op ${index} of batch ${seq}`);
  }
  if (equalBytes(sessionIdOf(client, op.nonce, basis), session)) return ACCEPT;
  return reject('misplaced_open', 'the session of this key, nonce and basis', 'another session');
}

function openingOf(batch: OrderedBatch, first: Uint8Array): Opening | undefined {
  const op = decodeOp(first);
  if (!op.ok || op.value.kind !== 'openSession') return undefined;
  const source: Source = { ...batch, index: 0 };
  return checkOpening(source, op.value).kind === 'accept' ? op.value : undefined;
}
