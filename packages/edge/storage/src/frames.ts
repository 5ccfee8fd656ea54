// Frames on disk.
import { type Crc, loadCrc } from './crc.ts';
import { messageOf, StorageError } from './errors.ts';
import { type Files, nodeFiles, type StoredFile } from './files.ts';

/*
 * A frame file: header, head, payload.
 *   header  magic 8 · version u32 · head length u32 · payload length u48 · crc u32 of all that stands here
 * Integers are big endian. It is written under another name, synced and renamed, so it is whole or not there.
 */
const MAGIC = new TextEncoder().encode('FATTYFRM');
const VERSION = 1;
const HEADER_BYTES = 26;
/** Frames that are kept, the newest. */
export const FRAMES_KEPT = 2;
/** Written at once, so that the log's writes come in between. Bytes. */
const PIECE_BYTES = 4 * 1024 * 1024;
const NAME = /^\d{16}\.frame$/;

/** A frame on disk: what the replica calls its head, and its payload. */
export interface FrameBytes {
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
}

/** Keeps the newest frames of a replica (R28), each in a file of its own. */
export interface FrameStore {
  /** What is there, the newest first; a damaged file is left out. */
  read(): Promise<readonly FrameBytes[]>;
  /**
   * Resolves when the frame is on disk; the oldest beyond two are gone then. Only the newest index so far may
   * be written. Rejects with `frame_failed`.
   */
  write(index: number, frame: FrameBytes): Promise<void>;
  /**
   * So many bytes of the payload of a frame that is there, from an offset; undefined: it is not there, or shorter.
   * Nothing guards a part: who takes it knows its digest.
   */
  readPart(index: number, from: number, bytes: number): Promise<Uint8Array | undefined>;
  /** Waits for the write under way. */
  close(): Promise<void>;
}

/** What may be said of frames. */
export interface FramesOptions {
  /** The disk. Default the real one. */
  readonly files?: Files;
}

const nameOf = (index: number): string => `${String(index).padStart(16, '0')}.frame`;

function encodeHeader({ head, payload }: FrameBytes, crc: Crc): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, VERSION);
  view.setUint32(12, head.length);
  view.setUint16(16, Math.floor(payload.length / 2 ** 32));
  view.setUint32(18, payload.length % 2 ** 32);
  view.setUint32(22, crc(bytes.subarray(0, 22), head, payload));
  return bytes;
}

/** Undefined when it is not what was written. */
function decodeFile(bytes: Uint8Array, crc: Crc): FrameBytes | undefined {
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headEnd = HEADER_BYTES + view.getUint32(12);
  const end = headEnd + view.getUint16(16) * 2 ** 32 + view.getUint32(18);
  if (view.getUint32(8) !== VERSION || end !== bytes.length) return undefined;
  const [head, payload] = [bytes.slice(HEADER_BYTES, headEnd), bytes.slice(headEnd, end)];
  return view.getUint32(22) === crc(bytes.subarray(0, 22), head, payload)
    ? { head, payload }
    : undefined;
}

/** Where the payload begins; undefined: this is no header. */
function payloadStart(header: Uint8Array): number | undefined {
  if (header.length < HEADER_BYTES || MAGIC.some((byte, i) => header[i] !== byte)) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  return view.getUint32(8) === VERSION ? HEADER_BYTES + view.getUint32(12) : undefined;
}

async function writeAll(file: StoredFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    await file.write(bytes.subarray(at, at + PIECE_BYTES), position + at);
  }
}

class FolderOfFrames implements FrameStore {
  readonly #folder: string;
  readonly #files: Files;
  readonly #crc: Crc;
  #last: Promise<void> = Promise.resolve();

  constructor(folder: string, files: Files, crc: Crc) {
    this.#folder = folder;
    this.#files = files;
    this.#crc = crc;
  }

  async read(): Promise<readonly FrameBytes[]> {
    const frames: FrameBytes[] = [];
    for (const name of (await this.#names()).toReversed()) {
      const frame = decodeFile(await this.#files.read(`${this.#folder}/${name}`), this.#crc);
      if (frame) frames.push(frame);
    }
    return frames;
  }

  write(index: number, frame: FrameBytes): Promise<void> {
    const writing = this.#last.then(() => this.#write(index, frame));
    this.#last = writing.catch(() => undefined);
    return writing;
  }

  async readPart(index: number, from: number, bytes: number): Promise<Uint8Array | undefined> {
    const path = `${this.#folder}/${nameOf(index)}`;
    try {
      const header = await this.#files.readPart(path, 0, HEADER_BYTES);
      const start = payloadStart(header);
      if (start === undefined) return undefined;
      const part = await this.#files.readPart(path, start + from, bytes);
      return part.length === bytes ? part : undefined;
    } catch {
      return undefined;
    }
  }

  close(): Promise<void> {
    return this.#last;
  }

  async #write(index: number, frame: FrameBytes): Promise<void> {
    try {
      await this.#put(index, frame);
      await this.#dropOld();
    } catch (error) {
      throw new StorageError('frame_failed', 'a durable frame', messageOf(error), error);
    }
  }

  async #put(index: number, frame: FrameBytes): Promise<void> {
    const path = `${this.#folder}/${nameOf(index)}`;
    const file = await this.#files.open(`${path}.new`);
    try {
      await file.truncate(0);
      await file.write(encodeHeader(frame, this.#crc), 0);
      await writeAll(file, frame.head, HEADER_BYTES);
      await writeAll(file, frame.payload, HEADER_BYTES + frame.head.length);
      await file.datasync();
    } catch (error) {
      // It takes room that others may need, and nobody will read it.
      await this.#files.remove(`${path}.new`).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
    await this.#files.rename(`${path}.new`, path);
    await this.#files.syncFolder(this.#folder);
  }

  async #dropOld(): Promise<void> {
    for (const name of (await this.#names()).slice(0, -FRAMES_KEPT)) {
      await this.#files.remove(`${this.#folder}/${name}`);
    }
    await this.#files.syncFolder(this.#folder);
  }

  /** Ascending by index. */
  async #names(): Promise<readonly string[]> {
    return (await this.#files.list(this.#folder)).filter((name) => NAME.test(name)).sort();
  }
}

/** Opens the frames in a folder, creating it when missing; what a crash left half written goes. */
export async function openFrames(
  folder: string,
  { files = nodeFiles }: FramesOptions = {},
): Promise<FrameStore> {
  const crc = await loadCrc();
  await files.makeFolder(folder);
  for (const name of await files.list(folder)) {
    if (name.endsWith('.frame.new')) await files.remove(`${folder}/${name}`);
  }
  // What was read may be in the kernel's memory alone, under its new name.
  await files.syncFolder(folder);
  return new FolderOfFrames(folder, files, crc);
}
