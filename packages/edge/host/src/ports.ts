// The ports of a host: clock, timers, disk, links, verifier. A process gives real ones, a simulator virtual
// ones.
import type { Clock, LogRecord, PublicKey, Verdict } from '@fatty/interface';

/**
 * The end of a write. Undefined: all of it is durable. An error: it may be lost, and the host uses the
 * disk no more. Told once, and never within the call that asked for the write.
 */
export type Written = (failure: Error | undefined) => void;

/** Calls a timer off. After the timer has fired, nothing. */
export type Cancel = () => void;

/** Calls back after a delay. */
export interface Timers {
  /**
   * Runs `act` once, never within this call and not before `delayMs` are over on a clock that nobody
   * sets. Any delay is a whole number of ms from 0 on, however far. What is due at one moment runs in
   * the order in which it was asked for.
   */
  after(delayMs: number, act: () => void): Cancel;
}

/** Appends to the log (R24): order is kept, and a later record is never durable without an earlier one. */
export interface LogPort {
  /** `segment`: of the log, the one that has all of them. Without one the write has failed. */
  append(
    records: readonly LogRecord[],
    written: (failure: Error | undefined, segment?: number) => void,
  ): void;
  /** Deletes the segments below this one, never the newest; after a crash no gap is left. */
  dropBelow(segment: number, written: Written): void;
}

/** Frames (R28): each is there whole or not at all, and the next start reads the newest two that are. */
export interface FramePort {
  write(index: number, frame: FrameBytes, written: Written): void;
  /**
   * A part of the payload of a frame that is there, from an offset. Answers once, never within this call;
   * undefined: there is no such frame, or it is shorter, or it cannot be read.
   */
  read(
    index: number,
    from: number,
    bytes: number,
    answer: (part: Uint8Array | undefined) => void,
  ): void;
}

/** A frame as the replica gives it away, and as it takes it back. */
export interface FrameBytes {
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
}

/** The signer's high-water mark, in a file of its own: the last one written is read at the next start. */
export interface MarkPort {
  write(mark: Uint8Array, written: Written): void;
}

/** A key and its value. */
export interface KvEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A key, and its new value; undefined: the key goes. */
export interface KvWrite {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** Ordered byte-keyed store for what can be derived from the log; empty at every start. */
export interface KvPort {
  /** Of what was written; what is being written may or may not be there. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Keys in [from, to), ascending bytewise, at most `limit`. */
  range(from: Uint8Array, to: Uint8Array, limit: number): Iterable<KvEntry>;
  write(entries: readonly KvWrite[], written: Written): void;
}

/** Answers slow checks. */
export interface VerifierPort {
  /**
   * Answers once, never within this call. `client`: who waits for it; without one a block does, and
   * goes first. No verdict (worker died, queue full) is `undefined`, never a refusal.
   */
  verify(
    job: Uint8Array,
    client: PublicKey | undefined,
    answer: (verdict: Verdict | undefined) => void,
  ): void;
}

/** The world as a host has it; links are the rest of it, see `Driver.linkUp`. */
export interface HostPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: LogPort;
  readonly mark: MarkPort;
  readonly frames: FramePort;
  readonly kv: KvPort;
  readonly verifier: VerifierPort;
}
