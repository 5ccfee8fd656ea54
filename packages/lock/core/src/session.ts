// One session: its opening, its keep-alives, its lease, its pipeline.
import { encodeClientMessage, encodeOp, type Op } from '@fatty/api';
import { encode } from '@fatty/codec';
import type { Failure, SessionId } from '@fatty/interface';
import { KEEP_ALIVE } from '@fatty/interface';
import { keepAliveShape, NONCE_BYTES, sessionIdOf } from '@fatty/protocol';
import { type ClockProof, leaseDeadline } from './clock.ts';
import { KeepAliveChain } from './keep-alive-chain.ts';
import { Pipeline } from './pipeline.ts';
import type { Shared } from './shared.ts';
import type { Latencies } from './timing.ts';
import type { CallOutcome } from './types.ts';

/** Keep-alives per lease: two may be lost before the third is late. */
const KEEP_ALIVES_PER_LEASE = 3;
/** An unanswered keep-alive is shown again after lease / 12. */
const REPEATS_PER_LEASE = 12;
/** Links left in a chain when its successor is announced. */
const CHAIN_RESERVE = 32;
/** A replica walks at most 64 hashes for one keep-alive (R3). */
const CHAIN_STEP_MAX = 64;

/** One session from its opening to its end: who it is, how long it is proved, what keeps it alive. */
export class Session {
  readonly id: SessionId;
  readonly leaseMs: number;
  readonly pipeline: Pipeline;
  readonly #shared: Shared;
  readonly #nonce: Uint8Array;
  readonly #chainLength: number;
  #chain: KeepAliveChain;
  #successor: KeepAliveChain | undefined;
  /** Highest link a believed notice named, and the one in flight. */
  #accepted = 0;
  #shown = 0;
  #shownAtMs = 0;
  #keepAtMs = Number.POSITIVE_INFINITY;
  #repeats = 0;
  #leaseExpiry = 0;
  #deadlineMs = Number.NEGATIVE_INFINITY;
  #open = false;

  constructor(shared: Shared, latencies: Latencies, leaseMs: number, chainLength: number) {
    this.#shared = shared;
    this.leaseMs = leaseMs;
    this.#chainLength = chainLength;
    this.#nonce = shared.entropy.nonce().slice(0, NONCE_BYTES);
    const basis = { epoch: shared.epoch, commit: shared.commit };
    this.id = sessionIdOf(shared.signer.publicKey, this.#nonce, basis);
    this.#chain = new KeepAliveChain(shared.entropy.nonce(), chainLength);
    this.pipeline = new Pipeline(shared, this.id, basis, latencies);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** ms on the lease clock; certified by f+1. */
  get leaseExpiry(): number {
    return this.#leaseExpiry;
  }

  /** Monotonic ms until which the session is proved alive (TIME.md, T3). */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** R3: OpenSession is op 0 of batch 0. `done` hears of it. */
  open(done: (outcome: CallOutcome) => void): void {
    const op: Op = {
      kind: 'openSession',
      nonce: this.#nonce,
      anchor: this.#chain.anchor,
      leaseMs: this.leaseMs,
    };
    this.pipeline.put({ call: -1, ops: [encodeOp(op)], done });
  }

  opened(leaseExpiry: number, atMs: number): void {
    this.#open = true;
    this.#keepAtMs = atMs + this.leaseMs / KEEP_ALIVES_PER_LEASE;
    this.extend(leaseExpiry);
  }

  /** A believed expiry: leases only grow, so an older answer changes nothing. */
  extend(leaseExpiry: number): void {
    this.#leaseExpiry = Math.max(this.#leaseExpiry, leaseExpiry);
  }

  /** A bound once proved stays proved: the deadline never moves back. */
  prove(proof: ClockProof): void {
    if (!this.#open) return;
    const deadline = leaseDeadline(this.#leaseExpiry, proof, this.#shared.bounds);
    this.#deadlineMs = Math.max(this.#deadlineMs, deadline);
  }

  renewed(i: number, leaseExpiry: number): void {
    // A late notice about the chain before this one names a link that was never shown.
    if (i <= this.#shown) this.#accepted = Math.max(this.#accepted, i);
    this.extend(leaseExpiry);
  }

  get nextAtMs(): number {
    if (!this.#open) return Number.POSITIVE_INFINITY;
    return this.#waiting ? Math.min(this.#keepAtMs, this.#repeatAtMs) : this.#keepAtMs;
  }

  get #waiting(): boolean {
    return this.#shown > this.#accepted;
  }

  get #repeatAtMs(): number {
    return this.#shownAtMs + (this.#repeats + 1) * (this.leaseMs / REPEATS_PER_LEASE);
  }

  /** Shows the next link on time, and the same one through more gateways while nothing comes back. */
  tick(atMs: number): void {
    if (!this.#open) return;
    if (atMs >= this.#keepAtMs) {
      this.#keepAtMs = atMs + this.leaseMs / KEEP_ALIVES_PER_LEASE;
      this.#showNext(atMs);
      return;
    }
    if (!this.#waiting || atMs < this.#repeatAtMs) return;
    this.#repeats += 1;
    this.#show(this.#shared.faults + this.#repeats);
  }

  #showNext(atMs: number): void {
    const limit = Math.min(this.#chain.length, this.#accepted + CHAIN_STEP_MAX);
    if (this.#chain.length - this.#shown <= CHAIN_RESERVE) this.#reanchor();
    this.#shown = Math.min(this.#shown + 1, limit);
    this.#shownAtMs = atMs;
    this.#repeats = 0;
    if (this.#shown > 0) this.#show(this.#isLate(atMs) ? this.#shared.faults + 1 : 1);
  }

  /** So little of the lease is left that one gateway must not decide about it. */
  #isLate(atMs: number): boolean {
    return this.#deadlineMs - atMs < this.leaseMs / 2;
  }

  #show(gateways: number): void {
    const message = encode(keepAliveShape, {
      session: this.id,
      i: this.#shown,
      preimage: this.#chain.preimage(this.#shown),
    });
    const bytes = encodeClientMessage({ kind: 'unsigned', message });
    for (const replica of this.#shared.links.first(gateways)) {
      this.#shared.send(replica, bytes, KEEP_ALIVE);
    }
  }

  #reanchor(): void {
    if (this.#successor !== undefined) return;
    const successor = new KeepAliveChain(this.#shared.entropy.nonce(), this.#chainLength);
    this.#successor = successor;
    const done = (outcome: CallOutcome): void => {
      this.#successor = undefined;
      const result = outcome.kind === 'results' ? outcome.results[0] : undefined;
      if (result?.kind !== 'reanchored') return;
      this.#chain = successor;
      this.#accepted = 0;
      this.#shown = 0;
      this.extend(result.leaseExpiry);
    };
    this.pipeline.put({
      call: -1,
      ops: [encodeOp({ kind: 'reanchor', anchor: successor.anchor })],
      done,
    });
  }

  /** Stops everything; what is in flight is answered `unknown`. */
  end(failure: Failure): void {
    this.#open = false;
    this.#deadlineMs = Number.NEGATIVE_INFINITY;
    this.pipeline.end(failure);
  }
}
