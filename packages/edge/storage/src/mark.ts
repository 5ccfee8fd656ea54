// The signer's mark.
import { compareBytes } from '@fatty/codec';
import type { MarkStore } from '@fatty/interface';
import { type Crc, loadCrc } from './crc.ts';
import { isMissing, messageOf, StorageError } from './errors.ts';
import { type Files, nodeFiles, type StoredFile } from './files.ts';
import type { Patience } from './patience.ts';

/** What may be said of a mark. */
export interface MarkOptions {
  /**
   * Order of marks; a write below the current mark is refused (`mark_not_monotone`), an equal one
   * resolves at once. Default bytewise, which orders canonical arrays of integers by value.
   */
  readonly compare?: (a: Uint8Array, b: Uint8Array) => number;
  /** The disk. Default the real one. */
  readonly files?: Files;
  /** Waits for room on a full disk. Default: a full disk is a failed write. */
  readonly patience?: Pick<Patience, 'attempt'>;
}

/** A {@link MarkStore} that holds a file open. */
export interface DurableMark extends MarkStore {
  /** Waits for the write under way. */
  close(): Promise<void>;
}

/** Largest mark, bytes. */
export const MARK_BYTES_MAX = 512;
/**
 * Two slots of one disk page each; writes alternate. A torn write hurts only the slot that is
 * not the current mark, and a write in place needs one datasync and no rename.
 *   slot  crc u32 · sequence u64 · length u16 · mark
 */
const SLOT_BYTES = 4096;
const HEAD_BYTES = 14;

interface Slot {
  readonly sequence: number;
  readonly mark: Uint8Array;
}

function encodeSlot({ sequence, mark }: Slot, crc: Crc): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + mark.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(4, BigInt(sequence));
  view.setUint16(12, mark.length);
  bytes.set(mark, HEAD_BYTES);
  view.setUint32(0, crc(bytes.subarray(4)));
  return bytes;
}

/** A slot never written is all zeros; 'bad' is a torn write or damage. */
function decodeSlot(bytes: Uint8Array, crc: Crc): Slot | 'empty' | 'bad' {
  if (bytes.every((byte) => byte === 0)) return 'empty';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = HEAD_BYTES + view.getUint16(12);
  if (end > bytes.length || view.getUint32(0) !== crc(bytes.subarray(4, end))) return 'bad';
  return { sequence: Number(view.getBigUint64(4)), mark: bytes.slice(HEAD_BYTES, end) };
}

/** The current slot of a mark file; sequence 0 is "never written". */
function current(path: string, bytes: Uint8Array, crc: Crc): Slot {
  if (bytes.length !== 2 * SLOT_BYTES) {
    throw new StorageError('mark_corrupt', `${2 * SLOT_BYTES} bytes in ${path}`, `${bytes.length}`);
  }
  const slots = [bytes.subarray(0, SLOT_BYTES), bytes.subarray(SLOT_BYTES)].map((slot) =>
    decodeSlot(slot, crc),
  );
  let newest: Slot = { sequence: 0, mark: new Uint8Array(0) };
  for (const slot of slots) {
    if (typeof slot !== 'string' && slot.sequence > newest.sequence) newest = slot;
  }
  // Writes alternate: with both slots used, a whole one is always left.
  if (newest.sequence === 0 && !slots.includes('empty')) {
    throw new StorageError('mark_corrupt', `a whole slot in ${path}`, 'two broken ones');
  }
  return newest;
}

class SlottedMark implements DurableMark {
  readonly #file: StoredFile;
  readonly #crc: Crc;
  readonly #compare: (a: Uint8Array, b: Uint8Array) => number;
  readonly #patience: Pick<Patience, 'attempt'>;
  #durable: Slot;
  /** The highest mark asked for; durable once `#writing` is done. */
  #wanted: Uint8Array | undefined;
  #writing: Promise<void> | undefined;
  #broken: StorageError | undefined;

  constructor(
    file: StoredFile,
    crc: Crc,
    compare: (a: Uint8Array, b: Uint8Array) => number,
    slot: Slot,
    patience: Pick<Patience, 'attempt'>,
  ) {
    this.#patience = patience;
    this.#file = file;
    this.#crc = crc;
    this.#compare = compare;
    this.#durable = slot;
    this.#wanted = slot.sequence === 0 ? undefined : slot.mark;
  }

  read(): Promise<Uint8Array | undefined> {
    const { sequence, mark } = this.#durable;
    return Promise.resolve(sequence === 0 ? undefined : mark.slice());
  }

  async write(mark: Uint8Array): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    if (mark.length > MARK_BYTES_MAX) {
      throw new StorageError('mark_too_large', `${MARK_BYTES_MAX} bytes`, `${mark.length} bytes`);
    }
    if (this.#wanted !== undefined && this.#compare(mark, this.#wanted) < 0) {
      throw new StorageError('mark_not_monotone', 'a mark not below the last', 'a lower one');
    }
    this.#wanted = mark.slice();
    while (!this.#covers(mark)) {
      this.#writing ??= this.#writeWanted(this.#wanted);
      await this.#writing;
    }
  }

  async close(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    this.#broken ??= new StorageError('mark_failed', 'an open mark', 'a closed one');
    await this.#file.close();
  }

  #covers(mark: Uint8Array): boolean {
    return this.#durable.sequence > 0 && this.#compare(mark, this.#durable.mark) <= 0;
  }

  /** One datasync at a time; marks that came meanwhile are covered by the highest of them. */
  async #writeWanted(mark: Uint8Array): Promise<void> {
    const slot: Slot = { sequence: this.#durable.sequence + 1, mark };
    try {
      if (this.#broken !== undefined) throw this.#broken;
      const position = (slot.sequence % 2) * SLOT_BYTES;
      const bytes = encodeSlot(slot, this.#crc);
      await this.#patience.attempt(() => this.#file.writeDurably(bytes, position));
      this.#durable = slot;
    } catch (error) {
      this.#broken ??= new StorageError('mark_failed', 'a durable write', messageOf(error), error);
      throw this.#broken;
    } finally {
      this.#writing = undefined;
    }
  }
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** The file appears whole or not at all: an empty mark must not be the remains of a lost one. */
async function create(path: string, files: Files): Promise<void> {
  const temporary = `${path}.new`;
  const folder = folderOf(path);
  await files.makeFolder(folder);
  const file = await files.open(temporary);
  await file.truncate(0);
  await file.write(new Uint8Array(2 * SLOT_BYTES), 0);
  await file.datasync();
  await file.close();
  await files.rename(temporary, path);
  await files.syncFolder(folder);
}

/**
 * Opens the signer's high-water mark (R24, R26), creating it when missing.
 * Rejects with `mark_corrupt`; writes with `mark_not_monotone`, `mark_too_large`, `mark_failed`.
 */
export async function openMark(path: string, options: MarkOptions = {}): Promise<DurableMark> {
  const { files = nodeFiles, compare = compareBytes } = options;
  const { patience = { attempt: (write) => write() } } = options;
  const crc = await loadCrc();
  let bytes: Uint8Array;
  try {
    bytes = await files.read(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await create(path, files);
    bytes = await files.read(path);
  }
  const slot = current(path, bytes, crc);
  const file = await files.open(path);
  // As with the log: what was read counts as durable, so it is synced first.
  await file.datasync();
  await files.syncFolder(folderOf(path));
  return new SlottedMark(file, crc, compare, slot, patience);
}
