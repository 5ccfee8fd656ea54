import {
  type Answer,
  batchId,
  batchShape,
  type ClientMessage,
  decodeClientMessage,
  encodeGatewayMessage,
  type GatewayMessage,
  type KeepAlive,
  requestOf,
  type SignedBatch,
  signedBatchShape,
  signNow,
} from '@fatty/api';
import { decode, encode, equalBytes, toHex } from '@fatty/codec';
import type {
  Applied,
  Digest,
  Failure,
  Link,
  Priority,
  PublicKey,
  Receipt,
} from '@fatty/interface';
import { BULK, KEEP_ALIVE, PROTOCOL } from '@fatty/interface';
import { CLOSE } from '@fatty/network/client';
import { LINKS_MAX } from '@fatty/service';
import { TokenBucket } from './bucket.ts';
import {
  type ChargedKind,
  costMs,
  type GatewayBackend,
  type GatewayLimits,
} from './gateway-contract.ts';
import { Newcomers } from './newcomers.ts';

type Read = Extract<ClientMessage, { kind: 'read' }>;

interface Visitor {
  readonly link: Link;
  readonly messages: TokenBucket;
  readonly keepAlives: TokenBucket;
  readonly bytes: TokenBucket;
  readonly waiting: Read[];
}

function receiptMessage({ batch, session, seq, commit, results }: Receipt): GatewayMessage {
  return { kind: 'receipt', batch, session, seq, commit, results };
}

/** An exception while a message of (or to) one client was served: its kind, and that client's key. */
export type ServingError = (error: unknown, serving: string, client: PublicKey) => void;

/** A batch on its way: the tag comes back with a refusal, the id with the receipt. */
interface Submission {
  readonly tag: number;
  readonly id: Digest;
  readonly link: Link;
  readonly atMs: number;
}

/** So many entries of an answer cost about what another message does. */
const ENTRIES_PER_MESSAGE = 16;

/** What an answer was put together of, besides bytes. */
function entriesOf(answer: Answer): number {
  if (answer.kind === 'list') return answer.entries.length;
  if (answer.kind === 'lock') return answer.holders.length + answer.waiters.length;
  if (answer.kind !== 'session') return 0;
  return answer.holds.length + answer.waits.length + answer.ephemerals.length;
}

/** Refusals of what no program of ours sends: they end the link. */
const FORGED: ReadonlySet<string> = new Set(['bad_batch_signature', 'bad_key']);

/** Submissions remembered at once; of those beyond, the refusal reaches nobody. */
const SUBMISSIONS_MAX = 65_536;

/**
 * One replica's face to its clients. It adds no authority: it relays batches, answers reads of this
 * replica's views, and pushes receipts and notices to every link of the client they belong to, so
 * that a client linked to 2f+1 replicas can believe what f+1 of them say (R32).
 */
export class Gateway {
  readonly #backend: GatewayBackend;
  readonly #limits: GatewayLimits;
  readonly #onError: ServingError;
  readonly #visitors = new Map<Link, Visitor>();
  /** Links by client key: one client may hold several. */
  readonly #byClient = new Map<string, readonly Visitor[]>();
  readonly #byTag = new Map<number, Submission>();
  readonly #byBatch = new Map<string, Submission>();
  readonly #newcomers: Newcomers;
  #nextTag = 1;

  constructor(backend: GatewayBackend, limits: GatewayLimits, onError: ServingError) {
    this.#backend = backend;
    this.#limits = limits;
    this.#onError = onError;
    this.#newcomers = new Newcomers(limits.newcomersMsPerSecMax, {
      nowMs: () => backend.clockMs(),
      after: (delayMs, run) => backend.after(delayMs, run),
    });
  }

  get clients(): number {
    return this.#visitors.size;
  }

  linkUp(link: Link): void {
    const nowMs = this.#backend.clockMs();
    const key = toHex(link.peer);
    const known = this.#byClient.get(key) ?? [];
    const visitor: Visitor = {
      link,
      // A second link of the same key shares the buckets of the first.
      messages: known[0]?.messages ?? new TokenBucket(this.#limits.messagesPerSecMax, nowMs),
      keepAlives: known[0]?.keepAlives ?? new TokenBucket(this.#limits.keepAlivesPerSecMax, nowMs),
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
    const message = decodeClientMessage(bytes, this.#limits.frameBytesMax);
    if (!message.ok) {
      this.#unreadable(visitor, bytes, message.failure);
      return;
    }
    const { kind } = message.value;
    this.#serve(link, kind, () => this.#receive(visitor, message.value, bytes.length));
  }

  /** A read that asks what nobody can answer is answered so; everything else ends the link. */
  #unreadable(visitor: Visitor, bytes: Uint8Array, failure: Failure): void {
    const request = requestOf(bytes, this.#limits.frameBytesMax);
    if (request === undefined) {
      this.#error(visitor, 0, failure);
      visitor.link.close(CLOSE.malformed, failure.code);
      return;
    }
    this.#error(visitor, request, this.#toll(visitor, bytes.length) ?? failure);
  }

  /**
   * What is thrown while one client is served ends its link, and nothing else: neither the others
   * nor the replica. (What the replica throws never comes here: its driver stops it.)
   */
  #serve(link: Link, serving: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#onError(error, serving, link.peer);
      link.close(CLOSE.internal, 'internal_error');
    }
  }

  /** Tells clients what a commit did, then answers the reads that waited for it. */
  committed(commit: number, applied: Pick<Applied, 'receipts' | 'notices'>): void {
    for (const receipt of applied.receipts) {
      this.#settle(receipt);
      this.#tell(receipt.client, receiptMessage(receipt), PROTOCOL);
    }
    for (const { client, session, body } of applied.notices) {
      this.#tell(client, { kind: 'notice', session, commit, body }, KEEP_ALIVE);
    }
    for (const visitor of this.#visitors.values()) this.#wakeReads(visitor, commit);
  }

  refused(tag: number, failure: Failure): void {
    const submission = this.#byTag.get(tag);
    if (!submission) return;
    this.#forget(submission);
    const visitor = this.#visitors.get(submission.link);
    if (!visitor) return;
    this.#serve(submission.link, 'refused', () => this.#refuse(visitor, submission.id, failure));
    if (FORGED.has(failure.code)) submission.link.close(CLOSE.malformed, failure.code);
  }

  #settle(receipt: Receipt): void {
    const submission = this.#byBatch.get(toHex(receipt.batch));
    if (!submission) return;
    this.#backend.latency(Math.max(0, this.#backend.clockMs() - submission.atMs));
    this.#forget(submission);
  }

  #forget({ tag, id }: Submission): void {
    this.#byTag.delete(tag);
    this.#byBatch.delete(toHex(id));
  }

  #tell(client: PublicKey, message: GatewayMessage, priority: Priority): void {
    const visitors = this.#byClient.get(toHex(client));
    if (!visitors) return;
    let bytes: Uint8Array | undefined;
    for (const { link } of visitors) {
      this.#serve(link, message.kind, () => {
        bytes ??= encodeGatewayMessage(message);
        link.send(bytes, priority);
      });
    }
  }

  #receive(visitor: Visitor, message: ClientMessage, size: number): void {
    switch (message.kind) {
      case 'submit':
        return this.#owned(visitor, message.batch, () =>
          this.#charged(visitor, message, size, (slowDown) =>
            this.#submit(visitor, message.batch, slowDown),
          ),
        );
      case 'keepAlive':
        return this.#keepAlive(visitor, message.keepAlive);
      case 'read':
        return this.#charged(visitor, message, size, (slowDown) =>
          this.#read(visitor, message, slowDown),
        );
      case 'now':
        return this.#charged(visitor, message, size, (slowDown) =>
          this.#now(visitor, message.nonce, slowDown),
        );
      case 'ping':
        return this.#send(visitor, { kind: 'pong', id: message.id }, KEEP_ALIVE);
      case 'pong':
        return;
    }
  }

  /** A batch's client must be the key of its link: only then does a budget by key bound anything. */
  #owned({ link }: Visitor, batch: SignedBatch, act: () => void): void {
    const opened = decode(batchShape, batch.core, this.#limits.frameBytesMax);
    if (!opened.ok || equalBytes(opened.value.client, link.peer)) return act();
    link.close(CLOSE.malformed, 'session_not_yours');
  }

  /** Acts when the client may have it done: at once, in a newcomer's turn, or with `slow_down`. */
  #charged(
    visitor: Visitor,
    { kind }: { readonly kind: ChargedKind },
    sizeBytes: number,
    act: (slowDown: Failure | undefined) => void,
  ): void {
    const { link } = visitor;
    const slowDown = this.#toll(visitor, sizeBytes);
    if (slowDown || this.#backend.hasSession(link.peer)) return act(slowDown);
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
  #toll(visitor: Visitor, size: number): Failure | undefined {
    const nowMs = this.#backend.clockMs();
    const waitMs = Math.max(visitor.messages.take(1, nowMs), visitor.bytes.take(size, nowMs));
    if (waitMs === 0) return undefined;
    const { messagesPerSecMax, bytesPerSecMax } = this.#limits;
    const expected = `at most ${messagesPerSecMax} messages/s and ${bytesPerSecMax} bytes/s`;
    return { code: 'slow_down', expected, actual: `retry after ${waitMs} ms` };
  }

  /** Nobody signs it, so the link it came by pays for what is forged; no answer, like the true ones. */
  #keepAlive({ keepAlives }: Visitor, keepAlive: KeepAlive): void {
    const nowMs = this.#backend.clockMs();
    if (keepAlives.take(1, nowMs) > 0) return;
    if (this.#backend.keepAlive(keepAlive).kind === 'reject') keepAlives.charge(LINKS_MAX, nowMs);
  }

  #submit(visitor: Visitor, batch: SignedBatch, slowDown: Failure | undefined): void {
    const id = batchId(batch.core);
    if (slowDown) return this.#refuse(visitor, id, slowDown);
    const stored = this.#storedReceipt(batch, visitor.link.peer);
    if (stored) return this.#send(visitor, receiptMessage(stored), PROTOCOL);
    const tag = this.#remember(visitor.link, id);
    this.#backend.submit(encode(signedBatchShape, batch), tag);
  }

  /** A resend keeps its tag: the replica answers for the first of two equal batches only. */
  #remember(link: Link, id: Digest): number {
    const known = this.#byBatch.get(toHex(id));
    const tag = known?.tag ?? this.#nextTag++;
    const submission = { tag, id, link, atMs: known?.atMs ?? this.#backend.clockMs() };
    this.#byTag.set(tag, submission);
    this.#byBatch.set(toHex(id), submission);
    const oldest = this.#byTag.values().next().value;
    if (this.#byTag.size > SUBMISSIONS_MAX && oldest) this.#forget(oldest);
    return tag;
  }

  /**
   * A resend costs the cell nothing: its seq is used up, and here is by what. That may be another batch of
   * this client (R32a), which is just what it has to know.
   */
  #storedReceipt(batch: SignedBatch, client: PublicKey): Receipt | undefined {
    const opened = decode(batchShape, batch.core, this.#limits.frameBytesMax);
    if (!opened.ok || !equalBytes(opened.value.client, client)) return undefined;
    return this.#backend.receiptOf(opened.value);
  }

  #refuse(visitor: Visitor, batch: Digest, failure: Failure): void {
    this.#send(visitor, { kind: 'refused', batch, failure }, PROTOCOL);
  }

  #read(visitor: Visitor, read: Read, slowDown: Failure | undefined): void {
    if (slowDown) return this.#error(visitor, read.request, slowDown);
    if (read.minCommit <= this.#backend.applied().commit) return this.#answer(visitor, read);
    if (visitor.waiting.length < this.#limits.waitingReadsMax) {
      visitor.waiting.push(read);
      return;
    }
    const expected = `at most ${this.#limits.waitingReadsMax} waiting reads`;
    this.#error(visitor, read.request, { code: 'slow_down', expected, actual: 'one more' });
  }

  #error(visitor: Visitor, request: number, failure: Failure): void {
    this.#send(visitor, { kind: 'error', request, failure }, PROTOCOL);
  }

  #wakeReads(visitor: Visitor, commit: number): void {
    if (visitor.waiting.length === 0) return;
    const due = visitor.waiting.filter((read) => read.minCommit <= commit);
    const rest = visitor.waiting.filter((read) => read.minCommit > commit);
    visitor.waiting.splice(0, visitor.waiting.length, ...rest);
    for (const read of due) this.#serve(visitor.link, 'read', () => this.#answer(visitor, read));
  }

  #answer(visitor: Visitor, read: Read): void {
    const answer = this.#backend.query(read.query, read.view);
    const { commit } = this.#backend.applied();
    const { request, view } = read;
    const bytes = encodeGatewayMessage({ kind: 'readResult', request, commit, view, answer });
    this.#charge(visitor, answer, bytes.length);
    if (visitor.link.send(bytes, BULK)) return;
    this.#error(visitor, request, this.#unsent(visitor.link, bytes.length));
  }

  /** A long answer costs its client more than the question did. */
  #charge({ messages, bytes }: Visitor, answer: Answer, size: number): void {
    const nowMs = this.#backend.clockMs();
    messages.charge(Math.floor(entriesOf(answer) / ENTRIES_PER_MESSAGE), nowMs);
    bytes.charge(size, nowMs);
  }

  /** Why a link did not take an answer: it never will, or its client does not read what is there. */
  #unsent({ messageBytesMax }: Link, size: number): Failure {
    if (size > messageBytesMax) {
      const [expected, actual] = [`at most ${messageBytesMax} bytes`, `${size} bytes`];
      return { code: 'answer_too_large', expected, actual };
    }
    return { code: 'slow_down', expected: 'a client that reads', actual: 'a full link' };
  }

  #now(visitor: Visitor, nonce: Uint8Array, slowDown: Failure | undefined): void {
    if (slowDown) return this.#error(visitor, 0, slowDown);
    const { commit, commitTs, leaseClock } = this.#backend.applied();
    const ts = this.#backend.clockMs();
    const reading = { nonce, ts, commit, leaseClock, offset: commitTs - leaseClock };
    this.#send(visitor, signNow(this.#backend.cellId, this.#backend.signer, reading), KEEP_ALIVE);
  }

  #send(visitor: Visitor, message: GatewayMessage, priority: Priority): void {
    visitor.link.send(encodeGatewayMessage(message), priority);
  }
}
