// One replica's face to its clients: relays batches, answers reads, pushes receipts and notices.
import { openUnsigned } from '@fatty/broadcast';
import { decode, encode, equalBytes, type Shape, type Signer, toHex } from '@fatty/codec';
import type { CellId, Failure, Link, Outcome, Receipt } from '@fatty/interface';
import { CLOSE, KEEP_ALIVE, PROTOCOL } from '@fatty/interface';
import {
  type Batch,
  batchId,
  batchShape,
  type ClientMessageOf,
  clientMessageShapeOf,
  requestOf,
  type SignedBatch,
  signedBatchShape,
  signNow,
} from '@fatty/protocol';
import type { CertifiedProof } from '@fatty/replica';
import {
  type AppliedCommit,
  type ChargedKind,
  type ClientFront,
  costMs,
  type GatewayLimits,
  type GatewayReplica,
  type GatewayTimers,
  NOTHING_APPLIED,
  type Served,
  type Told,
} from './contract.ts';
import { Epochs } from './epochs.ts';
import { Newcomers } from './newcomers.ts';
import { Proofs } from './proofs.ts';
import { Reads } from './reads.ts';
import { REOPENING } from './refusals.ts';
import { receiptMessage } from './said.ts';
import { Submissions } from './submissions.ts';
import { type ServingError, Telling } from './telling.ts';
import { type Visitor, Visitors } from './visitors.ts';
import { Watches } from './watches.ts';

export type { ServingError } from './telling.ts';

type Submit = Extract<ClientMessageOf<never>, { kind: 'submit' }>;

/** A batch as it came, and what its core says, if it can be read. */
interface Arrived {
  readonly signed: SignedBatch;
  readonly batch: Batch | undefined;
}

/** Refusals of what no program of ours sends: they end the link. */
const FORGED: ReadonlySet<string> = new Set(['bad_batch_signature', 'bad_key']);

/** What a gateway is made of. */
export interface GatewayParts<Query, Answer> {
  readonly cellId: CellId;
  /** Signs clock readings. */
  readonly signer: Signer;
  readonly replica: GatewayReplica;
  readonly served: Served<Query, Answer>;
  readonly timers: GatewayTimers;
  readonly limits: GatewayLimits;
  readonly onError: ServingError;
  /** A batch that came here was applied this long after it came, ms. */
  readonly onLatency?: (ms: number) => void;
}

/**
 * One replica's face to its clients. It adds no authority: it relays batches, answers reads of this
 * replica's views, and pushes receipts and notices to every link of the client they belong to, so
 * that a client linked to 2f+1 replicas can believe what f+1 of them say (R32).
 */
export class Gateway<Query, Answer> implements ClientFront {
  readonly #parts: GatewayParts<Query, Answer>;
  readonly #heard: Shape<ClientMessageOf<Query>>;
  readonly #visitors: Visitors;
  readonly #telling: Telling<Answer>;
  readonly #reads: Reads<Query, Answer>;
  readonly #proofs: Proofs;
  readonly #watches: Watches;
  readonly #epochs: Epochs;
  readonly #submissions = new Submissions();
  readonly #newcomers: Newcomers;
  #applied: AppliedCommit = NOTHING_APPLIED;

  constructor(parts: GatewayParts<Query, Answer>) {
    const { limits, replica, served, timers, onError } = parts;
    this.#parts = parts;
    this.#heard = clientMessageShapeOf(served.query);
    const nowMs = (): number => replica.clockMs();
    this.#visitors = new Visitors(limits, nowMs);
    this.#telling = new Telling(served.answer, this.#visitors, onError);
    this.#reads = new Reads({
      served,
      replica,
      visitors: this.#visitors,
      telling: this.#telling,
      waitingReadsMax: limits.waitingReadsMax,
      appliedCommit: () => this.#applied.commit,
    });
    this.#proofs = new Proofs({
      replica,
      served,
      visitors: this.#visitors,
      telling: this.#telling,
      waitingProofsMax: limits.waitingProofsMax,
    });
    this.#watches = new Watches({
      rules: served.watched,
      limits,
      timers,
      telling: this.#telling,
    });
    this.#epochs = new Epochs({ replica, visitors: this.#visitors, telling: this.#telling });
    this.#newcomers = new Newcomers(limits.newcomersMsPerSecMax, {
      nowMs,
      after: (delayMs, run) => timers.after(Math.ceil(delayMs), run),
    });
  }

  get clients(): number {
    return this.#visitors.size;
  }

  linkUp(link: Link): void {
    this.#visitors.add(link);
    const visitor = this.#visitors.get(link);
    if (visitor) this.#telling.serve(link, 'links', () => this.#epochs.linkUp(visitor));
  }

  linkDown(link: Link): void {
    const visitor = this.#visitors.get(link);
    if (!visitor) return;
    this.#reads.forget(visitor);
    this.#watches.forget(visitor);
    if (!this.#visitors.remove(link)) this.#newcomers.forget(toHex(link.peer));
  }

  message(link: Link, bytes: Uint8Array): void {
    const visitor = this.#visitors.get(link);
    if (!visitor) return;
    const message = decode(this.#heard, bytes, this.#parts.limits.frameBytesMax);
    if (!message.ok) return this.#refuseUnreadable(visitor, bytes, message.failure);
    const { kind } = message.value;
    this.#telling.serve(link, kind, () => this.#receive(visitor, message.value, bytes.length));
  }

  /** A read that asks what nobody can answer is answered so; everything else ends the link. */
  #refuseUnreadable(visitor: Visitor, bytes: Uint8Array, failure: Failure): void {
    const request = requestOf(bytes, this.#parts.limits.frameBytesMax);
    if (request === undefined) return this.#refuseGarbage(visitor, failure);
    const slowDown = this.#visitors.takeToll(visitor, bytes.length);
    this.#telling.sendError(visitor, request, slowDown ?? failure);
  }

  /** Bytes that no program of ours sends. */
  #refuseGarbage(visitor: Visitor, failure: Failure): void {
    this.#telling.sendError(visitor, 0, failure);
    visitor.link.close(CLOSE.malformed, failure.code);
  }

  /**
   * Where no commit was missed, links go on: their clients hear that what they wait for has to be sent again.
   * Else they have missed receipts and notices, and come again as after a restart.
   */
  resume(commit: AppliedCommit): void {
    const isSame = commit.commit === this.#applied.commit;
    this.#applied = commit;
    for (const { tag } of this.#submissions.all) this.refused(tag, REOPENING);
    this.#proofs.lost();
    this.#watches.resume(commit.commit);
    this.#epochs.begun();
    if (isSame) return;
    for (const { link } of this.#visitors.all) link.close(CLOSE.restart, REOPENING.code);
  }

  replayed({ commit }: AppliedCommit, { events }: Pick<Told, 'events'>): void {
    this.#watches.replayed(commit, events);
  }

  /** Tells clients what a commit did, then answers the reads that waited for it. */
  committed(at: AppliedCommit, applied: Told): void {
    this.#applied = at;
    const { commit } = at;
    // Others wait for whoever holds a lock from now on, and nobody for whoever has just let go of it.
    for (const { client, session, body } of applied.notices) {
      this.#telling.tell(client, { kind: 'notice', session, commit, body }, KEEP_ALIVE);
    }
    for (const receipt of applied.receipts) {
      this.#settle(receipt);
      this.#telling.tell(receipt.client, receiptMessage(receipt), PROTOCOL);
    }
    this.#watches.committed(commit, applied.events);
    this.#reads.wake(commit);
  }

  refused(tag: number, failure: Failure): void {
    const submission = this.#submissions.takeTagged(tag);
    if (!submission) return;
    const { link, id } = submission;
    const visitor = this.#visitors.get(link);
    if (!visitor) return;
    this.#telling.serve(link, 'refused', () => this.#telling.refuse(visitor, id, failure));
    if (FORGED.has(failure.code)) link.close(CLOSE.malformed, failure.code);
  }

  proved(tag: number, answer: Outcome<CertifiedProof>): void {
    this.#proofs.answered(tag, answer);
  }

  #settle(receipt: Receipt): void {
    const submission = this.#submissions.takeBatch(receipt.batch);
    if (!submission) return;
    this.#parts.onLatency?.(Math.max(0, this.#parts.replica.clockMs() - submission.atMs));
  }

  #receive(visitor: Visitor, message: ClientMessageOf<Query>, size: number): void {
    switch (message.kind) {
      case 'submit':
        return this.#takeBatch(visitor, message, size);
      case 'unsigned':
        return this.#takeUnsigned(visitor, message.message);
      case 'read':
        return this.#actInTurn(visitor, message, size, (slowDown) =>
          this.#reads.take(visitor, message, slowDown),
        );
      case 'prove':
        return this.#actInTurn(visitor, message, size, (slowDown) =>
          this.#proofs.take(visitor, message, slowDown),
        );
      case 'watch':
        return this.#actInTurn(visitor, message, size, (slowDown) =>
          this.#watches.watch(visitor, message, slowDown),
        );
      case 'watchMore':
        this.#visitors.charge(visitor, 1, size);
        return this.#watches.more(visitor, message);
      case 'unwatch':
        return this.#watches.unwatch(visitor, message.watch);
      case 'getLinks':
        return this.#actInTurn(visitor, message, size, (slowDown) =>
          this.#epochs.take(visitor, message.from, slowDown),
        );
      case 'now':
        return this.#actInTurn(visitor, message, size, (slowDown) =>
          this.#tellNow(visitor, message.nonce, slowDown),
        );
      case 'ping':
        return this.#telling.send(visitor, { kind: 'pong', id: message.id }, KEEP_ALIVE);
      case 'pong':
        return;
    }
  }

  /**
   * A batch's client must be the key of its link: only then does a budget by key bound anything. The
   * core is read here and by the replica; what cannot be read is the replica's to refuse.
   */
  #takeBatch(visitor: Visitor, message: Submit, sizeBytes: number): void {
    const { link } = visitor;
    const { batch: signed } = message;
    const core = decode(batchShape, signed.core, this.#parts.limits.frameBytesMax);
    const batch = core.ok ? core.value : undefined;
    if (batch && !equalBytes(batch.client, link.peer)) {
      return link.close(CLOSE.malformed, 'session_not_yours');
    }
    const submit = (slowDown: Failure | undefined): void =>
      this.#submit(visitor, { signed, batch }, slowDown);
    this.#actInTurn(visitor, message, sizeBytes, submit);
  }

  /** Acts when the client may have it done: at once, in a newcomer's turn, or with `slow_down`. */
  #actInTurn(
    visitor: Visitor,
    { kind }: { readonly kind: ChargedKind },
    sizeBytes: number,
    act: (slowDown: Failure | undefined) => void,
  ): void {
    const { link } = visitor;
    const slowDown = this.#visitors.takeToll(visitor, sizeBytes);
    if (slowDown || this.#parts.served.hasSession(link.peer)) return act(slowDown);
    const chore = {
      costMs: costMs(kind, sizeBytes),
      sizeBytes,
      act: () => {
        if (this.#visitors.has(link)) this.#telling.serve(link, kind, () => act(undefined));
      },
    };
    if (this.#newcomers.take(toHex(link.peer), chore)) return;
    const expected = `${this.#parts.limits.newcomersMsPerSecMax} ms/s for keys without a session`;
    act({ code: 'slow_down', expected, actual: 'more waits its turn' });
  }

  /** Nobody signs it, so the link it came by pays for what is forged; no answer, like the true ones. */
  #takeUnsigned(visitor: Visitor, bytes: Uint8Array): void {
    const nowMs = this.#parts.replica.clockMs();
    if (visitor.unsigned.take(1, nowMs) > 0) return;
    const rules = this.#parts.served.unsigned;
    const opened = openUnsigned(bytes, rules?.open);
    if (!opened.ok) return this.#refuseGarbage(visitor, opened.failure);
    const kind = rules?.precheck(opened.value).kind;
    if (kind === 'accept') this.#parts.replica.submitUnsigned(bytes);
    if (kind === 'reject') visitor.unsigned.charge(opened.value.weight, nowMs);
  }

  /**
   * A resend costs the cell nothing: its seq is used up, and here is by what. That may be another batch of
   * this client (R32a), which is just what it has to know.
   */
  #submit(visitor: Visitor, { signed, batch }: Arrived, slowDown: Failure | undefined): void {
    const id = batchId(signed.core);
    if (slowDown) return this.#telling.refuse(visitor, id, slowDown);
    const { served, replica } = this.#parts;
    const stored = batch && served.receiptOf(batch);
    if (stored) return this.#telling.send(visitor, receiptMessage(stored), PROTOCOL);
    const tag = this.#submissions.remember(visitor.link, id, replica.clockMs());
    replica.submit(encode(signedBatchShape, signed), tag);
  }

  #tellNow(visitor: Visitor, nonce: Uint8Array, slowDown: Failure | undefined): void {
    if (slowDown) return this.#telling.sendError(visitor, 0, slowDown);
    const { commit, commitTs, leaseClock } = this.#applied;
    const { cellId, signer, replica } = this.#parts;
    const ts = replica.clockMs();
    const reading = { nonce, ts, commit, leaseClock, offset: commitTs - leaseClock };
    this.#telling.send(visitor, signNow(cellId, signer, reading), KEEP_ALIVE);
  }
}
