// The life of sessions, one after another: opened, kept, in jeopardy, back again, ended (TIME.md, T4 and T7).
import type { Answer, NoticeBody } from '@fatty/api';
import { encodeOp } from '@fatty/api';
import type { Failure } from '@fatty/interface';
import { ClockAsker } from './clock-asker.ts';
import { isRetryable } from './errors.ts';
import { Holds, type Moment } from './holds.ts';
import type { KeeperOptions, KeeperOwner } from './keeping.ts';
import { opensAgain } from './opening.ts';
import type { Reads } from './reads.ts';
import { Session } from './session.ts';
import type { Shared } from './shared.ts';
import type { Job } from './slot.ts';
import { doubledPause, Latencies } from './timing.ts';
import type { CallOutcome, SessionState } from './types.ts';

/** An OpenSession must not look back too far (R3): an older clock proof is renewed first, ms. */
const BASIS_MS_MAX = 2_000;
/** Internal calls have negative ids: nobody outside waits for them. */
const AUDIT_CALL = -2;
const CANCEL_CALL = -3;
/** An unanswered clock question is asked again after lease / 12. */
const REPEATS_PER_LEASE = 12;
/** A grant waits lease / 3 for its proof: as long as from one keep-alive to the next. */
const PROOF_WAITS_PER_LEASE = 3;

/**
 * The one session of a core: opened when something needs it, kept alive, watched, ended.
 * States: none → opening → connected ⇄ jeopardy → expired → none; `safe` is the way back.
 *
 * Invariant: `connected` or `safe` was the last state told ⇔ the deadline is in the future.
 */
export class SessionKeeper {
  readonly clock: ClockAsker;
  readonly latencies: Latencies = new Latencies();
  readonly holds: Holds;
  readonly #shared: Shared;
  readonly #reads: Reads;
  readonly #options: KeeperOptions;
  readonly #owner: KeeperOwner;
  /** Jobs that wait for the session to open. */
  readonly #lobby: Job[] = [];
  #session: Session | undefined;
  #state: SessionState = 'none';
  #openings = 0;
  #auditDue = false;
  #auditing = false;
  /** Gateways say that the session is gone: it is read even if it holds nothing. */
  #doubted = false;
  #nextAskMs = 0;
  /** Clock questions since proof is missing, or since a commit last had news for us. */
  #asked = 0;
  #openedAtMs = 0;
  #jeopardySinceMs = 0;

  constructor(shared: Shared, reads: Reads, options: KeeperOptions, owner: KeeperOwner) {
    this.#shared = shared;
    this.#reads = reads;
    this.#options = options;
    this.#owner = owner;
    this.clock = new ClockAsker(shared);
    this.holds = new Holds(
      {
        lost: (hold, failure) => owner.lost(hold, failure),
        cancel: (seq, index) => this.cancel(seq, index),
        unproved: () => {
          this.#asked = 0;
          this.#askBy(this.#shared.nowMs);
        },
        lacking: () => this.#lacking,
      },
      { bounds: shared.bounds, proofMsMax: options.leaseMs / PROOF_WAITS_PER_LEASE },
    );
  }

  get session(): Session | undefined {
    return this.#session;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What a proof of a hold is measured against, now. */
  get now(): Moment {
    const sessionDeadlineMs = this.#session?.deadlineMs ?? Number.NEGATIVE_INFINITY;
    return { atMs: this.#shared.nowMs, sessionDeadlineMs };
  }

  get nextAtMs(): number {
    const { graceMs } = this.#options;
    const session = this.#session;
    const watched = session?.isOpen === true && this.#state !== 'opening';
    const deadline = watched ? session.deadlineMs : Number.POSITIVE_INFINITY;
    return Math.min(
      session?.nextAtMs ?? Number.POSITIVE_INFINITY,
      session?.pipeline.retryAtMs ?? Number.POSITIVE_INFINITY,
      this.#state === 'jeopardy' ? this.#jeopardySinceMs + graceMs : deadline,
      this.#needsClock ? this.#nextAskMs : Number.POSITIVE_INFINITY,
      this.clock.nextAtMs,
      this.holds.nextAtMs,
    );
  }

  /** Queues a job; opens a session first if there is none. */
  put(job: Job, atMs: number): void {
    if (this.#session?.isOpen && this.#state !== 'opening') {
      this.#session.pipeline.put(job);
      this.#session.pipeline.flush(atMs);
      return;
    }
    this.#lobby.push(job);
  }

  /** Behind a clock reading of now: what it asks for is of no use while nothing can be proved. */
  putProvable(job: Job, atMs: number): void {
    const giveUpMs = atMs + this.#options.leaseMs / PROOF_WAITS_PER_LEASE;
    const put = (): void => this.put(job, this.#shared.nowMs);
    this.clock.holdBack(job, { sinceMs: atMs, giveUpMs, put });
    this.#nextAskMs = atMs;
  }

  withdraw(call: number): boolean {
    if (this.clock.withdraw(call)) return true;
    const at = this.#lobby.findIndex((job) => job.call === call);
    if (at >= 0) this.#lobby.splice(at, 1);
    return at >= 0 || (this.#session?.pipeline.withdraw(call) ?? false);
  }

  /** Undoes an acquire, whatever became of it (R21: safe to repeat). */
  cancel(seq: number, index: number): void {
    const ops = [encodeOp({ kind: 'cancel', seq, index })];
    this.#session?.pipeline.put({ call: CANCEL_CALL, ops, done: () => undefined });
  }

  linkUp(): void {
    this.#auditDue = true;
    this.jumped();
  }

  /** The host may have stood still: what is proved is proved anew. */
  jumped(): void {
    this.#nextAskMs = 0;
  }

  /** The members are others: what they may have told us is asked for, and the time as they have it. */
  moved(): void {
    this.clock.moved();
    this.#session?.pipeline.moved(this.#shared.nowMs);
    this.#asked = 0;
    this.linkUp();
  }

  /** f+1 gateways know no such session; one that is late would say so too. */
  doubt(): void {
    this.#auditDue = true;
    this.#doubted = true;
  }

  /** All events have been noted: what follows from them now. */
  tick(atMs: number): void {
    this.clock.tick(atMs);
    this.#askClock(atMs);
    this.#openIfWanted(atMs);
    const session = this.#session;
    if (session === undefined) return;
    this.#watch(session, atMs);
    this.holds.tick(this.now);
    session.tick(atMs);
    session.pipeline.retry(atMs);
    session.pipeline.flush(atMs);
    this.#audit(session, atMs);
  }

  /** Clock readings that should have come since the last keep-alive, for people. */
  get #lacking(): string | undefined {
    return this.clock.lacking(this.#shared.nowMs - this.#options.leaseMs / 2);
  }

  get #needsClock(): boolean {
    return this.#session?.isOpen === true || this.#lobby.length > 0 || this.clock.isAwaited;
  }

  /** An open session, or a grant of it, that the last answers do not prove alive. */
  get #unproved(): boolean {
    if (this.#session?.isOpen !== true) return false;
    return this.#state === 'opening' || this.#state === 'jeopardy' || this.holds.hasUnproved;
  }

  /** One question per keep-alive, repeated four times as often while it has no quorum. */
  #askClock(atMs: number): void {
    if (!this.#needsClock || atMs < this.#nextAskMs) return;
    this.clock.ask(atMs);
    this.#asked = this.#unproved ? this.#asked + 1 : 0;
    this.#auditDue ||= this.holds.hasWaits || this.holds.hasGap;
    this.#nextAskMs = atMs + this.#options.leaseMs / REPEATS_PER_LEASE;
  }

  clockProved(atMs: number): void {
    const { sentAtMs, answered } = this.clock;
    if (answered) this.#nextAskMs = sentAtMs + this.#options.leaseMs / 3;
    this.#prove(atMs);
    if (this.#unproved) this.#askBy(sentAtMs + this.#paceMs);
  }

  /**
   * Δ/4 first and twice as long each time, up to the pace of unanswered questions: every question
   * costs each replica a signature, and while nothing is committed none of them can help.
   */
  get #paceMs(): number {
    const { deltaMs } = this.#shared;
    return doubledPause(deltaMs / 4, this.#asked, this.#options.leaseMs / REPEATS_PER_LEASE);
  }

  #askBy(atMs: number): void {
    if (this.clock.answered) this.#nextAskMs = Math.min(this.#nextAskMs, atMs);
  }

  /**
   * f+1 replicas told us of a commit. The lease clock stood still while the cell rested or stalled,
   * and the offset of an answer from before that commit does not say so yet: the next one will.
   */
  #news(atMs: number): void {
    this.#prove(atMs);
    this.#asked = 0;
    if (this.#unproved) this.#askBy(atMs);
  }

  #prove(atMs: number): void {
    const { proof } = this.clock;
    const session = this.#session;
    if (proof === undefined || session === undefined) return;
    session.prove(proof);
    this.#watch(session, atMs);
    this.holds.prove(proof, this.now);
  }

  #openIfWanted(atMs: number): void {
    if (this.#session !== undefined || this.#lobby.length === 0) return;
    const { proof } = this.clock;
    if (proof === undefined || atMs - proof.sentAtMs > BASIS_MS_MAX) {
      if (this.clock.answered) this.#nextAskMs = Math.min(this.#nextAskMs, atMs);
      return;
    }
    if (this.#shared.links.gateway() === undefined) return;
    const { leaseMs, chainLength } = this.#options;
    const session = new Session(this.#shared, this.latencies, leaseMs, chainLength);
    this.#session = session;
    this.#become('opening');
    session.open((outcome) => this.#opened(session, outcome));
  }

  #opened(session: Session, outcome: CallOutcome): void {
    if (session !== this.#session) return;
    const result = outcome.kind === 'results' ? outcome.results[0] : undefined;
    if (outcome.kind === 'results' && result?.kind === 'sessionOpened') {
      const atMs = this.#shared.nowMs;
      this.#openings = 0;
      session.opened(result.leaseExpiry, atMs);
      this.#openedAtMs = atMs;
      this.#news(atMs);
      return;
    }
    this.#openFailed(outcome, result?.kind === 'error' ? result : undefined);
  }

  /** What failed for its author, its order or its basis may pass as a new opening, at another gateway. */
  #openFailed(outcome: CallOutcome, error: Failure | undefined): void {
    this.#session = undefined;
    this.#become('none');
    this.#openings += 1;
    const told = outcome.kind === 'failed' ? outcome.failure : error;
    const failure = told ?? { code: 'bad_answer', expected: 'a session', actual: outcome.kind };
    if (opensAgain(failure, this.#openings, this.#shared.members.replicas.length)) {
      if (failure.code === 'gateway_full') this.#shared.links.failover();
      this.#nextAskMs = 0;
      return;
    }
    this.#openings = 0;
    // Whatever became of the opening: these were never signed.
    const retryable = isRetryable(failure.code);
    const failed: CallOutcome = { kind: 'failed', failure, outcome: 'not_applied', retryable };
    for (const job of this.#lobby.splice(0)) job.done(failed);
  }

  /** Jeopardy, safety and the end of the grace period follow from the deadline alone. */
  #watch(session: Session, atMs: number): void {
    if (!session.isOpen || session !== this.#session) return;
    if (atMs < session.deadlineMs) {
      if (this.#state === 'opening') this.#become('connected');
      if (this.#state === 'jeopardy') this.#become('safe');
      this.#emptyLobby(session);
      return;
    }
    if (this.#state === 'opening' && !this.#provedSinceOpen) return;
    if (this.#state !== 'jeopardy') {
      this.#jeopardySinceMs = atMs;
      this.#become('jeopardy');
      this.#emptyLobby(session);
      const expected = 'a proof that the session lives';
      const actual = this.#lacking ?? 'none';
      this.holds.jeopardy({ code: 'in_jeopardy', expected, actual });
      session.pipeline.flush(atMs);
    }
    if (atMs >= this.#jeopardySinceMs + this.#options.graceMs) {
      this.expire('a renewal within the grace period', `none in ${this.#options.graceMs} ms`);
    }
  }

  get #provedSinceOpen(): boolean {
    const { proof } = this.clock;
    return proof !== undefined && proof.sentAtMs >= this.#openedAtMs;
  }

  #emptyLobby(session: Session): void {
    for (const job of this.#lobby.splice(0)) session.pipeline.put(job);
  }

  /** The session is over; the next call opens a new one. */
  expire(expected: string, actual: string): void {
    const session = this.#session;
    if (session === undefined) return;
    const failure: Failure = { code: 'session_expired', expected, actual };
    this.#session = undefined;
    this.#become('expired');
    session.end(failure);
    this.holds.endAll(failure);
    this.#state = 'none';
  }

  notice(body: NoticeBody, commit: number): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#shared.sawCommit(commit);
    switch (body.kind) {
      case 'granted':
        session.extend(body.leaseExpiry);
        this.holds.grantedNotice(body, this.now);
        break;
      case 'waitEnded':
        this.holds.waitEnded(body, this.now);
        break;
      case 'lost':
      case 'machineLost':
        this.holds.lost(body, this.now);
        break;
      case 'renewed':
        session.renewed(body.i, body.leaseExpiry);
        this.holds.renewed(body.leaseExpiry, body.lastNumber, this.now);
        break;
      case 'sessionExpired':
        this.expire('a live session', `expired at commit ${commit}`);
        break;
      case 'epoch':
        break;
    }
    this.#auditDue ||= this.holds.hasGap;
    this.#news(this.#shared.nowMs);
  }

  /** Notices can be lost with a link; the session itself, read at f+1, cannot. */
  #audit(session: Session, atMs: number): void {
    if (!this.#auditDue || this.#auditing || !session.isOpen) return;
    if (this.holds.isEmpty && !this.#doubted) return;
    this.#auditDue = false;
    this.#doubted = false;
    this.#auditing = true;
    const want = {
      query: { kind: 'session', id: session.id },
      view: 'committed',
      replica: undefined,
    } as const;
    this.#reads.start(AUDIT_CALL, want, atMs, (outcome) => {
      this.#auditing = false;
      if (session !== this.#session || outcome.kind !== 'answer') return;
      this.#audited(session, outcome.answer, outcome.commit);
    });
  }

  #audited(session: Session, answer: Answer, commit: number): void {
    if (answer.kind === 'session') {
      session.extend(answer.leaseExpiry);
      this.#prove(this.#shared.nowMs);
      this.holds.audit(answer, this.now);
    } else if (answer.kind === 'error' && answer.code === 'session_unknown') {
      this.expire('a live session', `unknown at commit ${commit}`);
    }
  }

  #become(state: SessionState): void {
    this.#state = state;
    this.#owner.status(state);
  }
}
