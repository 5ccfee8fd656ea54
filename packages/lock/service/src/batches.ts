import {
  type CellParams,
  checkOp,
  decodeOp,
  type ErrorCode,
  type ErrorResult,
  encodeResults,
  errorResult,
  type Op,
  type Result,
  sessionIdOf,
} from '@fatty/api';
import { ACCEPT, equalBytes, reject, toHex } from '@fatty/codec';
import type { Digest, OrderedBatch, Receipt, Source, Verdict } from '@fatty/interface';
import { applyOp } from './apply.ts';
import { Copies } from './copies.ts';
import type { Ledger } from './ledger.ts';
import { refused } from './names.ts';
import { storedReceipt } from './receipts.ts';
import type { Session } from './sessions.ts';
import type { State } from './state.ts';

type Opening = Extract<Op, { kind: 'openSession' }>;

/** One copy has its turn. */
interface Turn {
  readonly state: State;
  readonly batch: OrderedBatch;
  readonly ledger: Ledger;
  readonly params: CellParams;
}

/** What became of a copy (R19). `isFinal`: no other author, order or commit could cure it. */
type Tried =
  | { readonly kind: 'done' }
  | { readonly kind: 'gap' }
  | { readonly kind: 'refused'; readonly results: readonly Result[]; readonly isFinal: boolean };

const DONE: Tried = { kind: 'done' };
const GAP: Tried = { kind: 'gap' };

/**
 * R19: tries the copies of each batch in order until one changes the state; a refusal is receipted
 * after the last one. Answers the batches that are settled: applied, or refused for good.
 */
export function applyBatches(
  state: State,
  batches: readonly OrderedBatch[],
  ledger: Ledger,
  params: CellParams,
): readonly Digest[] {
  const copies = new Copies(batches);
  const early: Receipt[] = [];
  for (const batch of batches) {
    const isLast = copies.take(batch);
    if (copies.isSettled(batch)) continue;
    const tried = applyBatch({ state, batch, ledger, params });
    if (tried.kind === 'done') copies.settle(batch);
    if (tried.kind !== 'refused' || !isLast) continue;
    const told = tell(batch, tried.results, ledger);
    if (tried.isFinal) copies.settle(batch);
    else early.push(told);
  }
  takeBack(early, state, ledger);
  return copies.settled;
}

/** A copy that came before the opening of its session was not refused: it was out of turn. */
function takeBack(early: readonly Receipt[], state: State, ledger: Ledger): void {
  const wrong = new Set(
    early.filter(({ session, seq }) => seq > 0 && state.sessions.get(toHex(session))),
  );
  if (wrong.size === 0) return;
  const right = ledger.receipts.filter((receipt) => !wrong.has(receipt));
  ledger.receipts.length = 0;
  for (const receipt of right) ledger.receipts.push(receipt);
}

/** R3: exactly once by (session, seq); a gap changes nothing and writes no receipt. */
function applyBatch(turn: Turn): Tried {
  const { state, batch, ledger } = turn;
  const session = state.sessions.get(toHex(batch.session));
  if (session === undefined) return applyFirst(turn);
  if (!equalBytes(session.client, batch.client)) {
    const refusal = errorResult('session_not_yours', 'the key that opened it', 'another key');
    return { kind: 'refused', results: batch.ops.map(() => refusal), isFinal: true };
  }
  if (batch.seq > session.lastSeq + 1) return GAP;
  if (batch.seq === session.lastSeq + 1) applyNext(turn, session, 0, []);
  else repeat(state, batch, session, ledger);
  return DONE;
}

/** A batch of a session that is not there: opens it, or is refused op by op. */
function applyFirst(turn: Turn): Tried {
  const { state, batch, ledger, params } = turn;
  const unknown = errorResult('session_unknown', 'a live session', 'none');
  const [first] = batch.ops;
  const opening = first && openingOf(batch, first);
  if (!opening) {
    // Its opening may be on the way, unless the session has been there, or this is where it should be.
    const isFinal = batch.seq === 0 || state.sessions.graves.has(toHex(batch.session));
    return { kind: 'refused', results: batch.ops.map(() => unknown), isFinal };
  }
  const refusal = refuseOpening(turn, opening);
  if (refusal) {
    const results = batch.ops.map((_, index) => (index === 0 ? refusal : unknown));
    return { kind: 'refused', results, isFinal: !CURABLE.has(refusal.code) };
  }
  const at = ledger.next();
  const session = state.sessions.open(batch, opening, at, ledger, params.basisCommitsMax);
  state.accounts.countOp(session.owner);
  const { opened, leaseMs, expiry: leaseExpiry } = session;
  applyNext(turn, session, 1, [{ kind: 'sessionOpened', position: opened, leaseMs, leaseExpiry }]);
  return DONE;
}

/** What an opening is refused for and may pass without, elsewhere or later. */
const CURABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'future_basis',
  'too_many_sessions',
  'gateway_full',
]);

function refuseOpening(
  { state, batch, ledger, params }: Turn,
  op: Opening,
): ErrorResult | undefined {
  const lease = checkOp(op, params);
  if (lease.kind !== 'accept') return refused(lease);
  return state.sessions.refuseOpen(batch, ledger.commit, params.basisCommitsMax);
}

function applyNext(turn: Turn, session: Session, from: number, results: Result[]): void {
  const { batch, state, ledger } = turn;
  const { seq, ops, id } = batch;
  session.lastSeq = seq;
  ops.slice(from).forEach((bytes, i) => {
    results.push(applyOne(turn, bytes, session, from + i));
  });
  const encoded = tell(batch, results, ledger).results;
  const stored = { seq, batch: id, commit: ledger.commit, results: encoded };
  // A session that its own batch has closed is asked for nothing any more.
  const { sessions } = state;
  if (sessions.get(session.key) === session) sessions.receipts.store(session.receipts, stored);
}

function applyOne(turn: Turn, bytes: Uint8Array, session: Session, index: number): Result {
  const { state, batch, ledger, params } = turn;
  const at = ledger.next();
  if (state.sessions.get(session.key) !== session) {
    return errorResult('session_unknown', 'a live session', 'closed by this batch');
  }
  if (!state.accounts.countOp(session.owner)) {
    return errorResult('quota_ops', `at most ${state.accounts.opsPerCommitMax} a commit`, 'more');
  }
  const op = decodeOp(bytes);
  if (!op.ok) return refused(op.failure);
  const checked = checkOp(op.value, params);
  if (checked.kind !== 'accept') return refused(checked);
  return applyOp(state, op.value, { session, seq: batch.seq, index, at, ledger });
}

/** Answers a seq that was applied before with what was said then, whatever this batch says. */
function repeat(state: State, batch: OrderedBatch, session: Session, ledger: Ledger): void {
  const stored = receiptOf(state, batch);
  if (stored !== undefined) {
    ledger.receipts.push(stored);
    return;
  }
  const expected = `seq from ${session.receipts[0]?.seq ?? session.lastSeq + 1}`;
  const forgotten = errorResult('receipt_forgotten', expected, `seq ${batch.seq}`);
  tell(
    batch,
    batch.ops.map(() => forgotten),
    ledger,
  );
}

/** The receipt of an applied batch, while it is kept. */
export function receiptOf(
  state: State,
  batch: Pick<OrderedBatch, 'client' | 'session' | 'seq'>,
): Receipt | undefined {
  const session = state.sessions.get(toHex(batch.session));
  if (session === undefined || !equalBytes(session.client, batch.client)) return undefined;
  const stored = storedReceipt(session.receipts, batch.seq);
  return stored && { ...stored, client: session.client, session: session.id };
}

function tell(batch: OrderedBatch, results: readonly Result[], ledger: Ledger): Receipt {
  const { id, client, session, seq } = batch;
  const encoded = encodeResults(results);
  const receipt = { batch: id, client, session, seq, commit: ledger.commit, results: encoded };
  ledger.receipts.push(receipt);
  return receipt;
}

/** R3: a session is keyed by (client key, nonce, basis), and its open stands at the very start. */
export function checkOpening({ client, session, seq, index, basis }: Source, op: Opening): Verdict {
  if (seq !== 0 || index !== 0) {
    return reject('misplaced_open', 'op 0 of batch 0', `op ${index} of batch ${seq}`);
  }
  if (equalBytes(sessionIdOf(client, op.nonce, basis), session)) return ACCEPT;
  return reject('misplaced_open', 'the session of this key, nonce and basis', 'another session');
}

export function openingOf(batch: OrderedBatch, first: Uint8Array): Opening | undefined {
  const op = decodeOp(first);
  if (!op.ok || op.value.kind !== 'openSession') return undefined;
  const source: Source = { ...batch, index: 0 };
  return checkOpening(source, op.value).kind === 'accept' ? op.value : undefined;
}
