import {
  batchId,
  decodeResult,
  encodeClientMessage,
  encodeOp,
  errorEntry,
  type GatewayMessage,
  type Op,
  type Result,
  signBatch,
} from '@fatty/api';
import { hash, toHex } from '@fatty/codec';
import type { Basis, Failure, SessionId } from '@fatty/interface';
import { BULK, PROTOCOL } from '@fatty/interface';
import type { Shared } from './shared.ts';
import { Tally } from './tally.ts';
import { type Latencies, retryDelay } from './timing.ts';
import type { CallOutcome, Landed } from './types.ts';

/** Ops of one call, which share a batch; `done` runs once. */
export interface Job {
  readonly call: number;
  readonly ops: readonly Uint8Array[];
  /** Told where the ops will be, as soon as they are signed. */
  placed?(at: Omit<Landed, 'commit'>): void;
  done(outcome: CallOutcome): void;
}

/** A signed batch without a believed receipt. */
interface Slot {
  readonly seq: number;
  readonly jobs: readonly Job[];
  /** Batch ids that may fill this seq: the first, and the no-op that replaced a refused one. */
  readonly ids: Set<string>;
  readonly receipts: Tally<Believed>;
  refusals: Tally<Failure>;
  message: Uint8Array;
  sentAtMs: number;
  /** A refused batch has answered its jobs; only its seq still has to be filled. */
  answered: boolean;
}

interface Believed {
  readonly batch: string;
  readonly commit: number;
  readonly results: readonly Uint8Array[];
}

type ReceiptMessage = Extract<GatewayMessage, { kind: 'receipt' }>;

/** Room left in a batch for everything but the ops. */
const BATCH_OVERHEAD_BYTES = 512;
/** One op's CBOR head. */
const OP_OVERHEAD_BYTES = 5;

/**
 * The batches of one session (R3): signed once, numbered without gaps, sent through one gateway in
 * order, sent again after a failover until f+1 replicas show the same receipt (R32).
 */
export class Pipeline {
  readonly session: SessionId;
  readonly #shared: Shared;
  readonly #openedOn: Basis;
  readonly #latencies: Latencies;
  readonly #queue: Job[] = [];
  readonly #slots: Slot[] = [];
  #nextSeq = 0;
  #attempt = 0;
  #retryAtMs = Number.POSITIVE_INFINITY;

  /** `openedOn`: the basis of batch 0, which names the session. */
  constructor(shared: Shared, session: SessionId, openedOn: Basis, latencies: Latencies) {
    this.#shared = shared;
    this.session = session;
    this.#openedOn = openedOn;
    this.#latencies = latencies;
  }

  get idle(): boolean {
    return this.#slots.length === 0 && this.#queue.length === 0;
  }

  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  put(job: Job): void {
    this.#queue.push(job);
  }

  /** Takes a call back that has not been signed; false when it is too late. */
  withdraw(call: number): boolean {
    const at = this.#queue.findIndex((job) => job.call === call);
    if (at < 0) return false;
    this.#queue.splice(at, 1);
    return true;
  }

  /** Signs and sends what the window allows. */
  flush(atMs: number): void {
    if (this.#shared.links.gateway() === undefined) return;
    while (this.#queue.length > 0 && this.#slots.length < this.#shared.batchesInFlightMax) {
      const slot = this.#sign(this.#take(), atMs);
      this.#slots.push(slot);
      this.#send(slot.message, this.#shared.links.first(1));
      if (this.#slots.length === 1) this.#arm(atMs);
    }
  }

  /** Whole calls from the front of the queue, as many as one batch holds; at least one. */
  #take(): Job[] {
    const { opsPerBatchMax, limits } = this.#shared;
    let ops = 0;
    let bytes = BATCH_OVERHEAD_BYTES;
    let count = 0;
    for (const job of this.#queue) {
      ops += job.ops.length;
      bytes += job.ops.reduce((sum, op) => sum + op.length + OP_OVERHEAD_BYTES, 0);
      if (count > 0 && (ops > opsPerBatchMax || bytes > limits.batchBytesMax)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  #sign(jobs: readonly Job[], atMs: number): Slot {
    const seq = this.#nextSeq++;
    let index = 0;
    for (const job of jobs) {
      job.placed?.({ session: this.session, seq, index });
      index += job.ops.length;
    }
    const need = this.#shared.faults + 1;
    const { id, message } = this.#batch(
      seq,
      jobs.flatMap((job) => job.ops),
    );
    return {
      seq,
      jobs,
      ids: new Set([id]),
      receipts: new Tally<Believed>(need),
      refusals: new Tally<Failure>(need),
      message,
      sentAtMs: atMs,
      answered: false,
    };
  }

  #batch(seq: number, ops: readonly Uint8Array[]): { id: string; message: Uint8Array } {
    const { signer, cellId, epoch, commit } = this.#shared;
    const basis: Basis = seq === 0 ? this.#openedOn : { epoch, commit };
    const signed = signBatch(cellId, signer, {
      client: signer.publicKey,
      session: this.session,
      seq,
      basis,
      ops,
    });
    const message = encodeClientMessage({ kind: 'submit', batch: signed });
    return { id: toHex(batchId(signed.core)), message };
  }

  #send(message: Uint8Array, to: readonly number[]): void {
    const priority = message.length > 65_536 ? BULK : PROTOCOL;
    for (const replica of to) this.#shared.send(replica, message, priority);
  }

  #arm(atMs: number): void {
    const { deltaMs, draw } = this.#shared;
    this.#retryAtMs =
      this.#slots.length === 0
        ? Number.POSITIVE_INFINITY
        : atMs + retryDelay(deltaMs, this.#latencies.p99, this.#attempt, draw);
  }

  /** The gateway is slow: the next one, and from the third time on f+1 of them, get everything. */
  retry(atMs: number): void {
    if (atMs < this.#retryAtMs) return;
    if (this.#shared.links.gateway() === undefined) {
      // Nothing can be tried: `relinked` goes on.
      this.#retryAtMs = Number.POSITIVE_INFINITY;
      return;
    }
    this.#attempt += 1;
    this.#shared.links.failover();
    this.resend(this.#attempt >= 2 ? this.#shared.faults + 1 : 1);
    this.#arm(atMs);
  }

  /** The first link after none at all: all that was under way is lost, and the outage no latency. */
  relinked(atMs: number): void {
    this.#attempt = 0;
    for (const slot of this.#slots) slot.sentAtMs = atMs;
    this.resend();
    this.#arm(atMs);
  }

  /** Everything unanswered, in order. */
  resend(gateways = 1): void {
    const to = this.#shared.links.first(gateways);
    for (const slot of this.#slots) this.#send(slot.message, to);
  }

  receipt(replica: number, message: ReceiptMessage, atMs: number): void {
    const slot = this.#slots.find((one) => one.seq === message.seq);
    const batch = toHex(message.batch);
    if (slot === undefined) return;
    if (!slot.ids.has(batch)) {
      this.#shared.suspect(replica, 'wrong_receipt', 'a batch of this client', batch);
      return;
    }
    const { commit, results } = message;
    const sizes = results.map((one) => one.length).join();
    const body = toHex(hash('receipt-results', ...results));
    const key = `${batch}:${commit}:${sizes}:${body}`;
    const believed = slot.receipts.vote(replica, key, { batch, commit, results });
    if (believed !== undefined) this.#believe(slot, believed, atMs);
  }

  #believe(slot: Slot, { batch, commit, results }: Believed, atMs: number): void {
    const at = this.#slots.indexOf(slot);
    this.#slots.splice(at, 1);
    this.#latencies.add(atMs - slot.sentAtMs);
    this.#shared.sawCommit(commit);
    // The timer is the oldest batch's: one that lost its receipts must not wait behind the answers of
    // those after it, or it waits for ever.
    if (at === 0) {
      this.#attempt = 0;
      this.#arm(atMs);
    }
    // The first id belongs to the jobs; a no-op that filled the seq has nothing to tell them.
    const own = slot.ids.values().next().value === batch;
    if (!slot.answered && own) this.#answer(slot, commit, results);
    this.flush(atMs);
  }

  #answer(slot: Slot, commit: number, results: readonly Uint8Array[]): void {
    let index = 0;
    const count = slot.jobs.reduce((sum, job) => sum + job.ops.length, 0);
    // One error for the whole batch (`receipt_forgotten`) stands for every op in it.
    const spread = results.length === 1 && count > 1 ? Array(count).fill(results[0]) : results;
    for (const job of slot.jobs) {
      const at = { session: this.session, seq: slot.seq, index, commit };
      job.done(outcomeOf(spread.slice(index, index + job.ops.length), job.ops.length, at));
      index += job.ops.length;
    }
  }

  /** A gateway did not take a batch. One refusal proves nothing; the same code from f+1 does. */
  refused(replica: number, batch: string, failure: Failure, atMs: number): void {
    const slot = this.#slots.find((one) => one.ids.has(batch));
    if (slot === undefined) return;
    if (errorEntry(failure.code).retryable) {
      this.#retryAtMs = Math.min(this.#retryAtMs, atMs + this.#shared.deltaMs);
      return;
    }
    const believed = slot.refusals.vote(replica, failure.code, failure);
    if (believed === undefined) {
      const others = this.#shared.links.live().filter((i) => !slot.refusals.has(i));
      if (others.length > 0) this.#send(slot.message, others.slice(0, 1));
      return;
    }
    this.#refuse(slot, believed);
  }

  /** Its seq must not stay empty, or nothing after it would ever apply: a no-op takes its place. */
  #refuse(slot: Slot, failure: Failure): void {
    if (failure.code === 'session_unknown') {
      this.#shared.sessionGone(failure);
      return;
    }
    if (!slot.answered) for (const job of slot.jobs) job.done(refusal(failure));
    slot.answered = true;
    if (slot.ids.size > 1) return;
    const { id, message } = this.#batch(slot.seq, [encodeOp(noOp(slot.seq))]);
    slot.ids.add(id);
    slot.message = message;
    slot.refusals = new Tally<Failure>(this.#shared.faults + 1);
    this.#send(message, this.#shared.links.first(1));
  }

  /** The session is over: what was signed may or may not have been applied. */
  end(failure: Failure): void {
    const slots = this.#slots.splice(0);
    const queue = this.#queue.splice(0);
    this.#retryAtMs = Number.POSITIVE_INFINITY;
    const fail = (outcome: 'unknown' | 'not_applied'): CallOutcome => {
      return { kind: 'failed', failure, outcome, retryable: true };
    };
    for (const slot of slots) {
      if (!slot.answered) for (const job of slot.jobs) job.done(fail('unknown'));
    }
    for (const job of queue) job.done(fail('not_applied'));
  }
}

/** Cancelling an op that cannot exist changes nothing and always has a receipt. */
function noOp(seq: number): Op {
  return { kind: 'cancel', seq, index: 0 };
}

function refusal(failure: Failure): CallOutcome {
  const { retryable } = errorEntry(failure.code);
  return { kind: 'failed', failure, outcome: 'not_applied', retryable };
}

function outcomeOf(raw: readonly Uint8Array[], count: number, at: Landed): CallOutcome {
  const results: Result[] = [];
  for (const bytes of raw) {
    const result = decodeResult(bytes);
    if (result.ok) results.push(result.value);
  }
  if (results.length === count) return { kind: 'results', results, at };
  const failure = {
    code: 'bad_answer',
    expected: `${count} readable results`,
    actual: `${results.length} of ${raw.length}`,
  };
  return { kind: 'failed', failure, outcome: 'applied', retryable: false };
}
