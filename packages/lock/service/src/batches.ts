import {
  type CellParams,
  checkOp,
  decodeOp,
  type ErrorResult,
  encodeResults,
  errorResult,
  type Op,
  type Result,
  sessionIdOf,
} from '@fatty/api';
import { ACCEPT, equalBytes, reject } from '@fatty/codec';
import type { Digest, Failure, OrderedBatch, Receipt, Source, Verdict } from '@fatty/interface';
import { type Desk, takeTurns } from '@fatty/sessions';
import { applyOp } from './apply.ts';
import type { Ledger } from './ledger.ts';
import { refused } from './names.ts';
import { openSession, type Session, type Sessions } from './sessions.ts';
import type { State } from './state.ts';

type Opening = Extract<Op, { kind: 'openSession' }>;

/** R19: answers the batches that are settled: applied, or refused for good. */
export function applyBatches(
  state: State,
  batches: readonly OrderedBatch[],
  ledger: Ledger,
  params: CellParams,
): readonly Digest[] {
  return takeTurns(new LockDesk(state, ledger, params), batches);
}

/** What the lock service does with the batches that have their turn. */
class LockDesk implements Desk<Session, Opening, Result> {
  readonly sessions: Sessions;
  readonly commit: number;
  readonly receipts: Receipt[];
  readonly #state: State;
  readonly #ledger: Ledger;
  readonly #params: CellParams;

  constructor(state: State, ledger: Ledger, params: CellParams) {
    this.sessions = state.sessions;
    this.commit = ledger.commit;
    this.receipts = ledger.receipts;
    this.#state = state;
    this.#ledger = ledger;
    this.#params = params;
  }

  openingOf(batch: OrderedBatch): Opening | undefined {
    return openingOf(batch);
  }

  refuseOpening(batch: OrderedBatch, op: Opening): Failure | undefined {
    const lease = checkOp(op, this.#params);
    if (lease.kind !== 'accept') return lease;
    return this.sessions.refuseOpen(batch, this.commit, this.#params.basisCommitsMax);
  }

  open(batch: OrderedBatch, op: Opening): { session: Session; result: Result } {
    const { basisCommitsMax } = this.#params;
    const session = openSession(this.sessions, batch, op, this.#ledger, basisCommitsMax);
    this.#state.accounts.countOp(session.owner);
    const { opened, leaseMs, expiry: leaseExpiry } = session;
    return { session, result: { kind: 'sessionOpened', position: opened, leaseMs, leaseExpiry } };
  }

  applyOp(batch: OrderedBatch, session: Session, index: number): Result {
    const { accounts } = this.#state;
    const at = this.#ledger.next();
    if (this.sessions.get(session.key) !== session) {
      return errorResult('session_unknown', 'a live session', 'closed by this batch');
    }
    if (!accounts.countOp(session.owner)) {
      return errorResult('quota_ops', `at most ${accounts.opsPerCommitMax} a commit`, 'more');
    }
    const op = decodeOp(batch.ops[index] ?? new Uint8Array(0));
    if (!op.ok) return refused(op.failure);
    const checked = checkOp(op.value, this.#params);
    if (checked.kind !== 'accept') return refused(checked);
    const turn = { session, seq: batch.seq, index, at, ledger: this.#ledger };
    return applyOp(this.#state, op.value, turn);
  }

  refusal(failure: Failure): ErrorResult {
    return refused(failure);
  }

  encode(results: readonly Result[]): readonly Uint8Array[] {
    return encodeResults(results);
  }
}

/** R3: a session is keyed by (client key, nonce, basis), and its open stands at the very start. */
export function checkOpening({ client, session, seq, index, basis }: Source, op: Opening): Verdict {
  if (seq !== 0 || index !== 0) {
    return reject('misplaced_open', 'op 0 of batch 0', `op ${index} of batch ${seq}`);
  }
  if (equalBytes(sessionIdOf(client, op.nonce, basis), session)) return ACCEPT;
  return reject('misplaced_open', 'the session of this key, nonce and basis', 'another session');
}

export function openingOf(batch: OrderedBatch): Opening | undefined {
  const [first] = batch.ops;
  if (first === undefined) return undefined;
  const op = decodeOp(first);
  if (!op.ok || op.value.kind !== 'openSession') return undefined;
  const source: Source = { ...batch, index: 0 };
  return checkOpening(source, op.value).kind === 'accept' ? op.value : undefined;
}
