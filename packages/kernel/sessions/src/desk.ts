// One commit of a hosted algorithm while it is applied.
import { encode } from '@fatty/codec';
import type {
  Algorithm,
  CommitInput,
  Failure,
  Notice,
  OrderedBatch,
  Position,
  Receipt,
} from '@fatty/interface';
import { guardedBytes } from './guard.ts';
import { type OpenedHostedOp, type OpenSession, openingOf, sourceOf } from './opening.ts';
import {
  ANSWER_BYTES_MAX,
  type HostedNotice,
  type HostedResult,
  hostedError,
  hostedNoticeShape,
  hostedResultShape,
} from './ops.ts';
import { openRecord, type SessionRecord, type Sessions } from './sessions.ts';
import type { Desk } from './turns.ts';

/** Applies the ops of a commit: those about sessions itself, the others by the algorithm. */
export class HostedDesk implements Desk<SessionRecord, OpenSession, HostedResult> {
  readonly sessions: Sessions<SessionRecord>;
  readonly commit: number;
  readonly receipts: Receipt[] = [];
  readonly notices: Notice[] = [];
  readonly #algorithm: Algorithm;
  /** Lease clock, ms. */
  readonly #now: number;
  readonly #basisCommitsMax: number;
  #index = 0;

  constructor(
    input: Pick<CommitInput, 'index' | 'leaseClock'>,
    sessions: Sessions<SessionRecord>,
    algorithm: Algorithm,
    basisCommitsMax: number,
  ) {
    this.commit = input.index;
    this.sessions = sessions;
    this.#algorithm = algorithm;
    this.#now = input.leaseClock;
    this.#basisCommitsMax = basisCommitsMax;
  }

  openingOf(batch: OrderedBatch<OpenedHostedOp>): OpenSession | undefined {
    return openingOf(batch);
  }

  refuseOpening(batch: OrderedBatch): Failure | undefined {
    return this.sessions.refuseOpen(batch, this.commit, this.#basisCommitsMax);
  }

  open(batch: OrderedBatch, op: OpenSession): { session: SessionRecord; result: HostedResult } {
    const session = openRecord(batch, op, this.#next(), this.#now, this.#basisCommitsMax);
    this.sessions.add(session);
    const { opened: position, leaseMs, expiry: leaseExpiry } = session;
    return { session, result: { kind: 'sessionOpened', position, leaseMs, leaseExpiry } };
  }

  applyOp(
    batch: OrderedBatch<OpenedHostedOp>,
    session: SessionRecord,
    index: number,
  ): HostedResult {
    const at = this.#next();
    if (this.sessions.get(session.key) !== session) {
      return refusal('session_unknown', 'a live session', 'closed by this batch');
    }
    const op = batch.opened[index];
    switch (op?.kind) {
      case 'openSession':
        return refusal('misplaced_open', 'op 0 of batch 0', `op ${index} of batch ${batch.seq}`);
      case 'closeSession':
        this.sessions.bury(session);
        return { kind: 'sessionClosed', position: at };
      case 'reanchor':
        this.sessions.reanchor(session, op.anchor, this.#now);
        return { kind: 'reanchored', leaseExpiry: session.expiry };
      case 'cancel':
        return { kind: 'cancelled', was: 'neither' };
      case 'own':
        return this.#applyOwn(batch, index, op.op, at);
      case undefined:
        // Whatever is committed was opened where it came in.
        return refusal('malformed', 'an op', 'none');
    }
  }

  #applyOwn(batch: OrderedBatch, index: number, op: unknown, at: Position): HostedResult {
    const applied = guardedBytes(() => this.#algorithm.apply(sourceOf(batch, index), op, at));
    if (!applied.ok) return hostedError(applied.failure);
    const answer = applied.value;
    if (answer.length <= ANSWER_BYTES_MAX) return { kind: 'own', answer };
    return refusal('answer_lost', `at most ${ANSWER_BYTES_MAX} bytes`, String(answer.length));
  }

  refusal(failure: Failure): HostedResult {
    return hostedError(failure);
  }

  encode(results: readonly HostedResult[]): readonly Uint8Array[] {
    return results.map((result) => encode(hostedResultShape, result));
  }

  /** A keep-alive of this session was accepted. */
  tellRenewed(session: SessionRecord): void {
    const { i, expiry: leaseExpiry } = session;
    this.#tell(session, { kind: 'renewed', i, leaseExpiry, lastNumber: 0 });
  }

  /** Its lease is over. */
  expire(session: SessionRecord): void {
    const position = this.#next();
    this.sessions.bury(session);
    this.#tell(session, { kind: 'sessionExpired', position });
  }

  #tell({ client, id }: SessionRecord, notice: HostedNotice): void {
    this.notices.push({ client, session: id, body: encode(hostedNoticeShape, notice) });
  }

  /** R21: every op, and the end of every session, takes the next index. */
  #next(): Position {
    return { commit: this.commit, index: this.#index++ };
  }
}

function refusal(code: string, expected: string, actual: string): HostedResult {
  return hostedError({ code, expected, actual });
}
