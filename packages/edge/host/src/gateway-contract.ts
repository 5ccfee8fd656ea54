import type { Answer, Batch, KeepAlive, Query, View } from '@fatty/api';
import type { Signer } from '@fatty/codec';
import type { CellId, PublicKey, Receipt, Verdict } from '@fatty/interface';

/** The last applied commit. Times in ms. */
export interface AppliedCommit {
  readonly commit: number;
  readonly commitTs: number;
  readonly leaseClock: number;
}

/** What the gateway needs of the replica behind it. */
export interface GatewayBackend {
  readonly cellId: CellId;
  readonly signer: Signer;
  submit(batch: Uint8Array, tag: number): void;
  /** What the committed state says of it; only an accepted one goes on to the replica. */
  keepAlive(keepAlive: KeepAlive): Verdict;
  query(query: Query, view: View): Answer;
  applied(): AppliedCommit;
  /** The key has a session that committed state holds. */
  hasSession(client: PublicKey): boolean;
  /** Runs it later, unless the process ends before. */
  after(delayMs: number, run: () => void): void;
  /** The stored receipt of an applied batch, while it is kept. */
  receiptOf(batch: Batch): Receipt | undefined;
  /** The own clock of the replica (R12a), ms since the Unix epoch: what clients are told. */
  clockMs(): number;
  /** A batch of this gateway was applied this long after it came, ms. */
  latency(ms: number): void;
}

export interface GatewayLimits {
  /** Per client key: batches, reads and clock questions. */
  readonly messagesPerSecMax: number;
  /** Per client key, so that no load delays them; a forged one counts as many as it costs hashes. */
  readonly keepAlivesPerSecMax: number;
  readonly bytesPerSecMax: number;
  /** Work for keys without a live session, all together: ms of the event loop per second. */
  readonly newcomersMsPerSecMax: number;
  /** Largest frame a client may send, bytes. */
  readonly frameBytesMax: number;
  /** Reads of one client that wait for a commit. */
  readonly waitingReadsMax: number;
}

export const GATEWAY_LIMITS: GatewayLimits = {
  messagesPerSecMax: 5_000,
  keepAlivesPerSecMax: 8_192,
  bytesPerSecMax: 64 << 20,
  newcomersMsPerSecMax: 300,
  frameBytesMax: 1_310_720,
  waitingReadsMax: 1_024,
};

/**
 * What a message costs the event loop at most, ms: a batch of a fresh key its admission and two
 * signatures, here and later in every replica (tools/bench/costs.mjs measures it).
 */
const COST_MS = { submit: 3, read: 0.5, now: 0.2 };
/** And by its size. */
const BYTES_PER_MS = 64 << 10;

export type ChargedKind = keyof typeof COST_MS;

/** What a newcomer's message is charged with, ms. */
export function costMs(kind: ChargedKind, sizeBytes: number): number {
  return COST_MS[kind] + sizeBytes / BYTES_PER_MS;
}
