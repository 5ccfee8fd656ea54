// Test helper: a gateway with a fake replica behind it.
import {
  type Answer,
  answerShape,
  decodeGatewayMessage,
  type GatewayMessage,
  type Query,
  queryShape,
} from '@fatty/api';
import { ACCEPT, asCellId, asSessionId, decode } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import {
  BULK,
  type Failure,
  type Link,
  type Priority,
  type Receipt,
  type Unsigned,
  type UnsignedRules,
  type Verdict,
} from '@fatty/interface';
import { type Batch, batchId, type StateView, signedBatchShape } from '@fatty/protocol';
import { openKeepAlive } from '@fatty/sessions';
import {
  type AppliedCommit,
  type EpochChain,
  GATEWAY_LIMITS,
  type GatewayLimits,
  type GatewayReplica,
  type Served,
  type WatchRules,
} from '../src/gateway/contract.ts';
import { Gateway, type ServingError } from '../src/gateway/gateway.ts';

export const scheme = nodeScheme();
export const signerOf = (n: number) => scheme.signer(new Uint8Array(32).fill(n));
export const REPLICA = signerOf(1);
export const ALICE = signerOf(2);
export const BOB = signerOf(3);
export const CELL = asCellId(new Uint8Array(32).fill(9));
export const SESSION = asSessionId(new Uint8Array(32).fill(7));

interface Heard {
  readonly message: GatewayMessage;
  readonly priority: Priority;
}

/** Hears everything, unless it is told to be short or full. */
export class FakeLink implements Link {
  readonly role = 'client' as const;
  readonly peer;
  readonly heard: Heard[] = [];
  messageBytesMax = 1 << 22;
  /** Of the bulk class. */
  isFull = false;
  closed: { code: number; reason: string } | undefined;
  constructor(signer = ALICE) {
    this.peer = signer.publicKey;
  }
  send(bytes: Uint8Array, priority: Priority): boolean {
    if (bytes.length > this.messageBytesMax || (this.isFull && priority === BULK)) return false;
    const message = decodeGatewayMessage(bytes, 1 << 22);
    if (!message.ok) throw new Error(message.failure.code);
    this.heard.push({ message: message.value, priority });
    return true;
  }
  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }
  take(): GatewayMessage[] {
    return this.heard.splice(0).map(({ message }) => message);
  }
}

/** A replica and an algorithm that answer whatever the test puts there. */
export class FakeBackend implements GatewayReplica, Served<Query, Answer> {
  readonly query = queryShape;
  readonly submitted: number[] = [];
  readonly beats: Unsigned[] = [];
  epochs: EpochChain = { epoch: 0, links: [] };
  chain(): EpochChain {
    return this.epochs;
  }
  beat: Verdict = ACCEPT;
  readonly queries: [Query, StateView][] = [];
  readonly answer = answerShape;
  says: Answer = {
    kind: 'error',
    code: 'not_found',
    expected: 'a node',
    actual: 'none',
    waitMs: undefined,
  };
  readonly watched?: WatchRules;
  readonly latencies: number[] = [];
  readonly receipts = new Map<number, Receipt>();
  nowMs = 1_000_000;
  /** Ids of those. */
  readonly batches: Uint8Array[] = [];
  submit(bytes: Uint8Array, tag: number): void {
    this.submitted.push(tag);
    const signed = decode(signedBatchShape, bytes, 1 << 22);
    if (signed.ok) this.batches.push(batchId(signed.value.core));
  }
  refusal: Failure | undefined;
  refuseProof(): Failure | undefined {
    return this.refusal;
  }
  readonly asked: { question: Uint8Array; minCommit: number; tag: number }[] = [];
  prove(question: Uint8Array, minCommit: number, tag: number): void {
    this.asked.push({ question, minCommit, tag });
  }
  readonly taken: Uint8Array[] = [];
  submitUnsigned(bytes: Uint8Array): void {
    this.taken.push(bytes);
  }
  readonly unsigned: UnsignedRules = {
    open: openKeepAlive,
    precheck: (message) => {
      this.beats.push(message);
      return this.beat;
    },
    hasReached: () => true,
  };
  ask(query: Query, view: StateView): Answer {
    this.queries.push([query, view]);
    return this.says;
  }
  entriesOf(answer: Answer): number {
    return answer.kind === 'list' ? answer.entries.length : 0;
  }
  /** Whether keys have a session. */
  isKnown: (client: Uint8Array) => boolean = () => true;
  readonly timers: { readonly atMs: number; readonly run: () => void }[] = [];
  hasSession(client: Uint8Array): boolean {
    return this.isKnown(client);
  }
  after(delayMs: number, run: () => void): () => void {
    this.timers.push({ atMs: this.nowMs + delayMs, run });
    return () => undefined;
  }
  /** Lets time pass, timer by timer. */
  pass(forMs: number): void {
    const endMs = this.nowMs + forMs;
    for (;;) {
      this.timers.sort((a, b) => a.atMs - b.atMs);
      const next = this.timers[0];
      if (next === undefined || next.atMs > endMs) break;
      this.timers.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = endMs;
  }
  receiptOf(batch: Batch): Receipt | undefined {
    return this.receipts.get(batch.seq);
  }
  clockMs(): number {
    return this.nowMs;
  }
  current = true;
  isCurrent(): boolean {
    return this.current;
  }
}

/** A gateway before this replica, at commit 10. */
export function gatewayOf(
  backend: Pick<FakeBackend, keyof GatewayReplica | keyof Served<Query, Answer> | 'after'> &
    Partial<Pick<FakeBackend, 'latencies'>>,
  limits: Partial<GatewayLimits> = {},
  onError: ServingError = (error) => {
    throw error;
  },
): Gateway<Query, Answer> {
  const gateway = new Gateway({
    cellId: CELL,
    signer: REPLICA,
    replica: backend,
    served: backend,
    timers: backend,
    limits: { ...GATEWAY_LIMITS, ...limits },
    onError,
    onLatency: (ms) => backend.latencies?.push(ms),
  });
  gateway.resume(commitAt(10));
  return gateway;
}

export const commitAt = (commit: number): AppliedCommit => ({
  commit,
  commitTs: 5_000,
  leaseClock: 3_000,
});
