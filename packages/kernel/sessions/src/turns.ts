// Exactly once: which copy of a batch has its turn (R3, R19).
import { equalBytes, toHex } from '@fatty/codec';
import type { Digest, Failure, OrderedBatch, PublicKey, Receipt } from '@fatty/interface';
import { Copies } from './copies.ts';
import { storedReceipt } from './receipts.ts';
import type { SessionRecord, Sessions } from './sessions.ts';

/**
 * What an algorithm does with the batches that have their turn. `S`: its sessions, `O`: its openings,
 * `R`: its results before they are bytes.
 */
export interface Desk<S extends SessionRecord, O, R> {
  readonly sessions: Sessions<S>;
  /** The commit that is being applied. */
  readonly commit: number;
  /** Where the answers go. */
  readonly receipts: Receipt[];
  /** The opening that op 0 of this batch is, if it is one and stands in its place (R3). */
  openingOf(batch: OrderedBatch): O | undefined;
  refuseOpening(batch: OrderedBatch, opening: O): Failure | undefined;
  /** Why this key can do nothing, nor ever will; without it every key can act that a session knows. */
  refuseKey?(client: PublicKey): Failure | undefined;
  /** Opens it: op 0 is applied by that. */
  open(batch: OrderedBatch, opening: O): { readonly session: S; readonly result: R };
  /** Applies op `index`; the session may have ended with an op before it. */
  applyOp(batch: OrderedBatch, session: S, index: number): R;
  refusal(failure: Failure): R;
  encode(results: readonly R[]): readonly Uint8Array[];
}

/** What became of a copy (R19). `isFinal`: no other author, order or commit could cure it. */
type Tried<R> =
  | { readonly kind: 'done' }
  | { readonly kind: 'gap' }
  | { readonly kind: 'refused'; readonly results: readonly R[]; readonly isFinal: boolean };

const DONE = { kind: 'done' } as const;
const GAP = { kind: 'gap' } as const;
const NOT_YOURS: Failure = {
  code: 'session_not_yours',
  expected: 'the key that acts for it',
  actual: 'another key',
};
const UNKNOWN: Failure = { code: 'session_unknown', expected: 'a live session', actual: 'none' };

/** What an opening is refused for and may pass without, elsewhere or later. */
const CURABLE: ReadonlySet<string> = new Set(['future_basis', 'too_many_sessions', 'gateway_full']);

/**
 * R3, R19: applies a commit's batches, each exactly once. It tries the copies of each in order until one
 * changes the state; a refusal is receipted after the last one. Answers the batches that are settled:
 * applied, or refused for good.
 */
export function takeTurns<S extends SessionRecord, O, R>(
  desk: Desk<S, O, R>,
  batches: readonly OrderedBatch[],
): readonly Digest[] {
  const copies = new Copies(batches);
  const early: Receipt[] = [];
  for (const batch of batches) {
    const isLast = copies.take(batch);
    if (copies.isSettled(batch)) continue;
    const tried = tryCopy(desk, batch);
    if (tried.kind === 'done') copies.settle(batch);
    if (tried.kind !== 'refused' || !isLast) continue;
    const told = tell(desk, batch, tried.results);
    if (tried.isFinal) copies.settle(batch);
    else early.push(told);
  }
  takeBack(desk, early);
  return copies.settled;
}

/** A copy that came before the opening of its session was not refused: it was out of turn. */
function takeBack<S extends SessionRecord, O, R>(
  { sessions, receipts }: Desk<S, O, R>,
  early: readonly Receipt[],
): void {
  const wrong = new Set(
    early.filter(({ session, seq }) => seq > 0 && sessions.get(toHex(session))),
  );
  if (wrong.size === 0) return;
  const right = receipts.filter((receipt) => !wrong.has(receipt));
  receipts.length = 0;
  for (const receipt of right) receipts.push(receipt);
}

/** R3: exactly once by (session, seq); a gap changes nothing and writes no receipt. */
function tryCopy<S extends SessionRecord, O, R>(
  desk: Desk<S, O, R>,
  batch: OrderedBatch,
): Tried<R> {
  const session = desk.sessions.get(toHex(batch.session));
  if (session === undefined) return tryFirst(desk, batch);
  if (!equalBytes(session.client, batch.client)) return tryStranger(desk, batch, session);
  const barred = batch.seq > session.lastSeq ? desk.refuseKey?.(batch.client) : undefined;
  if (barred) return refuseAll(desk, batch, barred);
  if (batch.seq > session.lastSeq + 1) return GAP;
  if (batch.seq === session.lastSeq + 1) applyNext(desk, batch, session, []);
  else repeat(desk, batch, session);
  return DONE;
}

/**
 * Not signed by the key that acts for the session now. Where that key has followed this one, the batch may have been
 * applied before: then its receipt is still the answer, and where that is forgotten nobody says that it was not.
 */
function tryStranger<S extends SessionRecord, O, R>(
  desk: Desk<S, O, R>,
  batch: OrderedBatch,
  session: S,
): Tried<R> {
  const barred = desk.refuseKey?.(batch.client);
  if (!barred) return refuseAll(desk, batch, NOT_YOURS);
  const stored = storedReceipt(session.receipts, batch.seq);
  if (stored && equalBytes(stored.batch, batch.id)) {
    const { seq, commit, results } = stored;
    desk.receipts.push({
      batch: batch.id,
      client: batch.client,
      session: session.id,
      seq,
      commit,
      results,
    });
    return DONE;
  }
  if (stored || batch.seq > session.lastSeq) return refuseAll(desk, batch, barred);
  tell(desk, batch, forgotten(desk, batch, session));
  return DONE;
}

function refuseAll<S extends SessionRecord, O, R>(
  desk: Desk<S, O, R>,
  batch: OrderedBatch,
  failure: Failure,
): Tried<R> {
  const refusal = desk.refusal(failure);
  return { kind: 'refused', results: batch.ops.map(() => refusal), isFinal: true };
}

/** A batch of a session that is not there: opens it, or is refused op by op. */
function tryFirst<S extends SessionRecord, O, R>(
  desk: Desk<S, O, R>,
  batch: OrderedBatch,
): Tried<R> {
  const unknown = desk.refusal(UNKNOWN);
  const opening = desk.openingOf(batch);
  if (!opening) {
    // The opening may still come, unless the session has lived before, or this batch is the one
    // that should hold it.
    const isFinal = batch.seq === 0 || desk.sessions.graves.has(toHex(batch.session));
    return { kind: 'refused', results: batch.ops.map(() => unknown), isFinal };
  }
  const failure = desk.refuseOpening(batch, opening);
  if (failure) {
    const refusal = desk.refusal(failure);
    const results = batch.ops.map((_, index) => (index === 0 ? refusal : unknown));
    return { kind: 'refused', results, isFinal: !CURABLE.has(failure.code) };
  }
  const { session, result } = desk.open(batch, opening);
  applyNext(desk, batch, session, [result]);
  return DONE;
}

/** `results`: of the ops that were applied before. */
function applyNext<S extends SessionRecord, O, R>(
  desk: Desk<S, O, R>,
  batch: OrderedBatch,
  session: S,
  results: R[],
): void {
  const { seq, ops, id } = batch;
  session.lastSeq = seq;
  desk.sessions.touch(session);
  for (let index = results.length; index < ops.length; index++) {
    results.push(desk.applyOp(batch, session, index));
  }
  const encoded = tell(desk, batch, results).results;
  const stored = { seq, batch: id, commit: desk.commit, results: encoded };
  // When a batch has closed its own session, nothing more is asked of that session.
  const { sessions } = desk;
  if (sessions.get(session.key) === session) sessions.store(session, stored);
}

/** Answers a seq that was applied before with the stored results, whatever this batch holds. */
function repeat<S extends SessionRecord, O, R>(
  desk: Desk<S, O, R>,
  batch: OrderedBatch,
  session: S,
): void {
  const stored = receiptOf(desk.sessions, batch);
  if (stored !== undefined) {
    desk.receipts.push(stored);
    return;
  }
  tell(desk, batch, forgotten(desk, batch, session));
}

function forgotten<S extends SessionRecord, O, R>(
  desk: Desk<S, O, R>,
  batch: OrderedBatch,
  session: S,
): readonly R[] {
  const expected = `seq from ${session.receipts[0]?.seq ?? session.lastSeq + 1}`;
  const code = 'receipt_forgotten';
  const refusal = desk.refusal({ code, expected, actual: `seq ${batch.seq}` });
  return batch.ops.map(() => refusal);
}

/** The receipt of an applied batch, while it is kept. */
export function receiptOf<S extends SessionRecord>(
  sessions: Sessions<S>,
  batch: Pick<OrderedBatch, 'client' | 'session' | 'seq'>,
): Receipt | undefined {
  const session = sessions.get(toHex(batch.session));
  if (session === undefined || !equalBytes(session.client, batch.client)) return undefined;
  const stored = storedReceipt(session.receipts, batch.seq);
  if (stored === undefined) return undefined;
  const { seq, batch: id, commit, results } = stored;
  return { batch: id, client: session.client, session: session.id, seq, commit, results };
}

function tell<S extends SessionRecord, O, R>(
  desk: Desk<S, O, R>,
  batch: OrderedBatch,
  results: readonly R[],
): Receipt {
  const { id, client, session, seq } = batch;
  const encoded = desk.encode(results);
  const receipt = { batch: id, client, session, seq, commit: desk.commit, results: encoded };
  desk.receipts.push(receipt);
  return receipt;
}
