// A simulated disk.
import type { FrameBytes } from '@fatty/host';
import type { LogRecord, PlacedRecord } from '@fatty/interface';
import { FrameFiles, type KeptFrame } from './frame-files.ts';
import type { SeededRng } from './rng.ts';

/** How long a datasync takes, in ms of virtual time. */
export interface DiskOptions {
  readonly syncMsMin: number;
  readonly syncMsMax: number;
  /**
   * False: opening takes what it reads for durable. That is a mistake, and the checkers must notice
   * it.
   */
  readonly syncsAtOpen?: boolean;
}

/** What a disk has for good at one moment. */
export interface DiskCopy {
  readonly synced: readonly PlacedRecord[];
  readonly mark: Uint8Array | undefined;
  readonly frames: readonly KeptFrame[];
}

/** Records in a segment of the log: so few that short worlds have many. */
const SEGMENT_RECORDS = 32;

interface Write {
  readonly records: readonly PlacedRecord[];
  readonly segment: number;
  readonly done: (segment: number) => void;
}

/**
 * One replica's disk: an append-only log with one datasync in flight and everything else queued
 * behind it (group commit), and a signer mark in a file of its own that is synced in parallel.
 * What was not synced when the power goes is lost, except for a prefix that happened to be written.
 */
export class Disk {
  synced: PlacedRecord[] = [];
  mark: Uint8Array | undefined;
  /**
   * Written by a process that was killed, and not synced: the next process reads it, and a power
   * cut takes it away.
   */
  #cached: PlacedRecord[] = [];
  #cachedMarks: Uint8Array[] = [];

  readonly #options: DiskOptions;
  readonly #rng: SeededRng;
  readonly #after: (delayMs: number, run: () => void) => void;
  #queued: Write[] = [];
  #inFlight: Write[] = [];
  #marks: { mark: Uint8Array; done: () => void }[] = [];
  #markBusy = false;
  #life = 0;
  readonly #frames: FrameFiles;
  /** Of the next record. */
  #segment = 1;
  #inSegment = 0;
  /** Segments that are gone. */
  dropped = 0;
  /** By how much each datasync takes longer at present, ms. */
  slowedMs = 0;

  constructor(
    options: DiskOptions,
    rng: SeededRng,
    after: (delayMs: number, run: () => void) => void,
  ) {
    this.#options = options;
    this.#rng = rng;
    this.#after = after;
    this.#frames = new FrameFiles(rng, (run) => after(this.#delay(), run));
  }

  /** The longest that a datasync takes, ms. */
  get slowestMs(): number {
    return this.#options.syncMsMax;
  }

  /** Calls `done` once the records are durable, and all that was appended before them. */
  append(records: readonly LogRecord[], done: (segment: number) => void): void {
    if (this.#inSegment >= SEGMENT_RECORDS) {
      this.#segment += 1;
      this.#inSegment = 0;
    }
    this.#inSegment += records.length;
    const segment = this.#segment;
    const placed = records.map((record) => ({ ...record, segment }));
    this.#queued.push({ records: placed, segment, done });
    this.#startSync();
  }

  /** Calls `done` when the segments below this one are gone; a crash may keep them. */
  dropBelow(segment: number, done: () => void): void {
    const life = this.#life;
    this.#after(this.#delay(), () => {
      if (life !== this.#life) return;
      const kept = this.synced.filter((record) => record.segment >= segment);
      this.dropped += new Set(this.synced.map((record) => record.segment)).size;
      this.synced = kept;
      this.dropped -= new Set(kept.map((record) => record.segment)).size;
      done();
    });
  }

  /** Calls `done` once the frame is durable. */
  writeFrame(index: number, frame: FrameBytes, done: () => void): void {
    this.#frames.write(index, frame, done);
  }

  /** As `FramePort.read`, at once. */
  readFrame(index: number, from: number, bytes: number): Uint8Array | undefined {
    return this.#frames.readPart(index, from, bytes);
  }

  /** Calls `done` once this mark, or a later one, is durable. */
  writeMark(mark: Uint8Array, done: () => void): void {
    this.#marks.push({ mark, done });
    this.#startMark();
  }

  /** A process starts and reads what is there; what it reads is durable from then on. */
  open(): {
    readonly records: readonly PlacedRecord[];
    readonly mark: Uint8Array | undefined;
    /** The newest first. */
    readonly frames: readonly FrameBytes[];
  } {
    if (this.#options.syncsAtOpen !== false) {
      this.#syncCache();
      this.mark = this.#cachedMarks.pop() ?? this.mark;
      this.#cachedMarks = [];
    }
    return {
      records: [...this.synced, ...this.#cached],
      mark: this.#cachedMarks.at(-1) ?? this.mark,
      frames: this.#frames.found,
    };
  }

  /** What is durable now. */
  copy(): DiskCopy {
    return { synced: [...this.synced], mark: this.mark, frames: this.#frames.kept };
  }

  /** While no process runs: everything is as it was then. */
  putBack({ synced, mark, frames }: DiskCopy): void {
    this.synced = [...synced];
    this.mark = mark;
    this.#cached = [];
    this.#cachedMarks = [];
    this.#frames.putBack(frames);
  }

  /** The process dies, or the power goes when it is dead already. Answers how many records are lost. */
  crash(power: boolean): number {
    const writes = [...this.#inFlight, ...this.#queued];
    this.#cached.push(...writes.flatMap((write) => write.records));
    this.#cachedMarks.push(...this.#marks.map(({ mark }) => mark));
    const lost = power ? this.#losePower() : 0;
    this.#frames.crash();
    this.#life += 1;
    this.#queued = [];
    this.#inFlight = [];
    this.#marks = [];
    this.#markBusy = false;
    return lost;
  }

  /**
   * Of what nobody synced, a prefix happens to be on disk. The mark happens to be there, or not.
   */
  #losePower(): number {
    const kept = this.#rng.below(this.#cached.length + 1);
    const lost = this.#cached.length - kept;
    this.synced.push(...this.#cached.slice(0, kept));
    const marks = this.#cachedMarks.slice(0, this.#rng.below(this.#cachedMarks.length + 1));
    this.mark = marks.at(-1) ?? this.mark;
    this.#cached = [];
    this.#cachedMarks = [];
    return lost;
  }

  /** A datasync takes along all that was written to the log before. */
  #syncCache(): void {
    this.synced.push(...this.#cached);
    this.#cached = [];
  }

  #delay(): number {
    const { syncMsMin, syncMsMax } = this.#options;
    return this.slowedMs + this.#rng.between(syncMsMin, syncMsMax);
  }

  #startSync(): void {
    if (this.#inFlight.length > 0 || this.#queued.length === 0) return;
    this.#inFlight = this.#queued;
    this.#queued = [];
    const life = this.#life;
    this.#after(this.#delay(), () => {
      if (life !== this.#life) return;
      const writes = this.#inFlight;
      this.#inFlight = [];
      this.#syncCache();
      for (const write of writes) this.synced.push(...write.records);
      for (const write of writes) write.done(write.segment);
      this.#startSync();
    });
  }

  #startMark(): void {
    if (this.#markBusy || this.#marks.length === 0) return;
    this.#markBusy = true;
    const life = this.#life;
    const count = this.#marks.length;
    this.#after(this.#delay(), () => {
      if (life !== this.#life) return;
      const written = this.#marks.splice(0, count);
      this.#markBusy = false;
      this.mark = written.at(-1)?.mark ?? this.mark;
      this.#cachedMarks = [];
      for (const one of written) one.done();
      this.#startMark();
    });
  }
}
