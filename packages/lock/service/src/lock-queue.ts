// Locks and their queues.
import {
  type ErrorResult,
  equalPositions,
  errorResult,
  type Result,
  showPosition,
} from '@fatty/api';
import { utf8 } from '@fatty/codec';
import { Children } from '@fatty/crdt';
import type { Position } from '@fatty/interface';
import { Deadlines } from '@fatty/sessions';
import type { Ledger } from './ledger.ts';
import { holdOff, type Lock, notBefore, obstacle, whoHolds } from './lock-state.ts';
import {
  endWait,
  lose,
  tellAcquired,
  tellConflict,
  tellGranted,
  tellReleased,
} from './lock-told.ts';
import { LockTries } from './lock-tries.ts';
import type { Quotas } from './quotas.ts';
import { type Claim, claimKey, entryBytes, refuseEntry, type Session } from './sessions.ts';

const NOBODY: Pick<Lock, 'holders' | 'queue'> = { holders: [], queue: [] };

/** What an acquire asks for. */
export type Request = Pick<Claim, 'path' | 'session' | 'seq' | 'index' | 'mode' | 'lockDelayMs'>;

/** What locks need of the rest of the state. */
export interface Around {
  onGrant(path: string, lockGen: Position): void;
  /** Whether nobody acts any more for whoever a session counts for: it is granted nothing more. */
  isRevoked(owner: string): boolean;
}

/** How a hold ended: given back, or failed (which starts the lock-delay). */
export type Ending = 'clean' | 'failed';

/**
 * Exclusive and shared locks with one fair queue per path (R21).
 * Invariants: (a) holders share a mode, one if exclusive; (b) the head of a queue is blocked by a
 * holder or a delay, or its path is in `#touched`; (c) every grant has a position of its own.
 */
export class Locks {
  /** What the state root covers. */
  readonly tries: LockTries = new LockTries((path) => this.#locks.get(path));
  readonly #limits: Quotas;
  readonly #locks = new Map<string, Lock>();
  readonly #delayEnds = new Deadlines();
  readonly #waitEnds = new Deadlines();
  readonly #timedWaits = new Map<string, Claim>();
  /** Paths whose head may be grantable, in byte order: what {@link settle} has to look at. */
  readonly #touched = new Children<Touched>();
  readonly #around: Around;
  #holds = 0;
  #waits = 0;

  constructor(limits: Quotas, around: Around) {
    this.#limits = limits;
    this.#around = around;
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
    const refusal = this.#refuseDouble(request) ?? this.#refuseFull(request);
    if (refusal) return refusal;
    const lock = this.#open(request.path);
    if (lock.queue.length === 0 && obstacle(lock, request.mode, ledger.now) === undefined) {
      return this.#hold(lock, request, at, ledger);
    }
    if (lock.queue.length >= this.#limits.waitsPerPathMax) {
      const max = this.#limits.waitsPerPathMax;
      return errorResult('too_many_waits', `at most ${max}`, String(lock.queue.length));
    }
    const deadline = maxWaitMs === undefined ? undefined : ledger.now + maxWaitMs;
    const claim: Claim = { ...request, held: false, position: at, deadline };
    const ahead = lock.queue.length;
    this.#enqueue(lock, claim);
    tellConflict(lock, claim, true, ledger);
    return { kind: 'waiting', position: at, ahead };
  }

  tryAcquire(request: Request, at: Position, ledger: Ledger): Result {
    const refusal = this.#refuseDouble(request) ?? this.#refuseFull(request);
    if (refusal) return refusal;
    const lock = this.#locks.get(request.path);
    if (lock === undefined) return this.#hold(this.#open(request.path), request, at, ledger);
    const reason = obstacle(lock, request.mode, ledger.now);
    if (reason === 'lock_delay') {
      const waitMs = notBefore(lock, request.mode) - ledger.now;
      return errorResult('lock_delay', 'no lock-delay', `${waitMs} ms left`, waitMs);
    }
    if (reason === undefined && lock.queue.length === 0) {
      return this.#hold(lock, request, at, ledger);
    }
    tellConflict(lock, request, false, ledger);
    return errorResult('lock_held', 'a free lock', whoHolds(lock));
  }

  /** What could not be read any more, or ended at one commit, is not begun. */
  #refuseFull({ path, session }: Request): ErrorResult | undefined {
    const { claimsMax, partiesPerPathMax } = this.#limits;
    const claims = this.#holds + this.#waits;
    if (claims >= claimsMax) {
      return errorResult('cell_full', `at most ${claimsMax} locks`, String(claims));
    }
    const { holders, queue } = this.#locks.get(path) ?? NOBODY;
    if (holders.length + queue.length >= partiesPerPathMax) {
      const parties = `${holders.length} holding, ${queue.length} waiting`;
      return errorResult('too_many_holders', `at most ${partiesPerPathMax}`, parties);
    }
    return refuseEntry(session, path, this.#limits);
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
    tellReleased(claim, ledger);
    this.settle(ledger);
    return { kind: 'released', lockGen: claim.position };
  }

  cancel(session: Session, seq: number, index: number, ledger: Ledger): Result {
    const claim = session.claimOf.get(claimKey(seq, index));
    if (claim === undefined) return { kind: 'cancelled', was: 'neither' };
    this.drop(claim, 'clean', ledger);
    if (claim.held) tellReleased(claim, ledger);
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
    this.tries.touchClaim(claim);
    claim.session.bytes -= entryBytes(claim.path);
    if (claim.held) this.#holds -= 1;
    else this.#forgetWait(claim);
    if (claim.held && ending === 'failed') this.#delay(lock, claim, ledger.now);
    this.#touch(claim.path);
  }

  #touch(path: string): void {
    this.#touched.set({ name: utf8(path), path });
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

  /** Its delays have changed. The earlier one counts: shared requests may go on when it is over. */
  #watchDelay({ path, allFrom, exclusiveFrom }: Lock): void {
    this.tries.touch(path);
    const ends = [allFrom, exclusiveFrom].filter((end) => end > 0);
    if (ends.length > 0) this.#delayEnds.set(path, Math.min(...ends));
  }

  /** A machine at this path is gone, and its lessee may believe in its lease until `until`. */
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
      if (lock.allFrom <= ledger.now) lock.allFrom = 0;
      if (lock.exclusiveFrom <= ledger.now) lock.exclusiveFrom = 0;
      this.#watchDelay(lock);
      if (lock.queue.length > 0) this.#touch(path);
      else this.#tidy(lock);
    }
    const keys = this.#waitEnds.take(ledger.now, ledger.room);
    const over = keys.flatMap((key) => this.#timedWaits.get(key) ?? []);
    over.sort((a, b) => (a.deadline ?? 0) - (b.deadline ?? 0) || comparePosition(a, b));
    for (const claim of over) {
      this.drop(claim, 'clean', ledger);
      endWait(claim, 'max_wait', ledger);
    }
  }

  /**
   * R21 (5): grants what the changes since the last call have made possible, in byte order of the
   * paths, as much as a commit may; the rest comes at its end or with the next.
   */
  settle(ledger: Ledger): void {
    for (let next = this.#touched.first; next !== undefined; next = this.#touched.first) {
      const lock = this.#locks.get(next.path);
      if (lock !== undefined && !this.#grantHead(lock, ledger)) return;
      this.#touched.delete(next.name);
    }
  }

  /**
   * Of a commit. What is left is exactly the paths whose head could be granted: a snapshot of this
   * moment says no more either.
   */
  settleLast(ledger: Ledger): void {
    this.settle(ledger);
    const isIdle = ({ path }: Touched): boolean =>
      !this.#isReady(this.#locks.get(path), ledger.now);
    for (const { name, path } of Array.from(this.#touched).filter(isIdle)) {
      this.#touched.delete(name);
      const lock = this.#locks.get(path);
      if (lock !== undefined) this.#tidy(lock);
    }
  }

  #isReady(lock: Lock | undefined, now: number): boolean {
    const head = lock?.queue[0];
    return lock !== undefined && head !== undefined && !obstacle(lock, head.mode, now);
  }

  /** Grants the run at the head of the queue that holders and delays allow. False: no more room. */
  #grantHead(lock: Lock, ledger: Ledger): boolean {
    for (let head = lock.queue[0]; head !== undefined; head = lock.queue[0]) {
      if (obstacle(lock, head.mode, ledger.now) !== undefined) break;
      if (ledger.room === 0) return false;
      if (this.#around.isRevoked(head.session.owner)) {
        this.drop(head, 'clean', ledger);
        endWait(head, 'key_revoked', ledger);
        continue;
      }
      lock.queue.shift();
      this.#forgetWait(head);
      head.held = true;
      head.deadline = undefined;
      head.position = ledger.next();
      this.tries.touchClaim(head);
      lock.holders.push(head);
      this.#holds += 1;
      this.#around.onGrant(lock.path, head.position);
      tellGranted(head, ledger);
    }
    this.#tidy(lock);
    return true;
  }

  #hold(lock: Lock, request: Request, at: Position, ledger: Ledger): Result {
    const claim: Claim = { ...request, held: true, position: at, deadline: undefined };
    this.#enter(lock, claim);
    this.#around.onGrant(lock.path, at);
    tellAcquired(claim, ledger);
    const { mode, session } = claim;
    return { kind: 'granted', lockGen: at, mode, leaseExpiry: session.expiry };
  }

  #enter(lock: Lock, claim: Claim): void {
    lock.holders.push(claim);
    this.#holds += 1;
    this.#register(claim);
  }

  #enqueue(lock: Lock, claim: Claim): void {
    lock.queue.push(claim);
    this.#waits += 1;
    this.#register(claim);
    if (claim.deadline === undefined) return;
    this.#waitEnds.set(waitKey(claim), claim.deadline);
    this.#timedWaits.set(waitKey(claim), claim);
  }

  #register(claim: Claim): void {
    claim.session.claims.set(claim.path, claim);
    claim.session.claimOf.set(claimKey(claim.seq, claim.index), claim);
    claim.session.bytes += entryBytes(claim.path);
    this.tries.touchClaim(claim);
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
    if (!idle || lock.allFrom > 0 || lock.exclusiveFrom > 0) return;
    this.#locks.delete(lock.path);
    this.tries.touch(lock.path);
  }

  /** Puts a lock of a snapshot of lease clock `now` back, and its claims to their sessions. */
  add(lock: Lock, now: number): void {
    const back = this.#open(lock.path);
    back.allFrom = lock.allFrom;
    back.exclusiveFrom = lock.exclusiveFrom;
    this.#watchDelay(back);
    for (const claim of lock.holders) this.#enter(back, claim);
    for (const claim of lock.queue) this.#enqueue(back, claim);
    if (this.#isReady(back, now)) this.#touch(lock.path);
  }
}

/** A path, by its bytes. */
interface Touched {
  readonly name: Uint8Array;
  readonly path: string;
}

function waitKey(claim: Claim): string {
  return `${claim.session.key}:${claimKey(claim.seq, claim.index)}`;
}

function comparePosition(a: Claim, b: Claim): number {
  return a.position.commit - b.position.commit || a.position.index - b.position.index;
}
