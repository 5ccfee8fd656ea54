// What the outside gives a replica: verifier, clocks, randomness, log, stores, links.
import type { PublicKey } from './bytes.ts';
import type { Verdict } from './verdict.ts';

/** Answers slow checks. `undefined` means no verdict (worker died, queue full): ask again, never a refusal. */
export interface Verifier {
  /** `client`: who waits for it; without one a block does, and goes first. The caller keeps `job`. */
  verify(job: Uint8Array, client?: PublicKey): Promise<Verdict | undefined>;
  close(): Promise<void>;
}

/** Wall clock in ms since the Unix epoch and a monotonic clock in ms, for the edge packages only. */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
}

/** Seeded randomness: uint32 per call. */
export interface Rng {
  nextUint32(): number;
}

/** One record of the append-only log. `type` is a small integer of the writer's choosing (1..255). */
export interface LogRecord {
  readonly type: number;
  readonly body: Uint8Array;
}

/** A record in its place. A log is cut into segments, numbered ascending, that go as a whole. */
export interface PlacedRecord extends LogRecord {
  readonly segment: number;
}

/** Durable append-only log (R24), of which the oldest segments may go. */
export interface LogStore {
  /**
   * Resolves when every record is on disk, with the segment that has them all; concurrent calls share one
   * datasync, order is kept.
   */
  append(records: readonly LogRecord[]): Promise<number>;
  /** Every record that is left, in order. A torn tail is truncated; an error in mid-log throws {@link Error} `log_corrupt`. */
  replay(): AsyncIterable<PlacedRecord>;
  /** Deletes the segments below this one, the oldest first; never the one that is written to. Resolves when they are gone for good. */
  dropBelow(segment: number): Promise<void>;
  close(): Promise<void>;
}

/** Ordered byte-keyed store for state and indexes; derived data only, rebuilt from the log when lost. */
export interface KvStore {
  get(key: Uint8Array): Uint8Array | undefined;
  /** Atomic; `value: undefined` deletes. Resolves when durable. */
  write(
    entries: readonly { readonly key: Uint8Array; readonly value: Uint8Array | undefined }[],
  ): Promise<void>;
  /** Keys in [from, to), ascending bytewise, at most `limit`. */
  range(
    from: Uint8Array,
    to: Uint8Array,
    limit: number,
  ): Iterable<{ key: Uint8Array; value: Uint8Array }>;
  close(): Promise<void>;
}

/** Small fsynced cell for the signer's high-water mark (R24, R26): reads undefined when never written. */
export interface MarkStore {
  read(): Promise<Uint8Array | undefined>;
  write(mark: Uint8Array): Promise<void>;
}

/** Send-queue class: a lower number leaves first; keep-alives must not wait behind bulk data. */
export type Priority = 0 | 1 | 2;
/** Priority of a {@link Link}'s messages: first, for what keeps links and sessions alive. */
export const KEEP_ALIVE: Priority = 0;
/** Second: blocks, batches, answers. */
export const PROTOCOL: Priority = 1;
/** Last: long answers about the past. */
export const BULK: Priority = 2;

/** What the other end of a link proved to be. */
export type Role = 'replica' | 'client';

/** An authenticated, ordered, message-framed connection. */
export interface Link {
  readonly peer: PublicKey;
  readonly role: Role;
  /** The longest message that the peer takes, bytes. */
  readonly messageBytesMax: number;
  /** False: it was dropped, for it is too long, the bounded queue is full, or the link has ended. */
  send(message: Uint8Array, priority: Priority): boolean;
  /** `code`: one of `CLOSE`. */
  close(code: number, reason: string): void;
}

/** Callbacks of a transport; every message is a complete canonical frame. */
export interface LinkHandler {
  up(link: Link): void;
  message(link: Link, message: Uint8Array): void;
  down(link: Link, code: number, reason: string): void;
}
