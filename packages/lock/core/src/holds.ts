// What the client holds, how long each hold is proved, and what ends it (TIME.md, T4 and T5).
import {
  type Answer,
  equalPositions,
  type LockMode,
  type NoticeBody,
  showPosition,
} from '@fatty/api';
import type { Failure, Position } from '@fatty/interface';
import { type ClockBounds, type ClockProof, leaseDeadline } from './clock.ts';
import { isRetryable } from './errors.ts';
import { News } from './news.ts';
import type { Belief, CallOutcome, Landed } from './types.ts';

/**
 * Where an acquire or a machine lease stands. `placed` without a position: not signed yet;
 * `granted`: f+1 say so, and no proof says yet that the lease still runs; `held`: proved, and its
 * caller knows; `leaving`: given back.
 */
export interface Hold {
  readonly call: number;
  readonly path: string;
  readonly mode: LockMode | 'machine';
  /** Runs once: the answer of the call. */
  readonly done: (outcome: CallOutcome) => void;
  state: 'placed' | 'waiting' | 'granted' | 'held' | 'leaving';
  at: Omit<Landed, 'commit'> | undefined;
  /** How many waited before it when it came to the queue; undefined before its receipt says so. */
  ahead: number | undefined;
  lockGen: Position | undefined;
  /** Until then (lease clock, ms) nobody else is given it, as far as this client can be sure. */
  leaseExpiry: number;
  /** Monotonic ms until which that is proved; −∞ before the first proof. */
  deadlineMs: number;
  /** Granted: given up then, unless proved. Monotonic ms. */
  proveByMs: number;
  /** Read in the session after it was applied, and not there: whatever its receipt says, it is over. */
  isGone: boolean;
  /** What the call is answered once it is proved. */
  answer: CallOutcome | undefined;
}

type SessionAnswer = Extract<Answer, { kind: 'session' }>;
type GrantedNotice = Extract<NoticeBody, { kind: 'granted' }>;

/** What the holds of a session need from their core. */
export interface HoldsOwner {
  lost(hold: number, failure: Failure): void;
  /** Undo at the cell what is not believed here any more. */
  cancel(seq: number, index: number): void;
  /** Something was granted that the last clock proof does not prove. */
  unproved(): void;
  /** What a proof lacks, for people; undefined when it lacks nothing but time. */
  lacking(): string | undefined;
}

/** Bounds on clocks, and on patience. */
export interface HoldsOptions {
  readonly bounds: ClockBounds;
  /** How long a grant may wait for its proof before it is given up, ms. */
  readonly proofMsMax: number;
}

/** The end of the session's own proof, and the time of the event being handled: monotonic ms. */
export interface Moment {
  readonly sessionDeadlineMs: number;
  readonly atMs: number;
}

/**
 * The locks and machine leases of one session, as far as f+1 replicas have confirmed them.
 *
 * Invariant: a hold becomes `held`, and its call is answered, only while its lease is proved; it is
 * ended at the first event at or after its deadline. So `held` and believed are the same (TIME.md).
 */
export class Holds {
  readonly #owner: HoldsOwner;
  readonly #options: HoldsOptions;
  readonly #holds = new Map<number, Hold>();
  /** Losses that were believed before their grant was, of paths that an acquire is under way for. */
  readonly #lostEarly = new Map<string, Set<string>>();
  #news = new News();
  #proof: ClockProof | undefined;

  constructor(owner: HoldsOwner, options: HoldsOptions) {
    this.#owner = owner;
    this.#options = options;
  }

  get(call: number): Hold | undefined {
    return this.#holds.get(call);
  }

  add(hold: Pick<Hold, 'call' | 'path' | 'mode' | 'done'>): Hold {
    const { call, path, mode, done } = hold;
    const made: Hold = {
      call,
      path,
      mode,
      done,
      state: 'placed',
      at: undefined,
      ahead: undefined,
      lockGen: undefined,
      leaseExpiry: 0,
      deadlineMs: Number.NEGATIVE_INFINITY,
      proveByMs: Number.POSITIVE_INFINITY,
      isGone: false,
      answer: undefined,
    };
    this.#holds.set(call, made);
    return made;
  }

  drop(call: number): void {
    const hold = this.#holds.get(call);
    if (hold === undefined) return;
    this.#holds.delete(call);
    if (!this.#isAwaited(hold.path)) this.#lostEarly.delete(hold.path);
  }

  /** An acquire of this path may still turn out to have been granted. */
  #isAwaited(path: string): boolean {
    for (const { path: other, state } of this.#holds.values()) {
      if (other === path && (state === 'placed' || state === 'waiting')) return true;
    }
    return false;
  }

  get hasWaits(): boolean {
    return [...this.#holds.values()].some((hold) => hold.state === 'waiting');
  }

  /** Something was granted that is not proved. */
  get hasUnproved(): boolean {
    return [...this.#holds.values()].some((hold) => hold.state === 'granted');
  }

  get isEmpty(): boolean {
    return this.#holds.size === 0;
  }

  /** The cell has told us something of our holds that we have not heard: the session must be read. */
  get hasGap(): boolean {
    return this.#news.hasGap;
  }

  #find(seq: number, index: number): Hold | undefined {
    for (const hold of this.#holds.values()) {
      if (hold.at?.seq === seq && hold.at.index === index) return hold;
    }
    return undefined;
  }

  /** The receipt says `waiting`, behind so many others. */
  waits(hold: Hold, ahead: number): void {
    hold.ahead = ahead;
    if (hold.state !== 'placed' || this.#holds.get(hold.call) !== hold) return;
    hold.state = 'waiting';
    if (hold.isGone) this.end(hold, lossOf(hold.path, undefined, 'not in the session'));
  }

  /**
   * The cell has given it, says its receipt, a notice or the session, whichever is believed first.
   * `leaseExpiry`: of the session at that commit. The call is answered when it is proved.
   */
  granted(hold: Hold, lockGen: Position, leaseExpiry: number, now: Moment): void {
    const { call, path, at, state } = hold;
    if (this.#holds.get(call) !== hold || at === undefined) return;
    if (state !== 'placed' && state !== 'waiting') return;
    hold.lockGen = lockGen;
    if (hold.isGone || this.#lostEarly.get(path)?.has(showPosition(lockGen))) {
      this.end(hold, lossOf(path, lockGen, 'before its grant was confirmed'));
      return;
    }
    const mode = hold.mode === 'machine' ? 'exclusive' : hold.mode;
    const { session, seq, index } = at;
    hold.answer = { kind: 'held', lockGen, mode, at: { session, seq, index } };
    hold.leaseExpiry = Math.max(leaseExpiry, this.#news.covered);
    this.#awaitProof(hold, now);
  }

  #awaitProof(hold: Hold, now: Moment): void {
    hold.state = 'granted';
    hold.proveByMs = now.atMs + this.#options.proofMsMax;
    this.#prove(hold, now);
    if (hold.state === 'granted') this.#owner.unproved();
  }

  grantedNotice({ number, seq, index, lockGen, leaseExpiry }: GrantedNotice, now: Moment): void {
    const hold = this.#find(seq, index);
    if (hold !== undefined) this.granted(hold, lockGen, leaseExpiry, now);
    this.#hear(number, now);
  }

  /** The wait is over without a grant. */
  waitEnded(body: Extract<NoticeBody, { kind: 'waitEnded' }>, now: Moment): void {
    const { number, seq, index, code, path, position } = body;
    const hold = this.#find(seq, index);
    if (hold?.state === 'placed' || hold?.state === 'waiting') {
      this.drop(hold.call);
      const failure = {
        code,
        expected: 'the lock',
        actual: `${path} at ${showPosition(position)}${queueOf(hold)}`,
      };
      const retryable = isRetryable(code);
      hold.done({ kind: 'failed', failure, outcome: 'not_applied', retryable });
    }
    this.#hear(number, now);
  }

  lost(body: Extract<NoticeBody, { kind: 'lost' | 'machineLost' }>, now: Moment): void {
    const { path, lockGen, reason } = body;
    const holds = [...this.#holds.values()];
    const hold = holds.find((one) => one.path === path && equalPositions(one.lockGen, lockGen));
    if (hold !== undefined) this.end(hold, lossOf(path, lockGen, reason));
    else if (this.#isAwaited(path)) {
      const early = this.#lostEarly.get(path) ?? new Set();
      this.#lostEarly.set(path, early.add(showPosition(lockGen)));
    }
    if (body.kind === 'lost') this.#hear(body.number, now);
  }

  #hear(number: number, now: Moment): void {
    this.#news.hear(number);
    this.#extend(now);
  }

  /** A renewal extends what we hold if we know all that happened to it before (R21b). */
  renewed(leaseExpiry: number, lastNumber: number, now: Moment): void {
    this.#news.renewed(leaseExpiry, lastNumber);
    this.#extend(now);
  }

  #extend(now: Moment): void {
    for (const hold of Array.from(this.#holds.values())) {
      if (hold.mode === 'machine' || hold.lockGen === undefined) continue;
      hold.leaseExpiry = Math.max(hold.leaseExpiry, this.#news.covered);
      this.#prove(hold, now);
    }
  }

  /** Final for this hold: whoever waits is told, whoever holds is warned. */
  end(hold: Hold, failure: Failure): void {
    const { state } = hold;
    this.drop(hold.call);
    if (state === 'held') this.#owner.lost(hold.call, failure);
    else if (state !== 'leaving') {
      const outcome = hold.lockGen === undefined ? 'unknown' : 'applied';
      hold.done({ kind: 'failed', failure, outcome, retryable: true });
    }
  }

  /**
   * The session is over. What was never signed belongs to no session yet: it goes out with the next,
   * or its job fails; either way its own call answers for it.
   */
  endAll(failure: Failure): void {
    for (const hold of Array.from(this.#holds.values())) {
      if (hold.at !== undefined || hold.lockGen !== undefined) this.end(hold, failure);
    }
    this.#lostEarly.clear();
    this.#news = new News();
  }

  /** Ended here, and undone at the cell: nobody has to wait for what its holder has given up. */
  giveUp(hold: Hold, failure: Failure): void {
    this.end(hold, failure);
    if (hold.at !== undefined && hold.mode !== 'machine') {
      this.#owner.cancel(hold.at.seq, hold.at.index);
    }
  }

  /** What can no longer be proved is treated as lost for good. */
  jeopardy(failure: Failure): void {
    for (const hold of this.held()) this.giveUp(hold, failure);
  }

  /** Proved holds, in the order of their calls. */
  held(): Hold[] {
    return [...this.#holds.values()].filter(({ state }) => state === 'held');
  }

  /**
   * Compares with the session as f+1 replicas describe it: at one commit, so everything up to its
   * last batch has been applied, and what it does not list of that is over.
   */
  audit(answer: SessionAnswer, now: Moment): void {
    for (const { seq, index, lockGen } of answer.holds) {
      const hold = this.#find(seq, index);
      if (hold === undefined) continue;
      this.granted(hold, lockGen, answer.leaseExpiry, now);
      hold.leaseExpiry = Math.max(hold.leaseExpiry, answer.leaseExpiry);
    }
    for (const hold of Array.from(this.#holds.values())) {
      if (hold.at === undefined || hold.mode === 'machine') continue;
      const { seq, index } = hold.at;
      const isThis = (one: { seq: number; index: number }): boolean =>
        one.seq === seq && one.index === index;
      const isListed = answer.holds.some(isThis) || answer.waits.some(isThis);
      if (!isListed && seq <= answer.lastSeq) this.#missing(hold);
    }
    this.#news.caughtUp(answer.lastNumber);
    this.#extend(now);
  }

  /** Applied, and the cell knows nothing of it any more. */
  #missing(hold: Hold): void {
    if (hold.state === 'placed') hold.isGone = true;
    else this.end(hold, lossOf(hold.path, hold.lockGen, 'not in the session'));
  }

  /** A machine's lease was given to this call: answered with `outcome` once it is proved. */
  machineGranted(hold: Hold, leaseExpiry: number, outcome: CallOutcome, now: Moment): void {
    hold.answer = outcome;
    hold.leaseExpiry = leaseExpiry;
    this.#awaitProof(hold, now);
  }

  /** A machine's own lease: may only grow. */
  extendMachine(hold: Hold, leaseExpiry: number, now: Moment): void {
    hold.leaseExpiry = Math.max(hold.leaseExpiry, leaseExpiry);
    this.#prove(hold, now);
  }

  /** A bound once proved stays proved: the deadline never moves back. */
  #prove(hold: Hold, now: Moment): void {
    if (this.#proof === undefined || hold.lockGen === undefined) return;
    const deadlineMs = leaseDeadline(hold.leaseExpiry, this.#proof, this.#options.bounds);
    hold.deadlineMs = Math.max(hold.deadlineMs, deadlineMs);
    if (hold.state !== 'granted' || hold.answer === undefined) return;
    if (now.atMs >= provedUntilMs(hold, now)) return;
    hold.state = 'held';
    hold.done(hold.answer);
  }

  prove(proof: ClockProof, now: Moment): void {
    this.#proof = proof;
    for (const hold of Array.from(this.#holds.values())) this.#prove(hold, now);
  }

  /** Earliest end of a proof, or of the wait for one. */
  get nextAtMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { state, deadlineMs, proveByMs } of this.#holds.values()) {
      if (state === 'held') next = Math.min(next, deadlineMs);
      if (state === 'granted') next = Math.min(next, proveByMs);
    }
    return next;
  }

  /** Ends what is not proved any more, and what waited too long for its proof. */
  tick(now: Moment): void {
    for (const hold of Array.from(this.#holds.values())) {
      const isOver = hold.state === 'held' && now.atMs >= provedUntilMs(hold, now);
      if (isOver || (hold.state === 'granted' && now.atMs >= hold.proveByMs)) {
        this.giveUp(hold, jeopardyOf(hold, this.#owner.lacking()));
      }
    }
  }

  beliefs(now: Moment): Belief[] {
    return this.held().flatMap((hold) => {
      const { call, path, mode, lockGen } = hold;
      const untilMs = provedUntilMs(hold, now);
      if (lockGen === undefined || now.atMs >= untilMs) return [];
      return [{ hold: call, path, lockGen, mode, untilMs }];
    });
  }
}

/** A hold is proved for as long as its own lease and its session are. Monotonic ms. */
function provedUntilMs({ deadlineMs }: Hold, { sessionDeadlineMs }: Moment): number {
  return Math.min(deadlineMs, sessionDeadlineMs);
}

function jeopardyOf({ mode }: Hold, lacking = 'none that is believed'): Failure {
  const expected =
    mode === 'machine' ? 'a renewal within the period' : 'a proof that the lease still runs';
  return { code: 'in_jeopardy', expected, actual: lacking };
}

function lossOf(path: string, lockGen: Position | undefined, reason: string): Failure {
  return {
    code: 'lock_lost',
    expected: `${path} held as ${showPosition(lockGen)}`,
    actual: reason,
  };
}

/** How long the queue was when it joined, for people; empty for what never waited. */
export function queueOf(hold: Hold | undefined): string {
  return hold?.ahead === undefined ? '' : `; ${hold.ahead} waited when it came`;
}
