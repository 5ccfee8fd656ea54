// The bytes of a log's file: header, groups, records.
import type { LogRecord } from '@fatty/interface';
import type { Crc } from './crc.ts';

/*
 * A segment: header, groups, zeros.
 *   header  magic 8 · version u32 · segment u32 · first group u64 · salt 8 · crc u32
 *   group   records · end record
 *   record  length u32 (type and body) · crc u32 · type u8 · body
 *   end     a record of type 0 whose body is the group's number, u64
 * Integers are big endian. A record's crc covers salt · length · type · body.
 *
 * A group is what one datasync made durable, and group g+1 is written only after that: torn-tail.ts
 * says what follows from it.
 */
export const HEADER_BYTES = 36;
const MAGIC = new TextEncoder().encode('FATTYLOG');
const VERSION = 1;
const RECORD_HEAD_BYTES = 9;
const END_TYPE = 0;
const END_LENGTH = 9;
const END_BYTES = RECORD_HEAD_BYTES + 8;

/** What a segment says of itself: its number, its first group, and the salt of its checksums. */
export interface SegmentHeader {
  readonly segment: number;
  readonly firstGroup: number;
  readonly salt: Uint8Array;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The bytes of a segment's header. */
export function encodeHeader(header: SegmentHeader, crc: Crc): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = viewOf(bytes);
  bytes.set(MAGIC);
  view.setUint32(8, VERSION);
  view.setUint32(12, header.segment);
  view.setBigUint64(16, BigInt(header.firstGroup));
  bytes.set(header.salt, 24);
  view.setUint32(32, crc(bytes.subarray(0, 32)));
  return bytes;
}

/** Undefined when the bytes do not start with a header that was written whole. */
export function decodeHeader(bytes: Uint8Array, crc: Crc): SegmentHeader | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  if (MAGIC.some((byte, i) => bytes[i] !== byte) || view.getUint32(8) !== VERSION) return undefined;
  if (view.getUint32(32) !== crc(bytes.subarray(0, 32))) return undefined;
  return {
    segment: view.getUint32(12),
    firstGroup: Number(view.getBigUint64(16)),
    salt: bytes.slice(24, 32),
  };
}

/** Bytes that a record takes in the file. */
export function recordBytes(record: LogRecord): number {
  return RECORD_HEAD_BYTES + record.body.length;
}

/** The bytes of one group, ready to be written in one go. */
export function encodeGroup(
  records: readonly LogRecord[],
  group: number,
  salt: Uint8Array,
  crc: Crc,
): Uint8Array {
  const size = records.reduce((sum, record) => sum + recordBytes(record), END_BYTES);
  const bytes = new Uint8Array(size);
  const view = viewOf(bytes);
  let at = 0;
  const put = (type: number, body: Uint8Array): void => {
    const next = at + RECORD_HEAD_BYTES + body.length;
    view.setUint32(at, body.length + 1);
    bytes[at + 8] = type;
    bytes.set(body, at + RECORD_HEAD_BYTES);
    view.setUint32(at + 4, crc(salt, bytes.subarray(at, at + 4), bytes.subarray(at + 8, next)));
    at = next;
  };
  for (const { type, body } of records) put(type, body);
  const number = new Uint8Array(8);
  viewOf(number).setBigUint64(0, BigInt(group));
  put(END_TYPE, number);
  return bytes;
}

/** Reads a segment's groups, one after another. */
export class SegmentReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #salt: Uint8Array;
  readonly #crc: Crc;
  /** Offset after the last whole group. */
  end: number = HEADER_BYTES;
  /** Number of the next group. */
  nextGroup: number;

  constructor(bytes: Uint8Array, header: SegmentHeader, crc: Crc) {
    this.bytes = bytes;
    this.#view = viewOf(bytes);
    this.#salt = header.salt;
    this.#crc = crc;
    this.nextGroup = header.firstGroup;
  }

  /** The records of the next whole group (bodies are views), or undefined: torn-tail.ts judges what is there instead. */
  next(): readonly LogRecord[] | undefined {
    const records: LogRecord[] = [];
    let at = this.end;
    for (;;) {
      const record = this.#record(at);
      if (record === undefined) return undefined;
      at += recordBytes(record);
      if (record.type !== END_TYPE) {
        records.push(record);
        continue;
      }
      if (this.#groupOf(record) !== this.nextGroup) return undefined;
      this.end = at;
      this.nextGroup++;
      return records;
    }
  }

  #record(at: number): LogRecord | undefined {
    if (at + RECORD_HEAD_BYTES > this.bytes.length) return undefined;
    const length = this.#view.getUint32(at);
    const next = at + 8 + length;
    if (length === 0 || next > this.bytes.length) return undefined;
    const content = this.bytes.subarray(at + 8, next);
    const crc = this.#crc(this.#salt, this.bytes.subarray(at, at + 4), content);
    if (crc !== this.#view.getUint32(at + 4)) return undefined;
    return { type: content[0] as number, body: content.subarray(1) };
  }

  #groupOf(end: LogRecord): number {
    return end.body.length === 8 ? Number(viewOf(end.body).getBigUint64(0)) : -1;
  }

  /** Number of the group whose end record stands whole at this offset; undefined for other bytes. */
  groupEndingAt(at: number): number | undefined {
    if (at + END_BYTES > this.bytes.length || this.bytes[at + 3] !== END_LENGTH) return undefined;
    if (this.#view.getUint32(at) !== END_LENGTH || this.bytes[at + 8] !== END_TYPE)
      return undefined;
    const record = this.#record(at);
    return record && this.#groupOf(record);
  }
}
