// The batches of a commit, each in its turn.
import { type ErrorResult, encodeResults, errorResult, type Op, type Result } from '@fatty/api';
import { ACCEPT, equalBytes, reject } from '@fatty/codec';
import type {
  Digest,
  Failure,
  OrderedBatch,
  PublicKey,
  Receipt,
  Source,
  Verdict,
} from '@fatty/interface';
import { type CellParams, sessionIdOf } from '@fatty/protocol';
import { type Desk, takeTurns } from '@fatty/sessions';
import { applyOp } from './apply.ts';
import type { Ledger } from './ledger.ts';
import { refused } from './names.ts';
import type { OpenedOp } from './open.ts';
import { openSession, type Session, type Sessions } from './sessions.ts';
import type { State } from './state.ts';

type Opening = Extract<Op, { kind: 'openSession' }>;

/** R19: answers the batches that are settled: applied, or refused for good. */
export function applyBatches(
  state: State,
  batches: readonly OrderedBatch<OpenedOp>[],
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

  openingOf(batch: OrderedBatch<OpenedOp>): Opening | undefined {
    return openingOf(batch);
  }

  refuseOpening(batch: OrderedBatch): Failure | undefined {
    const { client } = batch;
    const { keys } = this.#state;
    const { basisCommitsMax } = this.#params;
    return (
      keys.refuse(client) ??
      this.sessions.refuseOpen(batch, this.commit, basisCommitsMax, keys.nameOf(client))
    );
  }

  refuseKey(client: PublicKey): Failure | undefined {
    return this.#state.keys.refuse(client);
  }

  open(batch: OrderedBatch, op: Opening): { session: Session; result: Result } {
    const { basisCommitsMax } = this.#params;
    const identity = this.#state.keys.identityOf(batch.client);
    const session = openSession(this.sessions, batch, op, identity, this.#ledger, basisCommitsMax);
    this.#state.accounts.countOp(session.owner);
    const { opened, leaseMs, expiry: leaseExpiry } = session;
    return { session, result: { kind: 'sessionOpened', position: opened, leaseMs, leaseExpiry } };
  }

  applyOp(batch: OrderedBatch<OpenedOp>, session: Session, index: number): Result {
    const { accounts } = this.#state;
    const at = this.#ledger.next();
    if (this.sessions.get(session.key) !== session) {
      return errorResult('session_unknown', 'a live session', 'closed by this batch');
    }
    // An op before it in this batch may have been the last one of its key.
    const barred = this.refuseKey(batch.client);
    if (barred) return refused(barred);
    if (!accounts.countOp(session.owner)) {
      return errorResult('quota_ops', `at most ${accounts.opsPerCommitMax} a commit`, 'more');
    }
    const opened = batch.opened[index];
    // Whatever is committed was opened where it came in.
    if (opened === undefined) return errorResult('malformed', 'an op', 'none');
    const turn = { session, seq: batch.seq, index, at, ledger: this.#ledger };
    return applyOp(this.#state, opened.op, turn);
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

/** Of a later seq nothing is opened for it. */
export function openingOf(batch: OrderedBatch<OpenedOp>): Opening | undefined {
  const op = batch.seq === 0 ? batch.opened[0]?.op : undefined;
  if (op?.kind !== 'openSession') return undefined;
  const { client, session, seq, author, basis } = batch;
  const source: Source = { client, session, seq, index: 0, author, basis };
  return checkOpening(source, op).kind === 'accept' ? op : undefined;
}
