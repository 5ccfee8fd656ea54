import type { LockMode } from '@fatty/api';
import {
  comparePaths,
  type ErrorResult,
  equalPositions,
  errorResult,
  type LossReason,
  type Result,
  showPosition,
} from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { Deadlines } from './deadlines.ts';
import type { Ledger } from './ledger.ts';
import type { Quotas } from './quotas.ts';
import { type Claim, claimKey, type Session } from './sessions.ts';

/** The lock of one path. Kept only while somebody holds, waits, or a lock-delay runs. */
export interface Lock {
  readonly path: string;
  /** All of one mode; more than one only when shared. In order of their grants. */
  readonly holders: Claim[];
  /** FIFO. */
  readonly queue: Claim[];
  /**
   * After an exclusive holder that failed or lost the node nobody is granted before this lease-clock
   * time; 0: no delay.
   */
  allFrom: number;
  /** After such a shared holder only exclusive requests wait. */
  exclusiveFrom: number;
}

/** What an acquire asks for. */
export type Request = Pick<Claim, 'path' | 'session' | 'seq' | 'index' | 'mode' | 'lockDelayMs'>;

/** How a hold ended: given back, or failed (which starts the lock-delay). */
export type Ending = 'clean' | 'failed';

/**
 * Exclusive and shared locks with one fair queue per path (service §3).
 * Invariants: (a) holders share a mode, one if exclusive; (b) the head of a queue is blocked by a
 * holder or a delay, or its path is in `#touched`; (c) every grant has a position of its own.
 */
export class Locks {
  readonly #limits: Quotas;
  readonly #locks = new Map<string, Lock>();
  readonly #delayEnds = new Deadlines();
  readonly #waitEnds = new Deadlines();
  readonly #timedWaits = new Map<string, Claim>();
  readonly #touched = new Set<string>();
  readonly #onGrant: (path: string, lockGen: Position) => void;
  #holds = 0;
  #waits = 0;

  constructor(limits: Quotas, onGrant: (path: string, lockGen: Position) => void) {
    this.#limits = limits;
    this.#onGrant = onGrant;
  }

  get holds(): number {
    return this.#holds;
  }

  get waits(): number {
    return this.#waits;
  }

  /** True while a lock-delay or a timed wait has to end by the clock. */
  get timed(): boolean {
    return this.#delayEnds.size > 0 || this.#waitEnds.size > 0;
  }

  get(path: string): Lock | undefined {
    return this.#locks.get(path);
  }

  all(): IterableIterator<Lock> {
    return this.#locks.values();
  }

  acquire(request: Request, maxWaitMs: number | undefined, at: Position, ledger: Ledger): Result {
    const refusal = this.#refuseDouble(request) ?? this.#refuseFull();
    if (refusal) return refusal;
    const lock = this.#open(request.path);
    if (lock.queue.length === 0 && obstacle(lock, request.mode, ledger.now) === undefined) {
      return this.#hold(lock, request, at);
    }
    if (lock.queue.length >= this.#limits.waitsPerPathMax) {
      const max = this.#limits.waitsPerPathMax;
      return errorResult('too_many_waits', `at most ${max}`, String(lock.queue.length));
    }
    const deadline = maxWaitMs === undefined ? undefined : ledger.now + maxWaitMs;
    const claim: Claim = { ...request, held: false, position: at, deadline };
    const ahead = lock.queue.length;
    this.#enqueue(lock, claim);
    return { kind: 'waiting', position: at, ahead };
  }

  tryAcquire(request: Request, at: Position, ledger: Ledger): Result {
    const refusal = this.#refuseDouble(request) ?? this.#refuseFull();
    if (refusal) return refusal;
    const lock = this.#locks.get(request.path);
    if (lock === undefined) return this.#hold(this.#open(request.path), request, at);
    const reason = obstacle(lock, request.mode, ledger.now);
    if (reason === 'lock_delay') {
      const waitMs = notBefore(lock, request.mode) - ledger.now;
      return errorResult('lock_delay', 'no lock-delay', `${waitMs} ms left`, waitMs);
    }
    if (reason === undefined && lock.queue.length === 0) return this.#hold(lock, request, at);
    return errorResult('lock_held', 'a free lock', whoHolds(lock));
  }

  #refuseFull(): ErrorResult | undefined {
    const claims = this.#holds + this.#waits;
    if (claims < this.#limits.claimsMax) return undefined;
    return errorResult('cell_full', `at most ${this.#limits.claimsMax} locks`, String(claims));
  }

  #refuseDouble(request: Request): ErrorResult | undefined {
    const claim = request.session.claims.get(request.path);
    if (claim === undefined) return undefined;
    return claim.held
      ? errorResult('already_held', 'a lock not held', `held since ${showPosition(claim.position)}`)
      : errorResult('already_waiting', 'no wait', `waiting since ${showPosition(claim.position)}`);
  }

  release(session: Session, path: string, lockGen: Position | undefined, ledger: Ledger): Result {
    const claim = session.claims.get(path);
    if (!claim?.held) return errorResult('not_held', 'a held lock', claim ? 'a wait' : 'nothing');
    if (lockGen !== undefined && !equalPositions(lockGen, claim.position)) {
      const actual = showPosition(claim.position);
      return errorResult('lock_mismatch', showPosition(lockGen), actual);
    }
    this.drop(claim, 'clean', ledger);
    this.settle(ledger);
    return { kind: 'released', lockGen: claim.position };
  }

  cancel(session: Session, seq: number, index: number, ledger: Ledger): Result {
    const claim = session.claimOf.get(claimKey(seq, index));
    if (claim === undefined) return { kind: 'cancelled', was: 'neither' };
    this.drop(claim, 'clean', ledger);
    this.settle(ledger);
    return { kind: 'cancelled', was: claim.held ? 'held' : 'waiting' };
  }

  /** Takes a claim away; its path is looked at by the next {@link settle}. */
  drop(claim: Claim, ending: Ending, ledger: Ledger): void {
    const lock = this.#locks.get(claim.path);
    if (lock === undefined) return;
    const list = claim.held ? lock.holders : lock.queue;
    const at = list.indexOf(claim);
    if (at >= 0) list.splice(at, 1);
    claim.session.claims.delete(claim.path);
    claim.session.claimOf.delete(claimKey(claim.seq, claim.index));
    if (claim.held) this.#holds -= 1;
    else this.#forgetWait(claim);
    if (claim.held && ending === 'failed') this.#delay(lock, claim, ledger.now);
    this.#touched.add(claim.path);
  }

  #forgetWait(claim: Claim): void {
    this.#waits -= 1;
    const key = waitKey(claim);
    this.#waitEnds.delete(key);
    this.#timedWaits.delete(key);
  }

  /** Only modes that conflict with the failed holder's wait for it. */
  #delay(lock: Lock, failed: Claim, now: number): void {
    holdOff(lock, failed.mode, now + failed.lockDelayMs, now);
    this.#watchDelay(lock);
  }

  #watchDelay(lock: Lock): void {
    const end = Math.max(lock.allFrom, lock.exclusiveFrom);
    if (end > 0) this.#delayEnds.set(lock.path, end);
  }

  /** A machine is gone from this path whose lessee may believe in its lease until `until`. */
  machineRemoved(path: string, until: number, ledger: Ledger): void {
    const lock = this.#open(path);
    holdOff(lock, 'exclusive', until, ledger.now);
    this.#watchDelay(lock);
    this.#tidy(lock);
  }

  /** Lease-clock time before which nobody may be given what stands at this path; 0: at once. */
  notBefore(path: string): number {
    return this.#locks.get(path)?.allFrom ?? 0;
  }

  /**
   * The node is gone: holders lose, waiters are told `not_found`. A holder may believe in its lease
   * until the expiry that its session has now, whether the news reach it or not. So the path is kept
   * free until then, and for its lock-delay (S13). Not after the remover's own hold: a client gives
   * that up before it asks for the removal.
   */
  nodeRemoved(path: string, remover: Session | undefined, ledger: Ledger): void {
    const lock = this.#locks.get(path);
    if (lock === undefined) return;
    for (let claim = lock.holders[0]; claim !== undefined; claim = lock.holders[0]) {
      this.drop(claim, claim.session === remover ? 'clean' : 'failed', ledger);
      if (claim.session !== remover) holdOff(lock, claim.mode, claim.session.expiry, ledger.now);
      lose(claim, 'node_removed', ledger);
    }
    this.#watchDelay(lock);
    for (let claim = lock.queue[0]; claim !== undefined; claim = lock.queue[0]) {
      this.drop(claim, 'clean', ledger);
      endWait(claim, 'not_found', ledger);
    }
    this.#tidy(lock);
  }

  /** R21 (4): lock-delays that are over, then waits that took too long. */
  endTimers(ledger: Ledger): void {
    for (const path of this.#delayEnds.take(ledger.now)) {
      const lock = this.#locks.get(path);
      if (lock === undefined) continue;
      lock.allFrom = 0;
      lock.exclusiveFrom = 0;
      this.#touched.add(path);
    }
    const over = this.#waitEnds.take(ledger.now).flatMap((key) => this.#timedWaits.get(key) ?? []);
    over.sort((a, b) => (a.deadline ?? 0) - (b.deadline ?? 0) || comparePosition(a, b));
    for (const claim of over) {
      this.drop(claim, 'clean', ledger);
      endWait(claim, 'max_wait', ledger);
    }
  }

  /** R21 (5): grants whatever the changes since the last call have made possible, in byte order. */
  settle(ledger: Ledger): void {
    if (this.#touched.size === 0) return;
    const paths = [...this.#touched].sort(comparePaths);
    this.#touched.clear();
    for (const path of paths) {
      const lock = this.#locks.get(path);
      if (lock !== undefined) this.#grantHead(lock, ledger);
    }
  }

  /** Grants the run at the head of the queue that the holders and delays allow. */
  #grantHead(lock: Lock, ledger: Ledger): void {
    for (let head = lock.queue[0]; head !== undefined; head = lock.queue[0]) {
      if (obstacle(lock, head.mode, ledger.now) !== undefined) break;
      lock.queue.shift();
      this.#forgetWait(head);
      head.held = true;
      head.deadline = undefined;
      head.position = ledger.next();
      lock.holders.push(head);
      this.#holds += 1;
      this.#onGrant(lock.path, head.position);
      const { path, seq, index, mode, position, session } = head;
      const leaseExpiry = session.expiry;
      ledger.tellNext(session, {
        kind: 'granted',
        path,
        seq,
        index,
        mode,
        lockGen: position,
        leaseExpiry,
      });
    }
    this.#tidy(lock);
  }

  #hold(lock: Lock, request: Request, at: Position): Result {
    const claim: Claim = { ...request, held: true, position: at, deadline: undefined };
    this.#enter(lock, claim);
    this.#onGrant(lock.path, at);
    const { mode, session } = claim;
    return { kind: 'granted', lockGen: at, mode, leaseExpiry: session.expiry };
  }

  #enter(lock: Lock, claim: Claim): void {
    lock.holders.push(claim);
    this.#holds += 1;
    register(claim);
  }

  #enqueue(lock: Lock, claim: Claim): void {
    lock.queue.push(claim);
    this.#waits += 1;
    register(claim);
    if (claim.deadline === undefined) return;
    this.#waitEnds.set(waitKey(claim), claim.deadline);
    this.#timedWaits.set(waitKey(claim), claim);
  }

  #open(path: string): Lock {
    const found = this.#locks.get(path);
    if (found) return found;
    const lock: Lock = { path, holders: [], queue: [], allFrom: 0, exclusiveFrom: 0 };
    this.#locks.set(path, lock);
    return lock;
  }

  #tidy(lock: Lock): void {
    const idle = lock.holders.length === 0 && lock.queue.length === 0;
    if (idle && lock.allFrom === 0 && lock.exclusiveFrom === 0) this.#locks.delete(lock.path);
  }

  /** Puts a lock of a snapshot back; its claims are registered with their sessions. */
  add(lock: Lock): void {
    const back = this.#open(lock.path);
    back.allFrom = lock.allFrom;
    back.exclusiveFrom = lock.exclusiveFrom;
    this.#watchDelay(back);
    for (const claim of lock.holders) this.#enter(back, claim);
    for (const claim of lock.queue) this.#enqueue(back, claim);
  }
}

/** Who holds a lock and how many wait, for people: the first holder by its client key. */
export function whoHolds({ holders, queue }: Pick<Lock, 'holders' | 'queue'>): string {
  const [first, ...others] = holders;
  const waiting = `${queue.length} waiting`;
  if (first === undefined) return `nobody holding, ${waiting}`;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const { session, position } = first;
  return `held by ${toHex(session.client)} since ${showPosition(position)}${more}, ${waiting}`;
}

function register(claim: Claim): void {
  claim.session.claims.set(claim.path, claim);
  claim.session.claimOf.set(claimKey(claim.seq, claim.index), claim);
}

/** Only modes that conflict with this one wait until `until`. */
function holdOff(lock: Lock, mode: LockMode, until: number, now: number): void {
  if (until <= now) return;
  if (mode === 'exclusive') lock.allFrom = Math.max(lock.allFrom, until);
  else lock.exclusiveFrom = Math.max(lock.exclusiveFrom, until);
}

function waitKey(claim: Claim): string {
  return `${claim.session.key}:${claimKey(claim.seq, claim.index)}`;
}

function comparePosition(a: Claim, b: Claim): number {
  return a.position.commit - b.position.commit || a.position.index - b.position.index;
}

/** End of the lock-delay that such a request has to wait for, on the lease clock. */
function notBefore(lock: Lock, mode: LockMode): number {
  return mode === 'exclusive' ? Math.max(lock.allFrom, lock.exclusiveFrom) : lock.allFrom;
}

/** What keeps a request of this mode from being granted now, whoever waits before it. */
function obstacle(lock: Lock, mode: LockMode, now: number): 'lock_held' | 'lock_delay' | undefined {
  const [first] = lock.holders;
  if (first !== undefined && (mode === 'exclusive' || first.mode === 'exclusive')) {
    return 'lock_held';
  }
  return notBefore(lock, mode) > now ? 'lock_delay' : undefined;
}

/** Tells a holder that its hold is gone; takes an index of its own (R21). */
export function lose(claim: Claim, reason: LossReason, ledger: Ledger): void {
  const { path, position: lockGen, session } = claim;
  ledger.tellNext(session, { kind: 'lost', path, lockGen, reason, position: ledger.next() });
}

function endWait(claim: Claim, code: 'max_wait' | 'not_found', ledger: Ledger): void {
  const { path, seq, index, session } = claim;
  ledger.tellNext(session, { kind: 'waitEnded', path, seq, index, code, position: ledger.next() });
}
