// The lock service: the machine that a replica hosts.
import { type Answer, EPOCH_PATH, type ErrorCode, type Query } from '@fatty/api';
import {
  ACCEPT,
  compareBytes,
  ed25519,
  equalBytes,
  ignore,
  reject,
  type SignatureScheme,
  toHex,
} from '@fatty/codec';
import type {
  Applied,
  CellContext,
  CommitInput,
  Digest,
  Failure,
  OrderedBatch,
  Outcome,
  Provable,
  PublicKey,
  Receipt,
  Source,
  StateMachine,
  UnsignedRules,
  Validation,
  Verdict,
} from '@fatty/interface';
import { type CellParams, DEFAULT_PARAMS } from '@fatty/protocol';
import { keepAliveRules, receiptOf, shareSessions } from '@fatty/sessions';
import { openQuestion, type ProofQuestion } from '@fatty/verify';
import { mayHear, refuseRead, ruledBy } from './access.ts';
import { answer, type Surroundings } from './answers.ts';
import { applyBatches, checkOpening, openingOf } from './batches.ts';
import { foldPending } from './delivered.ts';
import { checkRotation } from './key-ops.ts';
import { Ledger } from './ledger.ts';
import { machineOf } from './machine-state.ts';
import { judge } from './machines.ts';
import { type FormedOp, isProven, type OpenedOp, openOp } from './open.ts';
import { askAbout, checkPolicy } from './proofs.ts';
import { prove, proveAll } from './prove.ts';
import { DEFAULT_QUOTAS, type Quotas } from './quotas.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import { GENESIS, State } from './state.ts';
import { rootOf, stateRecordOf } from './state-root.ts';

/** What a lock service is made of. */
export interface ServiceOptions {
  readonly cell: CellContext;
  readonly params?: CellParams;
  readonly quotas?: Quotas;
  /**
   * Key of the first administrator: everybody may read, and he alone may write and change ACLs until he says
   * otherwise. Default: the cell is open.
   */
  readonly admin?: PublicKey;
  /** What signatures of ops are checked with, by the rule of {@link ed25519}, which is the default. */
  readonly scheme?: SignatureScheme;
}

/**
 * The lock service as a replicated state machine: sessions, locks, names and machines, driven by
 * the
 * total order alone (R21). Deterministic, synchronous, never throws on input.
 */
export class LockService implements StateMachine<OpenedOp> {
  /** Keep-alives (R3). */
  readonly unsigned: UnsignedRules = keepAliveRules(() => this.#state.sessions);
  readonly #around: Surroundings;
  readonly #quotas: Quotas;
  readonly #admin: PublicKey | undefined;
  readonly #scheme: SignatureScheme;
  #state: State;
  /** Delivered view only: where it started and what came since. */
  #base: State | undefined;
  #pending: OrderedBatch<OpenedOp>[] = [];
  #folded = 0;
  /** The committed state is another instance's. */
  #borrowed = false;
  /** Commits that carried something, and restores. */
  #changes = 0;

  constructor(options: ServiceOptions) {
    const { cell, params = DEFAULT_PARAMS, quotas = DEFAULT_QUOTAS, admin } = options;
    const { scheme = ed25519() } = options;
    this.#around = { cell, params };
    this.#quotas = shareSessions(quotas, cell.members.length);
    this.#admin = admin;
    this.#scheme = scheme;
    this.#state = new State(this.#quotas);
    if (admin !== undefined)
      this.#state.names.setAcl(this.#state.names.top, ruledBy(admin), undefined);
  }

  /** The op, in form. Codes of `decodeOp` and `checkOp`. */
  open(bytes: Uint8Array): Outcome<OpenedOp> {
    return openOp(bytes, this.#around.params);
  }

  /**
   * R11a: place and weight, and for a take or renewal the job of its STARKs. Codes `other_algorithm`,
   * `misplaced_open`, `bad_policy`, and those of package cairo.
   */
  validate(source: Source, { op, weight }: OpenedOp): Validation {
    const judged = this.#judge(source, op);
    if (judged.kind === 'ignore' || judged.kind === 'reject' || weight === 1) return judged;
    return { ...judged, weight };
  }

  #judge(source: Source, op: FormedOp): Validation {
    if (op.kind === 'own') {
      return reject('other_algorithm', 'an op of the lock service', 'another one');
    }
    if (op.kind === 'openSession') return checkOpening(source, op);
    if (op.kind === 'declareMachine' || op.kind === 'declareJob') return checkPolicy(op.policy);
    if (op.kind === 'rotateKey') {
      const { cellId } = this.#around.cell;
      return checkRotation(op, source.client, { cellId, scheme: this.#scheme });
    }
    if (!isProven(op)) return ACCEPT;
    return askAbout(op, this.#around.cell.cellId, source.client);
  }

  /**
   * A gateway's advice from committed state. `ignore` with `session_unknown`, `session_not_yours`,
   * `already_applied` (see {@link receiptOf}), the refusals of an open, and those of a proof that
   * can never count. A gap in seq is no reason to refuse: the batches in between may be on their
   * way.
   */
  precheck(batch: OrderedBatch<OpenedOp>): Verdict {
    const { sessions, head, keys } = this.#state;
    // The order tells it so that it is believed; what one gateway says would only be doubted.
    if (keys.refuse(batch.client) !== undefined) return ACCEPT;
    const session = sessions.get(toHex(batch.session));
    if (session === undefined) {
      if (!openingOf(batch)) return ignore('session_unknown', 'a live session', 'none');
      const { basisCommitsMax } = this.#around.params;
      const owner = keys.nameOf(batch.client);
      const refusal = sessions.refuseOpen(batch, head.commit, basisCommitsMax, owner);
      // This replica may be behind: a commit that it has not applied yet may have happened.
      return refusal === undefined || refusal.code === 'future_basis' ? ACCEPT : ignored(refusal);
    }
    if (!equalBytes(session.client, batch.client)) {
      return ignore('session_not_yours', 'the key that acts for it', 'another key');
    }
    if (batch.seq <= session.lastSeq) {
      return ignore('already_applied', `seq ${session.lastSeq + 1}`, `seq ${batch.seq}`);
    }
    return this.#precheckProofs(batch);
  }

  /** Only what no pending op can cure: a replay, another program, a weak proof. */
  #precheckProofs(batch: OrderedBatch<OpenedOp>): Verdict {
    for (const { op } of batch.opened) {
      if (op.kind !== 'takeMachine' && op.kind !== 'renewMachine') continue;
      const machine = machineOf(this.#state.names.find(op.path));
      if (machine === undefined) continue;
      const verdict = judge(op, machine);
      if ('kind' in verdict && HOPELESS.has(verdict.code)) return ignored(verdict);
    }
    return ACCEPT;
  }

  hasUsed(batch: Pick<OrderedBatch, 'client' | 'session' | 'seq'>): boolean {
    return this.#state.sessions.hasUsed(batch);
  }

  /**
   * Whether committed state has a live session of this key, so that a gateway knows whom it serves.
   */
  hasSession(client: PublicKey): boolean {
    const { sessions, keys } = this.#state;
    return sessions.countOf(keys.nameOf(client)) > 0;
  }

  /** The receipt of an applied batch, while kept (64 per session): the answer to a resend. */
  receiptOf(batch: Pick<OrderedBatch, 'client' | 'session' | 'seq'>): Receipt | undefined {
    return receiptOf(this.#state.sessions, batch);
  }

  applyCommit(input: CommitInput<OpenedOp>): Applied {
    this.#leaveView();
    if (this.#borrowed) this.restore(this.snapshot());
    const state = this.#state;
    const ledger = new Ledger(input, this.#quotas.effectsPerCommitMax, (identity) =>
      state.keys.currentOf(identity),
    );
    const { epoch, index: commit, commitTs, leaseClock, evidence } = input;
    if (input.batches.length + input.unsigned.length + evidence.length > 0) this.#changes++;
    const failedOver = epoch !== state.head.epoch;
    state.head = {
      epoch,
      commit,
      commitTs,
      leaseClock,
      convicted: withConvicted(state.head.convicted, evidence),
    };
    state.accounts.startCommit();
    const settled = applyBatches(state, input.batches, ledger, this.#around.params);
    state.sessions.applyKeepAlives(input.unsigned, ledger.now, (session) => {
      const { i, expiry: leaseExpiry, lastNumber } = session;
      ledger.tell(session, { kind: 'renewed', i, leaseExpiry, lastNumber });
    });
    if (failedOver) this.#tellEpoch(epoch, ledger);
    state.endTimers(ledger);
    for (const one of ledger.numbered) state.sessions.tries.touch(one.key);
    const { receipts, notices, events } = ledger;
    return { receipts, notices, settled, events };
  }

  #tellEpoch(epoch: number, ledger: Ledger): void {
    ledger.happened({ kind: 'epochChanged', path: EPOCH_PATH, epoch });
    const sessions = [...this.#state.sessions.all()].sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const session of sessions) ledger.tell(session, { kind: 'epoch', epoch });
  }

  /** Folded when somebody looks: the fold is over a set, so the order of calls does not matter. */
  deliverBatch(batch: OrderedBatch<OpenedOp>): void {
    this.#base ??= this.#state;
    this.#pending.push(batch);
  }

  /**
   * Reads this instance's view: committed, or delivered after {@link deliverBatch}. `client`: who asks, and sees
   * what the lists let it; without, everything, for whoever runs this replica.
   */
  query(query: Query, client?: PublicKey): Answer {
    this.#foldView();
    return answer(this.#state, query, this.#around, client);
  }

  #foldView(): void {
    if (this.#folded === this.#pending.length || this.#base === undefined) return;
    this.#state = this.#base.fork();
    foldPending(this.#state, this.#pending);
    this.#folded = this.#pending.length;
  }

  /** Back to committed state. */
  #leaveView(): void {
    this.#enter(this.#committed, this.#borrowed);
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
    return writeSnapshot(this.#committed);
  }

  /** @throws InvariantError on bytes that are no snapshot; the caller has them certified. */
  restore(bytes: Uint8Array): void {
    this.#changes++;
    this.#enter(readSnapshot(bytes, this.#quotas), false);
  }

  root(): Digest {
    return rootOf(this.#committed);
  }

  /** Of committed state, to be checked against {@link root} (package verify). Codes of `splitPath`, `out_of_range`. */
  prove(question: ProofQuestion): Outcome<Uint8Array> {
    const state = this.#committed;
    return prove({ state, record: stateRecordOf(state) }, question);
  }

  /** Proofs of committed state as it is now, bytes of `ProofQuestion` in and of `Proved` out (package verify). */
  provable(): Provable {
    const then = this.#changes;
    const record = stateRecordOf(this.#committed);
    const content = stateRecordOf(this.#committed, GENESIS);
    const prove = (question: Uint8Array): Outcome<Uint8Array> | undefined => {
      const state = this.#committed;
      if (this.#changes !== then) return undefined;
      // What ends by the clock alone.
      if (!equalBytes(stateRecordOf(state, GENESIS), content)) return undefined;
      const opened = openQuestion(question);
      return opened.ok ? proveAll({ state, record }, opened.value) : opened;
    };
    return { prove };
  }

  /** Why a client may not have this proved; `client`: as in {@link query}. Code `access_denied`. */
  refuseProof(question: Uint8Array, client: PublicKey): Failure | undefined {
    const opened = openQuestion(question);
    if (!opened.ok || !('path' in opened.value)) return undefined;
    return refuseRead(this.#committed, opened.value.path, this.#nameOf(client));
  }

  /** Whether a client may hear of events at a path: it may read what stands there, or the nearest node above. */
  mayHear(path: string, client: PublicKey): boolean {
    return mayHear(this.#committed, path, this.#nameOf(client));
  }

  #nameOf(client: PublicKey): string {
    return this.#committed.keys.nameOf(client);
  }

  get #committed(): State {
    return this.#base ?? this.#state;
  }

  fresh(): LockService {
    const { cell, params } = this.#around;
    const admin = this.#admin;
    const own = { quotas: this.#quotas, scheme: this.#scheme };
    return new LockService({ cell, params, ...own, ...(admin && { admin }) });
  }

  view(): LockService {
    const view = this.fresh();
    view.#enter(this.#committed, true);
    return view;
  }
}

const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'stale_t',
  'wrong_program',
  'below_policy',
  'other_binding',
]);

function ignored({ code, expected, actual }: Failure): Verdict {
  return ignore(code, expected, actual);
}

/** Both without duplicates, ascending: a member that was convicted stays so, whatever its place. */
function withConvicted(
  before: readonly PublicKey[],
  fresh: readonly PublicKey[],
): readonly PublicKey[] {
  const known = new Set(before.map(toHex));
  const news = fresh.filter((key) => !known.has(toHex(key)));
  return news.length === 0 ? before : [...before, ...news].sort(compareBytes);
}
