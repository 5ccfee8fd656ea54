// One replica's face to its clients: relays batches, answers reads, pushes receipts and notices.
import { openUnsigned } from '@fatty/broadcast';
import { decode, encode, equalBytes, type Shape, type Signer, toHex } from '@fatty/codec';
import type {
  Applied,
  CellId,
  Digest,
  Failure,
  Link,
  Priority,
  PublicKey,
  Receipt,
} from '@fatty/interface';
import { BULK, CLOSE, KEEP_ALIVE, PROTOCOL } from '@fatty/interface';
import {
  type Batch,
  batchId,
  batchShape,
  type ClientMessageOf,
  clientMessageShapeOf,
  type GatewayMessageOf,
  gatewayMessageShapeOf,
  requestOf,
  type SignedBatch,
  signedBatchShape,
  signNow,
} from '@fatty/protocol';
import { TokenBucket } from './bucket.ts';
import {
  type AppliedCommit,
  type ChargedKind,
  type ClientFront,
  costMs,
  type GatewayLimits,
  type GatewayReplica,
  NOTHING_APPLIED,
  type Served,
} from './gateway-contract.ts';
import { Newcomers } from './newcomers.ts';
import type { Timers } from './ports.ts';
import { NOT_CURRENT, REOPENING, unsent } from './refusals.ts';
import { receiptMessage } from './said.ts';
import { Submissions } from './submissions.ts';

type Read<Query> = Extract<ClientMessageOf<Query>, { kind: 'read' }>;
type Submit = Extract<ClientMessageOf<never>, { kind: 'submit' }>;

/** A batch as it came, and what its core says, if it can be read. */
interface Arrived {
  readonly signed: SignedBatch;
  readonly batch: Batch | undefined;
}

interface Visitor<Query> {
  readonly link: Link;
  readonly messages: TokenBucket;
  readonly unsigned: TokenBucket;
  readonly bytes: TokenBucket;
  readonly waiting: Read<Query>[];
}

/** An exception while a message of (or to) one client was served: its kind, and that client's key. */
export type ServingError = (error: unknown, serving: string, client: PublicKey) => void;

/** So many entries of an answer cost about what another message does. */
const ENTRIES_PER_MESSAGE = 16;

/** Refusals of what no program of ours sends: they end the link. */
const FORGED: ReadonlySet<string> = new Set(['bad_batch_signature', 'bad_key']);

/** What a gateway is made of. */
export interface GatewayParts<Query, Answer> {
  readonly cellId: CellId;
  /** Signs clock readings. */
  readonly signer: Signer;
  readonly replica: GatewayReplica;
  readonly served: Served<Query, Answer>;
  readonly timers: Timers;
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
  readonly #limits: GatewayLimits;
  readonly #served: Served<Query, Answer>;
  readonly #replica: GatewayReplica;
  readonly #heard: Shape<ClientMessageOf<Query>>;
  readonly #said: Shape<GatewayMessageOf<Answer>>;
  readonly #visitors = new Map<Link, Visitor<Query>>();
  /** Links by client key: one client may hold several. */
  readonly #byClient = new Map<string, readonly Visitor<Query>[]>();
  readonly #submissions = new Submissions();
  readonly #newcomers: Newcomers;
  #applied: AppliedCommit = NOTHING_APPLIED;

  constructor(parts: GatewayParts<Query, Answer>) {
    const { limits, replica, served, timers } = parts;
    this.#parts = parts;
    this.#limits = limits;
    this.#served = served;
    this.#replica = replica;
    this.#heard = clientMessageShapeOf(served.query);
    this.#said = gatewayMessageShapeOf(served.answer);
    this.#newcomers = new Newcomers(limits.newcomersMsPerSecMax, {
      nowMs: () => replica.clockMs(),
      after: (delayMs, run) => void timers.after(Math.ceil(delayMs), run),
    });
  }

  get clients(): number {
    return this.#visitors.size;
  }

  linkUp(link: Link): void {
    const nowMs = this.#replica.clockMs();
    const key = toHex(link.peer);
    const known = this.#byClient.get(key) ?? [];
    const visitor: Visitor<Query> = {
      link,
      // A second link of the same key shares the buckets of the first.
      messages: known[0]?.messages ?? new TokenBucket(this.#limits.messagesPerSecMax, nowMs),
      unsigned: known[0]?.unsigned ?? new TokenBucket(this.#limits.unsignedPerSecMax, nowMs),
      bytes: known[0]?.bytes ?? new TokenBucket(this.#limits.bytesPerSecMax, nowMs),
      waiting: [],
    };
    this.#visitors.set(link, visitor);
    this.#byClient.set(key, [...known, visitor]);
  }

  linkDown(link: Link): void {
    const key = toHex(link.peer);
    this.#visitors.delete(link);
    const left = (this.#byClient.get(key) ?? []).filter((visitor) => visitor.link !== link);
    if (left.length > 0) return void this.#byClient.set(key, left);
    this.#byClient.delete(key);
    this.#newcomers.forget(key);
  }

  message(link: Link, bytes: Uint8Array): void {
    const visitor = this.#visitors.get(link);
    if (!visitor) return;
    const message = decode(this.#heard, bytes, this.#limits.frameBytesMax);
    if (!message.ok) {
      this.#refuseUnreadable(visitor, bytes, message.failure);
      return;
    }
    const { kind } = message.value;
    this.#serve(link, kind, () => this.#receive(visitor, message.value, bytes.length));
  }

  /** A read that asks what nobody can answer is answered so; everything else ends the link. */
  #refuseUnreadable(visitor: Visitor<Query>, bytes: Uint8Array, failure: Failure): void {
    const request = requestOf(bytes, this.#limits.frameBytesMax);
    if (request === undefined) return this.#refuseGarbage(visitor, failure);
    this.#sendError(visitor, request, this.#takeToll(visitor, bytes.length) ?? failure);
  }

  /** Bytes that no program of ours sends. */
  #refuseGarbage(visitor: Visitor<Query>, failure: Failure): void {
    this.#sendError(visitor, 0, failure);
    visitor.link.close(CLOSE.malformed, failure.code);
  }

  /**
   * What is thrown while one client is served ends its link, and nothing else: neither the others
   * nor the replica. (What the replica throws never comes here: its driver stops it.)
   */
  #serve(link: Link, serving: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#parts.onError(error, serving, link.peer);
      link.close(CLOSE.internal, 'internal_error');
    }
  }

  /**
   * Where no commit was missed, links go on: their clients hear that what they wait for has to be sent again.
   * Else they have missed receipts and notices, and come again as after a restart.
   */
  resume(commit: AppliedCommit): void {
    const isSame = commit.commit === this.#applied.commit;
    this.#applied = commit;
    for (const { tag } of this.#submissions.all) this.refused(tag, REOPENING);
    if (isSame) return;
    for (const { link } of this.#visitors.values()) link.close(CLOSE.restart, REOPENING.code);
  }

  /** Tells clients what a commit did, then answers the reads that waited for it. */
  committed(at: AppliedCommit, applied: Pick<Applied, 'receipts' | 'notices'>): void {
    this.#applied = at;
    const { commit } = at;
    // Others wait for whoever holds a lock from now on, and nobody for whoever has just let go of it.
    for (const { client, session, body } of applied.notices) {
      this.#tell(client, { kind: 'notice', session, commit, body }, KEEP_ALIVE);
    }
    for (const receipt of applied.receipts) {
      this.#settle(receipt);
      this.#tell(receipt.client, receiptMessage(receipt), PROTOCOL);
    }
    for (const visitor of this.#visitors.values()) this.#wakeReads(visitor, commit);
  }

  refused(tag: number, failure: Failure): void {
    const submission = this.#submissions.takeTagged(tag);
    if (!submission) return;
    const visitor = this.#visitors.get(submission.link);
    if (!visitor) return;
    this.#serve(submission.link, 'refused', () => this.#refuse(visitor, submission.id, failure));
    if (FORGED.has(failure.code)) submission.link.close(CLOSE.malformed, failure.code);
  }

  #settle(receipt: Receipt): void {
    const submission = this.#submissions.takeBatch(receipt.batch);
    if (!submission) return;
    this.#parts.onLatency?.(Math.max(0, this.#replica.clockMs() - submission.atMs));
  }

  #tell(client: PublicKey, message: GatewayMessageOf<Answer>, priority: Priority): void {
    const visitors = this.#byClient.get(toHex(client));
    if (!visitors) return;
    let bytes: Uint8Array | undefined;
    for (const { link } of visitors) {
      this.#serve(link, message.kind, () => {
        bytes ??= encode(this.#said, message);
        link.send(bytes, priority);
      });
    }
  }

  #receive(visitor: Visitor<Query>, message: ClientMessageOf<Query>, size: number): void {
    switch (message.kind) {
      case 'submit':
        return this.#takeBatch(visitor, message, size);
      case 'unsigned':
        return this.#takeUnsigned(visitor, message.message);
      case 'read':
        return this.#actInTurn(visitor, message, size, (slowDown) =>
          this.#read(visitor, message, slowDown),
        );
      case 'now':
        return this.#actInTurn(visitor, message, size, (slowDown) =>
          this.#tellNow(visitor, message.nonce, slowDown),
        );
      case 'ping':
        return this.#send(visitor, { kind: 'pong', id: message.id }, KEEP_ALIVE);
      case 'pong':
        return;
    }
  }

  /**
   * A batch's client must be the key of its link: only then does a budget by key bound anything. The
   * core is read here and by the replica; what cannot be read is the replica's to refuse.
   */
  #takeBatch(visitor: Visitor<Query>, message: Submit, sizeBytes: number): void {
    const { link } = visitor;
    const { batch: signed } = message;
    const core = decode(batchShape, signed.core, this.#limits.frameBytesMax);
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
    visitor: Visitor<Query>,
    { kind }: { readonly kind: ChargedKind },
    sizeBytes: number,
    act: (slowDown: Failure | undefined) => void,
  ): void {
    const { link } = visitor;
    const slowDown = this.#takeToll(visitor, sizeBytes);
    if (slowDown || this.#served.hasSession(link.peer)) return act(slowDown);
    const chore = {
      costMs: costMs(kind, sizeBytes),
      sizeBytes,
      act: () => {
        if (this.#visitors.has(link)) this.#serve(link, kind, () => act(undefined));
      },
    };
    if (this.#newcomers.take(toHex(link.peer), chore)) return;
    const expected = `${this.#limits.newcomersMsPerSecMax} ms/s for keys without a session`;
    act({ code: 'slow_down', expected, actual: 'more waits its turn' });
  }

  /** What one more message of this size costs its client: nothing, or `slow_down`. */
  #takeToll(visitor: Visitor<Query>, size: number): Failure | undefined {
    const nowMs = this.#replica.clockMs();
    const waitMs = Math.max(visitor.messages.take(1, nowMs), visitor.bytes.take(size, nowMs));
    if (waitMs === 0) return undefined;
    const { messagesPerSecMax, bytesPerSecMax } = this.#limits;
    const expected = `at most ${messagesPerSecMax} messages/s and ${bytesPerSecMax} bytes/s`;
    return { code: 'slow_down', expected, actual: `retry after ${waitMs} ms` };
  }

  /** Nobody signs it, so the link it came by pays for what is forged; no answer, like the true ones. */
  #takeUnsigned(visitor: Visitor<Query>, bytes: Uint8Array): void {
    const nowMs = this.#replica.clockMs();
    if (visitor.unsigned.take(1, nowMs) > 0) return;
    const rules = this.#served.unsigned;
    const opened = openUnsigned(bytes, rules?.open);
    if (!opened.ok) return this.#refuseGarbage(visitor, opened.failure);
    const kind = rules?.precheck(opened.value).kind;
    if (kind === 'accept') this.#replica.submitUnsigned(bytes);
    if (kind === 'reject') visitor.unsigned.charge(opened.value.weight, nowMs);
  }

  /**
   * A resend costs the cell nothing: its seq is used up, and here is by what. That may be another batch of
   * this client (R32a), which is just what it has to know.
   */
  #submit(
    visitor: Visitor<Query>,
    { signed, batch }: Arrived,
    slowDown: Failure | undefined,
  ): void {
    const id = batchId(signed.core);
    if (slowDown) return this.#refuse(visitor, id, slowDown);
    const stored = batch && this.#served.receiptOf(batch);
    if (stored) return this.#send(visitor, receiptMessage(stored), PROTOCOL);
    const tag = this.#submissions.remember(visitor.link, id, this.#replica.clockMs());
    this.#replica.submit(encode(signedBatchShape, signed), tag);
  }

  #refuse(visitor: Visitor<Query>, batch: Digest, failure: Failure): void {
    this.#send(visitor, { kind: 'refused', batch, failure }, PROTOCOL);
  }

  #read(visitor: Visitor<Query>, read: Read<Query>, slowDown: Failure | undefined): void {
    if (slowDown) return this.#sendError(visitor, read.request, slowDown);
    const isDue = read.minCommit <= this.#applied.commit || !this.#mayAnswer(read);
    if (isDue) return this.#answer(visitor, read);
    if (visitor.waiting.length < this.#limits.waitingReadsMax) {
      visitor.waiting.push(read);
      return;
    }
    const expected = `at most ${this.#limits.waitingReadsMax} waiting reads`;
    this.#sendError(visitor, read.request, { code: 'slow_down', expected, actual: 'one more' });
  }

  #sendError(visitor: Visitor<Query>, request: number, failure: Failure): void {
    this.#send(visitor, { kind: 'error', request, failure }, PROTOCOL);
  }

  #wakeReads(visitor: Visitor<Query>, commit: number): void {
    if (visitor.waiting.length === 0) return;
    const due = visitor.waiting.filter((read) => read.minCommit <= commit);
    const rest = visitor.waiting.filter((read) => read.minCommit > commit);
    visitor.waiting.splice(0, visitor.waiting.length, ...rest);
    for (const read of due) this.#serve(visitor.link, 'read', () => this.#answer(visitor, read));
  }

  #mayAnswer({ view }: Read<Query>): boolean {
    return view !== 'current' || this.#replica.isCurrent();
  }

  #answer(visitor: Visitor<Query>, read: Read<Query>): void {
    const { request, view, query } = read;
    if (!this.#mayAnswer(read)) return this.#sendError(visitor, request, NOT_CURRENT);
    const answer = this.#served.ask(query, view === 'delivered' ? view : 'committed');
    const { commit } = this.#applied;
    const bytes = encode(this.#said, { kind: 'readResult', request, commit, view, answer });
    this.#charge(visitor, answer, bytes.length);
    if (visitor.link.send(bytes, BULK)) return;
    this.#sendError(visitor, request, unsent(visitor.link, bytes.length));
  }

  /** A long answer costs its client more than the question did. */
  #charge({ messages, bytes }: Visitor<Query>, answer: Answer, size: number): void {
    const nowMs = this.#replica.clockMs();
    messages.charge(Math.floor(this.#served.entriesOf(answer) / ENTRIES_PER_MESSAGE), nowMs);
    bytes.charge(size, nowMs);
  }

  #tellNow(visitor: Visitor<Query>, nonce: Uint8Array, slowDown: Failure | undefined): void {
    if (slowDown) return this.#sendError(visitor, 0, slowDown);
    const { commit, commitTs, leaseClock } = this.#applied;
    const ts = this.#replica.clockMs();
    const { cellId, signer } = this.#parts;
    const reading = { nonce, ts, commit, leaseClock, offset: commitTs - leaseClock };
    this.#send(visitor, signNow(cellId, signer, reading), KEEP_ALIVE);
  }

  #send(visitor: Visitor<Query>, message: GatewayMessageOf<Answer>, priority: Priority): void {
    visitor.link.send(encode(this.#said, message), priority);
  }
}
