// Batches of one session in flight: signed once, sent in order, sent again elsewhere when no answer comes (R3).
import {
  encodeClientMessage,
  encodeOp,
  type GatewayMessage,
  type Op,
  standingOf,
  weightOf,
} from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Basis, Failure, SessionId } from '@fatty/interface';
import { BULK, PROTOCOL } from '@fatty/interface';
import { BLOCK_WEIGHT_MAX, batchId, signBatch } from '@fatty/protocol';
import { displaced, forgotten, isRotated, outcomeOf, readingOf, unknown } from './outcomes.ts';
import { Retries } from './retries.ts';
import type { Shared } from './shared.ts';
import { type Believed, type Job, Slot } from './slot.ts';
import { halfway, type Latencies } from './timing.ts';
import type { CallOutcome } from './types.ts';
import { Window } from './window.ts';

type ReceiptMessage = Extract<GatewayMessage, { kind: 'receipt' }>;

/** Room left in a batch for everything but the ops. */
const BATCH_OVERHEAD_BYTES = 512;
/** One op's CBOR head. */
const OP_OVERHEAD_BYTES = 5;

/**
 * So many batches go out at once, however small. While they are under way what comes gathers in the next,
 * until that has no room or an answer's usual time is over: so concurrent calls share a signature.
 */
const EAGER_BATCHES = 4;

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
  readonly #window = new Window();
  /** The next batch has no room until a slot leaves. */
  #isBlocked = false;
  /** The last batch of this key is under way, perhaps. */
  #isRotating = false;
  /** When what gathers for the next batch goes, whatever is under way. */
  #gatherUntilMs = Number.POSITIVE_INFINITY;
  readonly #retries: Retries;
  #nextSeq = 0;

  /** `openedOn`: the basis of batch 0, which names the session. */
  constructor(shared: Shared, session: SessionId, openedOn: Basis, latencies: Latencies) {
    this.#shared = shared;
    this.session = session;
    this.#openedOn = openedOn;
    this.#latencies = latencies;
    const { deltaMs, draw } = shared;
    this.#retries = new Retries({ deltaMs, latencies, draw });
  }

  get retryAtMs(): number {
    const ownMs = Math.min(this.#retries.nextAtMs, this.#gatherUntilMs);
    return Math.min(ownMs, ...this.#slots.map((slot) => slot.hurryAtMs));
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

  /** Signs and sends what the window allows, and what does not gather. */
  flush(atMs: number): void {
    let untilMs = this.#gatherUntilMs;
    this.#gatherUntilMs = Number.POSITIVE_INFINITY;
    if (this.#shared.links.gateway() === undefined) return;
    while (this.#queue.length > 0 && !this.#isBlocked && !this.#isRotating) {
      const { jobs, isWhole } = this.#next();
      if (!isWhole && this.#slots.length >= EAGER_BATCHES) {
        untilMs = Math.min(untilMs, atMs + this.#latencies.typicalMs);
        if (atMs < untilMs) {
          this.#gatherUntilMs = untilMs;
          return;
        }
      }
      const ops = jobs.flatMap((job) => job.ops);
      const isFull = this.#slots.length >= this.#shared.batchesInFlightMax;
      this.#isBlocked = isFull || !this.#window.fits(ops.length);
      if (this.#isBlocked) return;
      this.#queue.splice(0, jobs.length);
      untilMs = Number.POSITIVE_INFINITY;
      const slot = this.#sign(jobs, ops, atMs);
      this.#slots.push(slot);
      this.#isRotating = slot.next !== undefined;
      this.#send(slot.message, this.#shared.links.first(1));
      if (this.#slots.length === 1) this.#retries.begin(atMs);
    }
  }

  /**
   * Whole calls from the front of the queue, as many as one batch holds; at least one. `isWhole`: what
   * is put behind them cannot join.
   */
  #next(): { readonly jobs: readonly Job[]; readonly isWhole: boolean } {
    const { opsPerBatchMax, limits } = this.#shared;
    let ops = 0;
    let bytes = BATCH_OVERHEAD_BYTES;
    let weight = 0;
    let count = 0;
    let isWhole = false;
    for (const job of this.#queue) {
      isWhole = job.alone === true;
      if (count > 0 && isWhole) break;
      ops += job.ops.length;
      bytes += job.ops.reduce((sum, op) => sum + op.length + OP_OVERHEAD_BYTES, 0);
      weight += job.ops.reduce((sum, op) => sum + weightOf(op), 0);
      const isOver =
        ops > opsPerBatchMax || bytes > limits.batchBytesMax || weight > BLOCK_WEIGHT_MAX;
      isWhole ||= isOver || ops === opsPerBatchMax;
      if (count > 0 && isOver) break;
      count += 1;
      if (isWhole) break;
    }
    return { jobs: this.#queue.slice(0, count), isWhole };
  }

  #sign(jobs: readonly Job[], ops: readonly Uint8Array[], atMs: number): Slot {
    const seq = this.#nextSeq++;
    this.#window.add(seq, ops.length);
    let index = 0;
    for (const job of jobs) {
      job.placed?.({ session: this.session, seq, index });
      index += job.ops.length;
    }
    const need = this.#shared.faults + 1;
    const slot = new Slot(seq, jobs, this.#batch(seq, ops), { atMs, need });
    slot.hurryAtMs = halfway(atMs, slot.deadlineMs, 0);
    return slot;
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

  /** The gateway is slow: the next one, and from the third time on f+1 of them, get everything. */
  retry(atMs: number): void {
    this.#hurry(atMs);
    const { links, faults } = this.#shared;
    if (links.gateway() === undefined) {
      // Nothing can be tried: `relinked` goes on.
      this.#retries.stop();
      return;
    }
    if (!this.#retries.take(atMs)) return;
    links.failover();
    this.resend(this.#retries.isAlone ? 1 : faults + 1);
  }

  /**
   * Half of a call's time is gone without an answer: f+1 gateways get its batch, with those before it,
   * which it cannot be applied without; and again when half of the rest is gone.
   */
  #hurry(atMs: number): void {
    const last = this.#slots.findLastIndex((slot) => slot.hurryAtMs <= atMs);
    if (last < 0) return;
    const { links, faults, deltaMs } = this.#shared;
    const to = links.first(faults + 1);
    for (const slot of this.#slots.slice(0, last + 1)) {
      const isDue = slot.hurryAtMs <= atMs;
      // Of batches signed one after the other, each takes along only what has not just gone.
      if (!isDue && atMs - slot.hurriedAtMs < deltaMs) continue;
      this.#send(slot.message, to);
      slot.sentAtMs = atMs;
      slot.hurriedAtMs = atMs;
      if (isDue) slot.hurryAtMs = halfway(atMs, slot.deadlineMs, deltaMs);
    }
  }

  /** The members are others. What is under way was cut, or was applied: each batch counts once (R3). */
  moved(atMs: number): void {
    for (const slot of this.#slots) slot.moved(this.#shared.faults + 1);
    this.relinked(atMs);
  }

  /** The first link after none at all: all that was under way is lost, and the outage no latency. */
  relinked(atMs: number): void {
    for (const slot of this.#slots) {
      slot.sentAtMs = atMs;
      slot.hurryAtMs = halfway(atMs, slot.deadlineMs, 0);
    }
    this.resend();
    if (this.#slots.length > 0) this.#retries.begin(atMs);
  }

  /** Everything unanswered, in order. A batch that was lost is no measure of how long an answer takes. */
  resend(gateways = 1): void {
    const to = this.#shared.links.first(gateways);
    for (const slot of this.#slots) {
      slot.sentAtMs = this.#shared.nowMs;
      this.#send(slot.message, to);
    }
  }

  receipt(replica: number, message: ReceiptMessage, atMs: number): void {
    const slot = this.#slots.find((one) => one.seq === message.seq);
    if (slot === undefined) return;
    const batch = toHex(message.batch);
    if (!slot.isOf(batch)) {
      this.#shared.suspect(replica, 'wrong_receipt', 'a batch of this client', batch);
      return;
    }
    const believed = slot.receipt(replica, message);
    if (believed !== undefined) this.#believe(slot, believed, atMs);
  }

  #believe(slot: Slot, believed: Believed, atMs: number): void {
    this.#shared.sawCommit(believed.commit);
    const { batch, results } = believed;
    const reading = readingOf(results);
    if (reading === 'no_session') {
      const actual = `unknown at commit ${believed.commit}`;
      this.#shared.sessionGone({ code: 'session_unknown', expected: 'a live session', actual });
      return;
    }
    if (reading === 'barred') {
      const actual = 'one that was rotated or revoked';
      this.#shared.sessionGone({ code: 'session_expired', expected: 'a key that acts', actual });
    }
    this.#latencies.add(atMs - slot.sentAtMs);
    this.#leave(slot, atMs);
    if (reading === 'unnamed') this.#filled(slot, forgotten(slot.seq).failure);
    else if (slot.refusal !== undefined && !slot.isOwn(batch))
      settle(slot, displaced(slot.refusal));
    else if (reading === 'bare') settle(slot, forgotten(slot.seq));
    else {
      this.#rekey(slot, believed);
      this.#answer(slot, believed);
    }
    this.flush(atMs);
  }

  /** Its seq is known to be used up: nothing is sent for it any more. */
  #leave(slot: Slot, atMs: number): void {
    const at = this.#slots.indexOf(slot);
    this.#slots.splice(at, 1);
    if (slot.next) this.#isRotating = false;
    this.#window.passed(this.#slots[0]?.seq);
    this.#isBlocked = false;
    // The timer is the oldest batch's: one that lost its receipts must not wait behind the answers of
    // those after it, or it waits for ever.
    if (this.#slots.length === 0) this.#retries.stop();
    else if (at === 0) this.#retries.begin(atMs);
    else this.#retries.overtaken(atMs);
  }

  /**
   * What is still under way was signed, and applied, before it: the new key asks for its receipts by the same seqs.
   */
  #rekey({ next }: Slot, { results }: Believed): void {
    if (next === undefined || !isRotated(results)) return;
    this.#shared.rekey(next);
    for (const slot of this.#slots) {
      const ops = slot.refusal ? [encodeOp(noOp(slot.seq))] : slot.jobs.flatMap((job) => job.ops);
      slot.resign(this.#batch(slot.seq, ops));
    }
  }

  #answer(slot: Slot, { commit, results }: Believed): void {
    let index = 0;
    for (const job of slot.jobs) {
      const at = { session: this.session, seq: slot.seq, index, commit };
      job.done(outcomeOf(results.slice(index, index + job.ops.length), job.ops.length, at));
      index += job.ops.length;
    }
  }

  /** Some batch of this client used the seq up: the jobs' own, if no other was ever signed for it. */
  #filled(slot: Slot, failure: Failure): void {
    const outcome = slot.isSingle ? 'applied' : 'unknown';
    settle(slot, { kind: 'failed', failure, outcome, retryable: false });
  }

  /** A gateway did not take a batch. That says nothing of other gateways, nor of what it passed on. */
  refused(replica: number, batch: string, failure: Failure, atMs: number): void {
    const slot = this.#slots.find((one) => one.isOf(batch));
    if (slot === undefined) return;
    if (standingOf(failure.code).retryable) {
      this.#retries.putOff(atMs);
      return;
    }
    if (!slot.refuse(replica, failure)) return;
    const { doubt } = slot;
    if (doubt === undefined) this.#askAnother(slot);
    else if (doubt.kind === 'refused') this.#replace(slot, doubt.failure, atMs);
    else if (doubt.kind === 'no_session') {
      slot.forgetRefusals();
      this.#shared.sessionDoubted();
    } else {
      this.#leave(slot, atMs);
      this.#filled(slot, doubt.failure);
      this.flush(atMs);
    }
  }

  #askAnother(slot: Slot): void {
    const others = this.#shared.links.live().filter((replica) => !slot.hasRefused(replica));
    this.#send(slot.message, others.slice(0, 1));
  }

  /**
   * Its seq must not stay empty, or nothing after it would ever apply: a no-op goes for it. The receipt of
   * this seq shows which of the two was applied, and until then nobody is told anything.
   */
  #replace(slot: Slot, failure: Failure, atMs: number): void {
    if (!slot.isSingle) return;
    if (slot.seq === 0) {
      // An opening: no other batch can stand in for it, and no call of a user is in it.
      this.#leave(slot, atMs);
      settle(slot, unknown(failure, false));
      return;
    }
    slot.replace(this.#batch(slot.seq, [encodeOp(noOp(slot.seq))]), failure);
    slot.sentAtMs = atMs;
    this.#send(slot.message, this.#shared.links.first(1));
  }

  /** The session is over: what was signed may or may not have been applied. */
  end(failure: Failure): void {
    const slots = this.#slots.splice(0);
    const queue = this.#queue.splice(0);
    this.#retries.stop();
    for (const slot of slots) settle(slot, unknown(failure, true));
    for (const job of queue) {
      job.done({ kind: 'failed', failure, outcome: 'not_applied', retryable: true });
    }
  }
}

/** Every job of the batch is answered the same. */
function settle(slot: Slot, outcome: CallOutcome): void {
  for (const job of slot.jobs) job.done(outcome);
}

/** Cancelling an op that cannot exist changes nothing and always has a receipt. */
function noOp(seq: number): Op {
  return { kind: 'cancel', seq, index: 0 };
}
