// Persist before send (R24): the log and the signer's mark.
import type { Block } from '@fatty/broadcast';
import {
  cellId,
  decode,
  encode,
  equalBytes,
  fail,
  ok,
  record,
  type Shape,
  u16,
  u32,
  u53,
} from '@fatty/codec';
import type { CellId, LogRecord, Outcome } from '@fatty/interface';
import type { Committee } from '@fatty/protocol';
import type { IndexedBlock } from '../boundary/contract.ts';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { Bodies } from '../catchup/bodies.ts';
import type { OwnClock } from '../cell/clock.ts';

/** R24: record types of the log. */
export const RECORD_BLOCK = 1;
/** R24: the record that says whose log it is. */
export const RECORD_OWNER = 2;
/** A vote of this replica (R27). */
export const RECORD_VOTE = 3;
/** Evidence against a member (R27b). */
export const RECORD_ACCUSATION = 4;

/** First record of a log: whose it is. Another replica's log must not be taken for one's own. */
interface Owner {
  readonly cellId: CellId;
  readonly epoch: number;
  readonly author: number;
}

/** Canonical bytes of a log's first record. */
export const ownerShape: Shape<Owner> = record({ cellId, epoch: u32, author: u16 });

/**
 * R24, R26: the signer's high-water mark. `round` is the highest round that may have been signed;
 * `durable` is the own round that was durable, and perhaps sent, when the mark was written. The log
 * may lack `round`: the power went before its datasync returned, so it was never sent and may be
 * signed again. A log that lacks `durable` has lost what others have seen. No mark is below the one
 * before it, field by field: the store refuses a lower one.
 */
export interface SignerMark {
  readonly epoch: number;
  readonly round: number;
  readonly durable: number;
  readonly commitIndex: number;
}

/** Canonical bytes of a signer mark. */
export const signerMarkShape: Shape<SignerMark> = record({
  epoch: u32,
  round: u32,
  durable: u32,
  commitIndex: u53,
});

const MARK_BYTES_MAX = 64;

/** Reads a signer mark. Codes of `decode`. */
export function decodeMark(mark: Uint8Array): Outcome<SignerMark> {
  return decode(signerMarkShape, mark, MARK_BYTES_MAX);
}

/** A write that is on its way to the disk. */
interface Flight {
  readonly token: number;
  readonly own: Block | undefined;
  /** Of its records. */
  readonly bytes: number;
}

/** What Persistence needs of its replica. */
export interface PersistencePort {
  readonly bodies: Bodies;
  readonly cellId: CellId;
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly me: number;
  readonly out: Outbox;
  readonly timers: Timers;
  readonly tuning: Tuning;
}

/**
 * Persist before send (R24). One persist is in flight; what comes meanwhile goes with the next.
 * Received blocks wait for the own block that references them and share its datasync.
 */
export class Persistence {
  readonly #port: PersistencePort;
  #records: LogRecord[] = [];
  #index: IndexedBlock[] = [];
  #bytes = 0;
  /** When what was given so far is written by itself, for somebody waits for it. */
  #dueMs = Number.POSITIVE_INFINITY;
  #token = 0;
  #inFlight: Flight | undefined;
  #own: Block | undefined;
  #durableRound = 0;
  #durableAtMs = 0;
  #owned = false;
  /** The mark on disk, or on its way there. */
  #mark: SignerMark | undefined;

  constructor(port: PersistencePort) {
    this.#port = port;
  }

  get isBusy(): boolean {
    return this.#inFlight !== undefined;
  }

  /** Own round that may have been sent. */
  get durableRound(): number {
    return this.#durableRound;
  }

  /** Highest own round that is written or on its way to the disk. */
  get writtenRound(): number {
    return Math.max(this.#durableRound, this.#inFlight?.own?.ref.round ?? 0);
  }

  /** The newest own block that is durable. */
  get own(): Block | undefined {
    return this.#own;
  }

  /** The write after which all that was given so far is durable; 0 when it is. */
  get lastToken(): number {
    if (this.#records.length > 0) return this.#token + 1;
    return this.isBusy ? this.#token : 0;
  }

  /** Somebody waits for what was given so far, and for no own block. */
  expedite(): void {
    if (this.#records.length > 0) this.#dueMs = this.#port.clock.runningMs;
  }

  /** An accepted block of somebody else. */
  queue(block: Block): void {
    this.#records.push({ type: RECORD_BLOCK, body: block.bytes });
    this.#index.push({ epoch: block.header.epoch, ref: block.ref, bytes: block.bytes });
    this.#bytes += block.bytes.length;
  }

  /**
   * A record that somebody waits for. It goes with the next own block, or by itself `markDelayMs` later: a
   * write of its own would keep a block that comes meanwhile waiting. Answers the token of that write.
   */
  log(record: LogRecord): number {
    const { clock, tuning } = this.#port;
    this.#records.push(record);
    this.#dueMs = Math.min(this.#dueMs, clock.runningMs + tuning.markDelayMs);
    return this.#token + 1;
  }

  /** Logs the own block with everything it references; `persisted` answers when it may be sent. */
  writeOwn(block: Block, commitIndex: number): void {
    this.queue(block);
    this.#write(block, this.#raiseMark(block.ref.round, commitIndex));
  }

  /**
   * R26: the mark written with an own block cannot say that the block is durable. The next one does;
   * when none comes within `markDelayMs`, or `atOnce`, the mark is written again by itself. Without
   * that, a log restored from before the last own block would look like a write that was cut off.
   */
  tendMark(commitIndex: number | undefined, atOnce: boolean): void {
    const nowMs = this.#port.clock.runningMs;
    const { timers, tuning } = this.#port;
    if (this.isBusy || commitIndex === undefined) return;
    if ((this.#mark?.durable ?? 0) >= this.#durableRound) return;
    const dueMs = this.#durableAtMs + tuning.markDelayMs;
    if (atOnce || nowMs >= dueMs) this.#write(undefined, this.#raiseMark(0, commitIndex));
    else timers.want('markDue', dueMs);
  }

  /**
   * Logs what was received, when it is much or was waited for long enough and there is no own block to go
   * with. A mark that is behind goes along (R26), or it would wait for this write; without `commitIndex` none
   * may be written.
   */
  flushIfDue(commitIndex: number | undefined): void {
    const { clock, timers, tuning } = this.#port;
    if (this.isBusy) return;
    if (this.#bytes <= tuning.unloggedBytesMax && clock.runningMs < this.#dueMs) {
      if (this.#dueMs !== Number.POSITIVE_INFINITY) timers.want('markDue', this.#dueMs);
      return;
    }
    const isBehind = (this.#mark?.durable ?? 0) < this.#durableRound;
    const marks = isBehind && commitIndex !== undefined;
    this.#write(undefined, marks ? this.#raiseMark(0, commitIndex) : undefined);
  }

  /** Answers what is durable now: an own block, perhaps, and how much in all. */
  persisted(token: number): Omit<Flight, 'token'> {
    if (this.#inFlight?.token !== token) return { own: undefined, bytes: 0 };
    const { own, bytes } = this.#inFlight;
    this.#inFlight = undefined;
    if (own) {
      this.#own = own;
      this.#durableRound = own.ref.round;
      this.#durableAtMs = this.#port.clock.runningMs;
    }
    return { own, bytes };
  }

  /** The mark of an earlier life. One of an earlier epoch says nothing about this one. */
  restoredMark(mark: SignerMark): void {
    if (mark.epoch === this.#port.committee.epoch) this.#mark = mark;
  }

  /** An own block found in the log, or beside a frame. */
  restoredOwn(block: Block): void {
    const { round } = block.ref;
    if (round < this.#durableRound) return;
    this.#own = block;
    this.#durableRound = round;
  }

  /** The frame that the log follows says whose it is: the segment that did may be gone. */
  restoredFrame(): void {
    this.#owned = true;
  }

  /** What another epoch has written stands in the same log, under its own number. Code `foreign_log`. */
  restoredOwner(body: Uint8Array): Outcome<true> {
    const { me, cellId: cell, committee } = this.#port;
    const owner = decode(ownerShape, body, body.length);
    const isOurs = owner.ok && equalBytes(owner.value.cellId, cell);
    if (isOurs && owner.value.epoch !== committee.epoch) return ok(true);
    this.#owned = true;
    if (equalBytes(body, this.#owner())) return ok(true);
    return fail('foreign_log', `the log of replica ${me} of this cell`, 'another log');
  }

  #raiseMark(round: number, commitIndex: number): Uint8Array {
    const last = this.#mark;
    // After a crash the log, and with it the commits, may end before what the mark was written for.
    this.#mark = {
      epoch: this.#port.committee.epoch,
      round: Math.max(round, this.#durableRound, last?.round ?? 0),
      durable: this.#durableRound,
      commitIndex: Math.max(commitIndex, last?.commitIndex ?? 0),
    };
    return encode(signerMarkShape, this.#mark);
  }

  #owner(): Uint8Array {
    const { committee, cellId, me } = this.#port;
    const owner = { cellId, epoch: committee.epoch, author: me };
    return encode(ownerShape, owner);
  }

  #write(own: Block | undefined, mark: Uint8Array | undefined): void {
    const { out, bodies } = this.#port;
    const records = this.#records;
    if (!this.#owned) records.unshift({ type: RECORD_OWNER, body: this.#owner() });
    this.#owned = true;
    out.push({ kind: 'index', blocks: this.#index });
    for (const { ref } of this.#index) bodies.indexed(ref);
    this.#token++;
    const bytes = records.reduce((sum, { body }) => sum + body.length, 0);
    this.#inFlight = { token: this.#token, own, bytes };
    out.push({ kind: 'persist', token: this.#token, records, mark });
    this.#records = [];
    this.#index = [];
    this.#bytes = 0;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }
}
