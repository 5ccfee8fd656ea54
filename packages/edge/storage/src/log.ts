// The append-only log.
import { randomBytes } from 'node:crypto';
import type { LogRecord, LogStore, PlacedRecord } from '@fatty/interface';
import { type Crc, loadCrc } from './crc.ts';
import { messageOf, StorageError } from './errors.ts';
import { type Files, nodeFiles, type StoredFile } from './files.ts';
import type { Patience } from './patience.ts';
import {
  decodeHeader,
  encodeGroup,
  encodeHeader,
  HEADER_BYTES,
  recordBytes,
  type SegmentHeader,
  SegmentReader,
} from './segment.ts';
import { tailOf } from './torn-tail.ts';

/** What may be said of a log. */
export interface LogOptions {
  /** A new file is begun when one is this large, bytes. Default 16 MiB. */
  readonly segmentBytesMax?: number;
  /** Most bytes that share one datasync (one `append` is never split). Default 4 MiB. */
  readonly groupBytesMax?: number;
  /** Largest record body, bytes. Default 8 MiB. Beyond: `bad_record`. */
  readonly recordBytesMax?: number;
  /**
   * Zeros written ahead of the log, bytes. Default 256 KiB, 0 turns it off. A datasync inside them
   * need not record a new file size, which halves its slowest cases on ext4.
   */
  readonly aheadBytes?: number;
  /** The disk. Default the real one. */
  readonly files?: Files;
  /** Waits for room on a full disk. Default: a full disk is a failed write. */
  readonly patience?: Pick<Patience, 'attempt'>;
  /** Unpredictable bytes for the salt of a segment. Default node:crypto. */
  readonly random?: (size: number) => Uint8Array;
}

type Limits = Required<LogOptions>;

const DEFAULTS: Limits = {
  segmentBytesMax: 16 * 1024 * 1024,
  groupBytesMax: 4 * 1024 * 1024,
  recordBytesMax: 8 * 1024 * 1024,
  aheadBytes: 256 * 1024,
  files: nodeFiles,
  patience: { attempt: (write) => write() },
  random: (size) => randomBytes(size),
};

interface Waiting {
  readonly records: readonly LogRecord[];
  readonly bytes: number;
  resolve(segment: number): void;
  reject(error: Error): void;
}

/** The open segment: groups go in at `end`; up to `zeroed` the file already holds zeros. */
interface Head {
  readonly header: SegmentHeader;
  readonly file: StoredFile;
  end: number;
  zeroed: number;
  nextGroup: number;
}

const nameOf = (segment: number): string => `${String(segment).padStart(6, '0')}.log`;

const corrupt = (segment: number, actual: string): StorageError =>
  new StorageError('log_corrupt', `what was written to ${nameOf(segment)}`, actual);

/**
 * Append-only log in DIR/NNNNNN.log (R24). One `append` is atomic across a crash: all its records
 * come back or none does. One datasync is in flight at a time and covers all that queued up behind
 * the one before. Segments may be dropped, the oldest first. After a failed write or datasync nothing is accepted any more (`log_failed`): the
 * kernel may have dropped the pages, so a second datasync that succeeds proves nothing.
 * By hand: a database does not share one datasync among all that waits, nor tell a torn tail from damage.
 */
class SegmentedLog implements LogStore {
  readonly #folder: string;
  readonly #limits: Limits;
  readonly #crc: Crc;
  #head: Head;
  /** The oldest segment that is left. */
  #first: number;
  #queue: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #broken: StorageError | undefined;
  #closed = false;

  constructor(folder: string, limits: Limits, crc: Crc, first: number, head: Head) {
    this.#first = first;
    this.#folder = folder;
    this.#limits = limits;
    this.#crc = crc;
    this.#head = head;
  }

  append(records: readonly LogRecord[]): Promise<number> {
    const refusal = this.#refusal(records);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (records.length === 0 && this.#writing === undefined) {
      return Promise.resolve(this.#head.header.segment);
    }
    const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
    return new Promise((resolve, reject) => {
      this.#queue.push({ records, bytes, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async *replay(): AsyncGenerator<PlacedRecord> {
    // What is durable now is what a replay sees, whatever is appended meanwhile.
    const { header, end } = this.#head;
    let nextGroup: number | undefined;
    for (let segment = this.#first; segment <= header.segment; segment++) {
      const last = segment === header.segment;
      const bytes = await this.#limits.files.read(`${this.#folder}/${nameOf(segment)}`);
      const reader = open(last ? bytes.subarray(0, end) : bytes, segment, nextGroup, this.#crc);
      for (let group = reader.next(); group !== undefined; group = reader.next()) {
        // A view would keep the whole segment in memory for as long as one record lives.
        for (const { type, body } of group) yield { type, body: body.slice(), segment };
      }
      if (tailOf(reader) !== 'clean') throw corrupt(segment, `a flaw at byte ${reader.end}`);
      nextGroup = reader.nextGroup;
    }
  }

  async dropBelow(segment: number): Promise<void> {
    const { files } = this.#limits;
    const end = Math.min(segment, this.#head.header.segment);
    while (this.#first < end) {
      // One for good after the other: a crash leaves no gap.
      await files.remove(`${this.#folder}/${nameOf(this.#first)}`);
      await files.syncFolder(this.#folder);
      this.#first++;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing;
    await this.#head.file.close();
  }

  #refusal(records: readonly LogRecord[]): StorageError | undefined {
    if (this.#closed) return new StorageError('log_closed', 'an open log', 'a closed one');
    if (this.#broken !== undefined) return this.#broken;
    const { recordBytesMax } = this.#limits;
    for (const { type, body } of records) {
      if (!Number.isInteger(type) || type < 1 || type > 255) {
        return new StorageError('bad_record', 'type 1..255', String(type));
      }
      if (body.length > recordBytesMax) {
        return new StorageError('bad_record', `${recordBytesMax} bytes`, `${body.length} bytes`);
      }
    }
    return undefined;
  }

  async #writeAll(): Promise<void> {
    // Whatever is appended in this turn of the event loop shares the first datasync.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const group = this.#take();
      try {
        await this.#limits.patience.attempt(() => this.#write(group));
      } catch (error) {
        this.#break(error, group);
        break;
      }
      for (const waiting of group) waiting.resolve(this.#head.header.segment);
    }
    this.#writing = undefined;
  }

  #take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      bytes += waiting.bytes;
      if (count > 0 && bytes > this.#limits.groupBytesMax) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const { segmentBytesMax, aheadBytes } = this.#limits;
    if (this.#head.end >= segmentBytesMax) await this.#roll();
    const head = this.#head;
    const records = group.flatMap((waiting) => waiting.records);
    const bytes = encodeGroup(records, head.nextGroup, head.header.salt, this.#crc);
    const end = head.end + bytes.length;
    let written = bytes;
    if (end > head.zeroed) {
      written = new Uint8Array(bytes.length + aheadBytes);
      written.set(bytes);
    }
    await head.file.writeDurably(written, head.end);
    head.zeroed = Math.max(head.zeroed, head.end + written.length);
    head.end = end;
    head.nextGroup++;
  }

  async #roll(): Promise<void> {
    const { header, file, nextGroup } = this.#head;
    this.#head = await begin(this.#folder, header.segment + 1, nextGroup, this.#limits, this.#crc);
    await file.close();
  }

  #break(error: unknown, group: readonly Waiting[]): void {
    this.#broken = new StorageError('log_failed', 'a durable write', messageOf(error), error);
    for (const waiting of [...group, ...this.#queue]) waiting.reject(this.#broken);
    this.#queue = [];
  }
}

/** A reader over a segment whose header fits its place; throws `log_corrupt`. */
function open(
  bytes: Uint8Array,
  segment: number,
  firstGroup: number | undefined,
  crc: Crc,
): SegmentReader {
  const header = decodeHeader(bytes, crc);
  if (header === undefined) throw corrupt(segment, 'no valid header');
  if (header.segment !== segment) throw corrupt(segment, `segment ${header.segment}`);
  if (firstGroup !== undefined && header.firstGroup !== firstGroup) {
    throw corrupt(segment, `group ${header.firstGroup} after group ${firstGroup - 1}`);
  }
  return new SegmentReader(bytes, header, crc);
}

/** Creates a segment: file and folder entry are durable before anything goes in. */
async function begin(
  folder: string,
  segment: number,
  firstGroup: number,
  { files, random }: Limits,
  crc: Crc,
): Promise<Head> {
  const header: SegmentHeader = { segment, firstGroup, salt: random(8) };
  const file = await files.open(`${folder}/${nameOf(segment)}`);
  await file.write(encodeHeader(header, crc), 0);
  await file.datasync();
  await files.syncFolder(folder);
  return { header, file, end: HEADER_BYTES, zeroed: HEADER_BYTES, nextGroup: firstGroup };
}

/** Numbers of the segments in a folder, ascending, without a gap: only the oldest may be gone. */
async function segmentsIn(folder: string, files: Files): Promise<readonly number[]> {
  const names = (await files.list(folder)).filter((name) => /^\d{6,}\.log$/.test(name));
  const numbers = names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
  numbers.forEach((number, i) => {
    const expected = (numbers[0] ?? 1) + i;
    if (number !== expected) throw corrupt(expected, 'no such file');
  });
  return numbers;
}

/** Finds where the last segment ends, cutting off a write that never finished. */
async function resume(folder: string, segment: number, limits: Limits, crc: Crc): Promise<Head> {
  const { files } = limits;
  const path = `${folder}/${nameOf(segment)}`;
  const bytes = await files.read(path);
  const header = decodeHeader(bytes, crc);
  if (header === undefined) {
    if (bytes.subarray(HEADER_BYTES).some((byte) => byte !== 0)) {
      throw corrupt(segment, 'no valid header');
    }
    // The crash came while the file was being created: nothing in it was ever promised.
    await files.remove(path);
    return begin(folder, segment, await groupAfter(folder, segment - 1, files, crc), limits, crc);
  }
  const reader = open(bytes, segment, undefined, crc);
  while (reader.next() !== undefined);
  const tail = tailOf(reader);
  if (tail === 'corrupt') throw corrupt(segment, `a flaw at byte ${reader.end}`);
  const file = await files.open(path);
  if (tail === 'torn') await file.truncate(reader.end);
  // What was read may be in the kernel's memory alone, when the process before was killed in mid-
  // write.
  await file.datasync();
  await files.syncFolder(folder);
  const zeroed = tail === 'torn' ? reader.end : bytes.length;
  return { header, file, end: reader.end, zeroed, nextGroup: reader.nextGroup };
}

/** The number of the first group after a finished segment. */
async function groupAfter(
  folder: string,
  segment: number,
  files: Files,
  crc: Crc,
): Promise<number> {
  if (segment === 0) return 1;
  const bytes = await files.read(`${folder}/${nameOf(segment)}`);
  const reader = open(bytes, segment, undefined, crc);
  while (reader.next() !== undefined);
  if (tailOf(reader) !== 'clean') throw corrupt(segment, `a flaw at byte ${reader.end}`);
  return reader.nextGroup;
}

/**
 * Opens the log in a folder, creating both when missing; truncates a torn tail. What it finds is
 * synced before it resolves: a write of a killed process may not have reached the disk. Rejects
 * with `log_corrupt` when the last segment was damaged after it was promised (older ones are
 * checked by `replay`), `bad_option`. Not distinguishable by the log alone: damage to the very last
 * group, and whole segments cut off the end; the signer mark being ahead tells (R26).
 */
export async function openLog(folder: string, options: LogOptions = {}): Promise<LogStore> {
  const limits: Limits = { ...DEFAULTS, ...options };
  for (const name of ['segmentBytesMax', 'groupBytesMax', 'recordBytesMax'] as const) {
    if (!Number.isSafeInteger(limits[name]) || limits[name] < 1 || limits[name] > 2 ** 31) {
      throw new StorageError('bad_option', `${name} of 1 to 2^31 bytes`, String(limits[name]));
    }
  }
  const crc = await loadCrc();
  await limits.files.makeFolder(folder);
  const segments = await segmentsIn(folder, limits.files);
  const [first = 1] = segments;
  const last = segments.at(-1);
  const head =
    last === undefined
      ? await begin(folder, 1, 1, limits, crc)
      : await resume(folder, last, limits, crc);
  return new SegmentedLog(folder, limits, crc, first, head);
}
