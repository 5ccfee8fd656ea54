import type { Answer, LockMode, NoticeBody } from '@fatty/api';
import { equalPositions, showPosition } from '@fatty/api';
import type { Failure, Position } from '@fatty/interface';
import { isRetryable } from '../error.ts';
import { type ClockBounds, type ClockProof, leaseDeadline } from './clock.ts';
import type { Belief, CallOutcome, Landed } from './types.ts';

/** Where an acquire or a machine lease stands. `placed` without a position: not signed yet. */
export interface Hold {
  readonly call: number;
  readonly path: string;
  readonly mode: LockMode | 'machine';
  /** Runs once: the acquire's answer. */
  readonly done: (outcome: CallOutcome) => void;
  state: 'placed' | 'waiting' | 'held' | 'leaving';
  at: Omit<Landed, 'commit'> | undefined;
  /** Commit whose receipt said `waiting`. */
  waitingSince: number;
  lockGen: Position | undefined;
  /** Machines only: their own lease, ms on the lease clock, and the proof of it. */
  leaseExpiry: number;
  deadlineMs: number;
}

type SessionAnswer = Extract<Answer, { kind: 'session' }>;
type GrantedNotice = Extract<NoticeBody, { kind: 'granted' }>;

/** What the holds of a session need from their core. */
export interface HoldsOwner {
  lost(hold: number, failure: Failure): void;
  /** Undo at the cell what is not believed here any more. */
  cancel(seq: number, index: number): void;
}

const LOST_KEPT = 256;

/** The locks and machine leases of one session, as far as f+1 replicas have confirmed them. */
export class Holds {
  readonly #owner: HoldsOwner;
  readonly #holds = new Map<number, Hold>();
  /** Losses that were believed before their grant was. */
  readonly #lostEarly = new Set<string>();

  constructor(owner: HoldsOwner) {
    this.#owner = owner;
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
      waitingSince: 0,
      lockGen: undefined,
      leaseExpiry: Number.POSITIVE_INFINITY,
      deadlineMs: Number.POSITIVE_INFINITY,
    };
    this.#holds.set(call, made);
    return made;
  }

  drop(call: number): void {
    this.#holds.delete(call);
  }

  get hasWaits(): boolean {
    return [...this.#holds.values()].some((hold) => hold.state === 'waiting');
  }

  get isEmpty(): boolean {
    return this.#holds.size === 0;
  }

  #find(seq: number, index: number): Hold | undefined {
    for (const hold of this.#holds.values()) {
      if (hold.at?.seq === seq && hold.at.index === index) return hold;
    }
    return undefined;
  }

  /** The acquire holds; said by its receipt, a notice or an audit, whichever is believed first. */
  granted(hold: Hold, lockGen: Position): void {
    if (hold.state === 'held' || hold.state === 'leaving' || hold.at === undefined) return;
    if (this.#lostEarly.has(lossKey(hold.path, lockGen))) {
      this.end(hold, lossOf(hold.path, lockGen, 'before its grant was confirmed'));
      return;
    }
    hold.state = 'held';
    hold.lockGen = lockGen;
    const { session, seq, index } = hold.at;
    const mode = hold.mode === 'machine' ? 'exclusive' : hold.mode;
    hold.done({ kind: 'held', lockGen, mode, at: { session, seq, index } });
  }

  grantedNotice({ seq, index, lockGen }: GrantedNotice): void {
    const hold = this.#find(seq, index);
    if (hold !== undefined) this.granted(hold, lockGen);
  }

  /** The wait is over without a grant. */
  waitEnded(seq: number, index: number, failure: Failure): void {
    const hold = this.#find(seq, index);
    if (hold === undefined || hold.state === 'held') return;
    this.#holds.delete(hold.call);
    const retryable = isRetryable(failure.code);
    hold.done({ kind: 'failed', failure, outcome: 'not_applied', retryable });
  }

  lost(path: string, lockGen: Position, reason: string): void {
    for (const hold of this.#holds.values()) {
      if (hold.path !== path || !equalPositions(hold.lockGen, lockGen)) continue;
      this.end(hold, lossOf(path, lockGen, reason));
      return;
    }
    if (this.#lostEarly.size >= LOST_KEPT) this.#lostEarly.clear();
    this.#lostEarly.add(lossKey(path, lockGen));
  }

  /** Final for this hold: whoever waits is told, whoever holds is warned. */
  end(hold: Hold, failure: Failure): void {
    this.#holds.delete(hold.call);
    if (hold.state === 'held') this.#owner.lost(hold.call, failure);
    else if (hold.state !== 'leaving') {
      hold.done({ kind: 'failed', failure, outcome: 'unknown', retryable: true });
    }
  }

  endAll(failure: Failure): void {
    for (const hold of Array.from(this.#holds.values())) this.end(hold, failure);
  }

  /**
   * What can no longer be proved is treated as lost for good, and undone at the cell: if the session
   * comes back safe, nobody has to wait for a lock that its holder has given up.
   */
  jeopardy(failure: Failure): void {
    for (const hold of Array.from(this.#holds.values())) {
      if (hold.state !== 'held') continue;
      this.end(hold, failure);
      if (hold.at !== undefined && hold.mode !== 'machine') {
        this.#owner.cancel(hold.at.seq, hold.at.index);
      }
    }
  }

  /** Compares with the session as f+1 replicas describe it at `commit`. */
  audit(answer: SessionAnswer, commit: number): void {
    for (const { seq, index, lockGen } of answer.holds) {
      const hold = this.#find(seq, index);
      if (hold !== undefined) this.granted(hold, lockGen);
    }
    for (const hold of Array.from(this.#holds.values())) {
      if (hold.at === undefined || hold.mode === 'machine') continue;
      const { seq, index } = hold.at;
      const there = (one: { seq: number; index: number }): boolean =>
        one.seq === seq && one.index === index;
      if (answer.holds.some(there) || answer.waits.some(there)) continue;
      this.#missing(hold, commit);
    }
  }

  /** The cell knows nothing of it at `commit`: conclusive only if it should have. */
  #missing(hold: Hold, commit: number): void {
    const held = hold.state === 'held' && (hold.lockGen?.commit ?? commit) <= commit;
    const waited = hold.state === 'waiting' && hold.waitingSince <= commit;
    if (held || waited) this.end(hold, lossOf(hold.path, hold.lockGen, 'not in the session'));
  }

  /** A machine's own lease: may only grow. */
  extendMachine(
    hold: Hold,
    leaseExpiry: number,
    proof: ClockProof | undefined,
    b: ClockBounds,
  ): void {
    const before = Number.isFinite(hold.leaseExpiry) ? hold.leaseExpiry : 0;
    hold.leaseExpiry = Math.max(before, leaseExpiry);
    if (!Number.isFinite(hold.deadlineMs)) hold.deadlineMs = Number.NEGATIVE_INFINITY;
    if (proof !== undefined) this.#proveMachine(hold, proof, b);
  }

  #proveMachine(hold: Hold, proof: ClockProof, bounds: ClockBounds): void {
    const deadline = leaseDeadline(hold.leaseExpiry, proof, bounds);
    hold.deadlineMs = Math.max(hold.deadlineMs, deadline);
  }

  prove(proof: ClockProof, bounds: ClockBounds): void {
    for (const hold of this.#holds.values()) {
      if (hold.mode === 'machine' && hold.state === 'held') this.#proveMachine(hold, proof, bounds);
    }
  }

  /** Earliest end of a machine lease. */
  get nextAtMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const hold of this.#holds.values()) {
      if (hold.state === 'held') next = Math.min(next, hold.deadlineMs);
    }
    return next;
  }

  tick(atMs: number): void {
    for (const hold of Array.from(this.#holds.values())) {
      if (hold.state !== 'held' || atMs < hold.deadlineMs) continue;
      const expected = 'a renewal within the period';
      this.end(hold, { code: 'in_jeopardy', expected, actual: 'none that is believed' });
    }
  }

  beliefs(sessionDeadlineMs: number): Belief[] {
    const beliefs: Belief[] = [];
    for (const { call, path, mode, state, lockGen, deadlineMs } of this.#holds.values()) {
      if (state !== 'held' || lockGen === undefined) continue;
      const untilMs = Math.min(sessionDeadlineMs, deadlineMs);
      beliefs.push({ hold: call, path, lockGen, mode, untilMs });
    }
    return beliefs;
  }
}

function lossKey(path: string, lockGen: Position): string {
  return `${showPosition(lockGen)} ${path}`;
}

function lossOf(path: string, lockGen: Position | undefined, reason: string): Failure {
  return {
    code: 'lock_lost',
    expected: `${path} held as ${showPosition(lockGen)}`,
    actual: reason,
  };
}
