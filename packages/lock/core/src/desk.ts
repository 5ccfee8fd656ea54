// What each kind of call asks for, and what comes of it.
import { composeOps, composeQuery, type Op, type Result, standingOf } from '@fatty/api';
import { InvariantError, quote } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import type { View } from '@fatty/protocol';
import { type Call, type Calls, notApplied } from './calls.ts';
import { CurrentReads } from './current-reads.ts';
import { isRetryable } from './errors.ts';
import { type Claim, givesUp, givingsOf } from './giving.ts';
import { type Hold, queueOf } from './holds.ts';
import type { SessionKeeper } from './keeper.ts';
import type { Reads } from './reads.ts';
import type { Shared } from './shared.ts';
import type { Job } from './slot.ts';
import type { CallOutcome, CallRequest } from './types.ts';

type AcquireRequest = Extract<CallRequest, { kind: 'acquire' }>;
type ReadRequest = Extract<CallRequest, { kind: 'read' }>;
type ProveRequest = Extract<CallRequest, { kind: 'prove' }>;
type MachineRequest = Extract<CallRequest, { kind: 'machine' }>;

/**
 * Ops that a gateway may refuse although their form is right: by what a proof or a policy says, or by the
 * state it meets.
 */
const MAY_BE_REFUSED: ReadonlySet<Op['kind']> = new Set<Op['kind']>([
  'openSession',
  'declareMachine',
  'takeMachine',
  'renewMachine',
  'rotateKey',
]);

/** How the client keeps its session: from elsewhere they would end it, and all it holds. */
const SESSIONS_OWN: ReadonlySet<Op['kind']> = new Set<Op['kind']>(['openSession', 'reanchor']);

const VIEWS: ReadonlySet<View> = new Set<View>(['committed', 'delivered', 'current']);

/** Where calls come in and answers go out: each call becomes ops or a read, and one answer. */
export class Desk {
  readonly #shared: Shared;
  readonly #callsQueuedMax: number;
  readonly #calls: Calls;
  readonly #reads: Reads;
  readonly #currentReads: CurrentReads;
  readonly #keeper: SessionKeeper;
  #closed = false;
  /** The newest commit at which an op of this client is known to have been applied. */
  #floor = 0;

  constructor(
    shared: Shared,
    callsQueuedMax: number,
    parts: { readonly calls: Calls; readonly reads: Reads; readonly keeper: SessionKeeper },
  ) {
    this.#shared = shared;
    this.#callsQueuedMax = callsQueuedMax;
    this.#calls = parts.calls;
    this.#reads = parts.reads;
    this.#currentReads = new CurrentReads(shared, parts.reads, {
      submit: (call, ops, done) => this.submit(call, ops, done),
      withdraw: (call) => void this.#keeper.withdraw(call),
      isOpen: (call) => this.#calls.get(call) !== undefined,
    });
    this.#keeper = parts.keeper;
  }

  /** Nothing new is taken. */
  close(): void {
    this.#closed = true;
  }

  call({ call, request, deadlineMs }: Call): void {
    if (call < 0 || this.#calls.get(call) !== undefined) {
      throw new InvariantError('call ids are fresh and not negative');
    }
    const isTime = typeof deadlineMs === 'number' && !Number.isNaN(deadlineMs);
    // A deadline that is no time would stop the timer of every other call.
    this.#calls.add({ call, request, deadlineMs: isTime ? deadlineMs : Number.POSITIVE_INFINITY });
    const refusal = isTime
      ? this.#refusal()
      : notApplied('bad_argument', 'a deadline in ms', quote(deadlineMs));
    if (refusal !== undefined) {
      this.#calls.settle(call, refusal);
      return;
    }
    this.#start({ call, request, deadlineMs });
  }

  #refusal(): CallOutcome | undefined {
    if (this.#closed) return notApplied('closed', 'an open client', 'a closed one');
    const callsQueuedMax = this.#callsQueuedMax;
    if (this.#calls.size <= callsQueuedMax) return undefined;
    return notApplied('overloaded', `at most ${callsQueuedMax} calls`, String(this.#calls.size));
  }

  #start({ call, request }: Call): void {
    const settle = (outcome: CallOutcome): void => {
      if (outcome.kind === 'results') this.#floor = Math.max(this.#floor, outcome.at.commit);
      if (outcome.kind === 'held') this.#floor = Math.max(this.#floor, outcome.lockGen.commit);
      this.#calls.settle(call, outcome);
    };
    switch (request.kind) {
      case 'prove':
        this.#prove(call, request, settle);
        return;
      case 'read':
        this.#read(call, request, settle);
        return;
      case 'ops':
        this.submit(call, request.ops, settle, request.next && { next: request.next });
        return;
      case 'acquire':
        this.#acquire(call, request, settle);
        return;
      case 'machine':
        this.#machine(call, request, settle);
        return;
      case 'release':
        this.#release(call, request.hold, settle);
        return;
      default:
        settle(notApplied('bad_argument', 'a known request', quote(request)));
    }
  }

  #prove(call: number, request: ProveRequest, done: (outcome: CallOutcome) => void): void {
    const { minCommit } = request;
    if (!Number.isSafeInteger(minCommit) || minCommit < 0) {
      done(notApplied('bad_argument', 'minCommit: a whole number', quote(minCommit)));
      return;
    }
    const { asks } = this.#reads;
    const want = { ...request, minCommit: Math.max(minCommit, this.#floor) };
    if (asks !== undefined) asks.start(call, want, done);
    else done(notApplied('bad_argument', 'attach asks before', 'none'));
  }

  /** A read is asked again and again: what is asked is a checked copy, not the caller's object. */
  #read(call: number, request: ReadRequest, done: (outcome: CallOutcome) => void): void {
    const { view, replica } = request;
    const query = composeQuery(request.query);
    if (!query.ok) {
      done(refusalOf(query.failure));
      return;
    }
    if (!VIEWS.has(view)) {
      done(notApplied('bad_argument', 'view: committed | delivered | current', quote(view)));
      return;
    }
    const { members } = this.#shared;
    if (replica !== undefined && !members.isMember(replica)) {
      const expected = `replica: one of ${members.replicas.join(' ')}`;
      done(notApplied('bad_argument', expected, quote(replica)));
      return;
    }
    if (view === 'current') {
      const isAll = replica === undefined;
      if (isAll) this.#currentReads.start(call, query.value, done);
      else done(notApplied('bad_argument', 'no replica: a current read asks all', quote(replica)));
      return;
    }
    const want = { query: query.value, view, replica };
    this.#reads.start(call, want, this.#shared.nowMs, done);
  }

  /** Checked before anything is queued or signed: a replica would only say the same, later. */
  submit(
    call: number,
    ops: readonly Op[],
    done: (outcome: CallOutcome) => void,
    extra: Pick<Job, 'placed' | 'next'> = {},
  ): void {
    const composed = composeOps(ops, this.#shared.members.params);
    if (!composed.ok) {
      done(refusalOf(composed.failure));
      return;
    }
    const own = ops.find(
      ({ kind }) => SESSIONS_OWN.has(kind) || (kind === 'rotateKey' && extra.next === undefined),
    );
    if (own !== undefined) {
      done(notApplied('bad_argument', 'ops that leave the session to this client', own.kind));
      return;
    }
    const job: Job = {
      call,
      ops: composed.value,
      alone: ops.some((op) => MAY_BE_REFUSED.has(op.kind)),
      deadlineMs: this.#deadlineOf(call),
      done,
      ...extra,
    };
    const given = this.#giveUpFor(ops);
    if (this.#isTake(call)) this.#keeper.putProvable(job, this.#shared.nowMs);
    else this.#keeper.put(job, this.#shared.nowMs);
    for (const { seq, index } of given) this.#keeper.cancel(seq, index);
  }

  /**
   * What these ops end at the cell ends here before they leave, also what is still asked for. They
   * may be refused, so it is cancelled behind them all the same: answers what to cancel.
   */
  #giveUpFor(ops: readonly Op[]): readonly { readonly seq: number; readonly index: number }[] {
    const giving = givingsOf(ops);
    if (giving.length === 0) return [];
    const { holds } = this.#keeper;
    const failureFor = (claim: Claim): Failure | undefined => {
      const op = giving.find((one) => givesUp(one, claim));
      const actual = `${op?.kind} by its holder`;
      return op && { code: 'lock_released', expected: 'a hold that is kept', actual };
    };
    for (const { call, request } of this.#calls.all()) {
      const claim = claimOf(request, holds.get(call));
      const failure = claim && failureFor(claim);
      if (failure !== undefined) this.giveUp(call, failure);
    }
    return holds.held().flatMap((hold) => {
      const failure = failureFor(hold);
      if (failure === undefined) return [];
      holds.end(hold, failure);
      return hold.at === undefined || hold.mode === 'machine' ? [] : [hold.at];
    });
  }

  /** Takes or resumes a machine: a lease that begins short, and that nobody believes without a proof. */
  #isTake(call: number): boolean {
    const request = this.#calls.get(call)?.request;
    return request?.kind === 'machine' && request.hold === undefined;
  }

  /** When the answer comes too late: for its caller, or for the lease that it should extend. */
  #deadlineOf(call: number): number {
    const entry = this.#calls.get(call);
    if (entry === undefined) return Number.POSITIVE_INFINITY;
    const { request, deadlineMs } = entry;
    const renewed = request.kind === 'machine' ? request.hold : undefined;
    const hold = renewed === undefined ? undefined : this.#keeper.holds.get(renewed);
    return Math.min(deadlineMs, hold?.deadlineMs ?? Number.POSITIVE_INFINITY);
  }

  #acquire(call: number, request: AcquireRequest, done: (outcome: CallOutcome) => void): void {
    const { path, mode, wait, maxWaitMs, lockDelayMs } = request;
    const op: Op = wait
      ? { kind: 'acquire', path, mode, maxWaitMs, lockDelayMs }
      : { kind: 'tryAcquire', path, mode, lockDelayMs };
    const hold = this.#keeper.holds.add({ call, path, mode, done });
    const placed: Job['placed'] = (at) => {
      hold.at = at;
    };
    this.submit(call, [op], (outcome) => this.#acquired(hold, outcome), { placed });
  }

  #acquired(hold: Hold, outcome: CallOutcome): void {
    const { holds } = this.#keeper;
    if (outcome.kind !== 'results') {
      if (hold.state !== 'held') this.#forgo(hold, outcome);
      hold.done(outcome);
      return;
    }
    const result = outcome.results[0];
    if (result?.kind === 'granted') {
      this.#keeper.session?.extend(result.leaseExpiry);
      holds.granted(hold, result.lockGen, result.leaseExpiry, this.#keeper.now);
    } else if (result?.kind === 'waiting') {
      holds.waits(hold, result.ahead);
    } else {
      holds.drop(hold.call);
      hold.done(resultFailure(result));
    }
  }

  /** Nobody here will hold it: what the cell may have granted is given back. */
  #forgo(hold: Hold, outcome: CallOutcome): void {
    const { holds } = this.#keeper;
    holds.drop(hold.call);
    const isDone = outcome.kind === 'failed' && outcome.outcome === 'not_applied';
    if (hold.at !== undefined && !isDone) this.#keeper.cancel(hold.at.seq, hold.at.index);
  }

  #machine(call: number, request: MachineRequest, done: (outcome: CallOutcome) => void): void {
    this.submit(call, [request.op], (outcome) => {
      const result = outcome.kind === 'results' ? outcome.results[0] : undefined;
      if (result?.kind !== 'machineHeld') return done(outcome);
      if (request.hold === undefined) {
        return this.#machineTaken(call, request, result, { outcome, done });
      }
      const hold = this.#keeper.holds.get(request.hold);
      if (hold !== undefined) {
        this.#keeper.holds.extendMachine(hold, result.leaseExpiry, this.#keeper.now);
      }
      // Renewed after it was given up here: the lease lives at the cell, but nobody believes in it.
      done(outcome);
    });
  }

  /** Taken, or resumed: the call is answered when the lease is proved. */
  #machineTaken(
    call: number,
    { op }: MachineRequest,
    { lockGen, leaseExpiry }: Extract<Result, { kind: 'machineHeld' }>,
    answer: { readonly outcome: CallOutcome; readonly done: (outcome: CallOutcome) => void },
  ): void {
    if (this.#calls.get(call) === undefined) return;
    const { outcome, done } = answer;
    const { holds, now } = this.#keeper;
    const hold = holds.add({ call, path: op.path, mode: 'machine', done });
    hold.lockGen = lockGen;
    holds.machineGranted(hold, leaseExpiry, outcome, now);
  }

  #release(call: number, of: number, done: (outcome: CallOutcome) => void): void {
    const { holds } = this.#keeper;
    const hold = holds.get(of);
    if (hold === undefined || hold.state !== 'held') {
      done(notApplied('lock_lost', 'a live hold', 'none'));
      return;
    }
    // Not believed from here on: the cell may pass it on before we hear of it.
    hold.state = 'leaving';
    const { path, lockGen } = hold;
    const op: Op =
      hold.mode === 'machine'
        ? { kind: 'releaseMachine', path }
        : { kind: 'release', path, lockGen };
    this.submit(call, [op], (outcome) => {
      holds.drop(of);
      done(outcome);
    });
  }

  /** The caller waits no longer. */
  abandon(call: number, code: 'aborted' | 'timeout' | 'closed', expected: string): void {
    const queue = queueOf(this.#keeper.holds.get(call));
    const { clock } = this.#keeper;
    const lacking = clock.awaits(call) ? clock.lacking(this.#shared.nowMs) : undefined;
    const actual = `${code}, ${lacking ?? this.#shared.links.describe()}${queue}`;
    this.giveUp(call, { code, expected, actual });
  }

  /** What was signed may still happen: its outcome is `unknown`, and an acquire is undone. */
  giveUp(call: number, failure: Failure): void {
    const entry = this.#calls.get(call);
    if (entry === undefined) return;
    const unsent = this.#takeBack(entry);
    this.#reads.withdraw(call);
    const hold = this.#keeper.holds.get(call);
    if (hold !== undefined) {
      this.#keeper.holds.drop(call);
      if (hold.at !== undefined) this.#keeper.cancel(hold.at.seq, hold.at.index);
    }
    const outcome = unsent ? 'not_applied' : 'unknown';
    const retryable = isRetryable(failure.code);
    this.#calls.settle(call, { kind: 'failed', failure, outcome, retryable });
  }

  /** True when nothing was signed. A release stays: its hold is not believed any more, so it must go. */
  #takeBack({ call, request }: Call): boolean {
    const isTaken = request.kind !== 'release' && this.#keeper.withdraw(call);
    return isTaken || request.kind === 'read' || request.kind === 'prove';
  }
}

/** What a call without an answer may come to hold. */
function claimOf(request: CallRequest, hold: Hold | undefined): Claim | undefined {
  if (request.kind === 'acquire') return hold;
  if (request.kind !== 'machine' || request.hold !== undefined) return undefined;
  return { path: request.op.path, mode: 'machine', at: undefined, lockGen: undefined };
}

function refusalOf({ code, expected, actual }: Failure): CallOutcome {
  return notApplied(code, expected, actual);
}

function resultFailure(result: Result | undefined): CallOutcome {
  if (result?.kind !== 'error') {
    return notApplied('bad_answer', 'granted, waiting or an error', String(result?.kind));
  }
  const { code, expected, actual, waitMs } = result;
  return {
    kind: 'failed',
    failure: { code, expected, actual },
    outcome: standingOf(code).outcome,
    retryable: isRetryable(code),
    ...(waitMs === undefined ? {} : { waitMs }),
  };
}
