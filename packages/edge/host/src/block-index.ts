// The index of old blocks, to serve those who ask for them.
import type { Ref } from '@fatty/broadcast';
import { compareBytes, toHex } from '@fatty/codec';
import type { IndexedBlock } from '@fatty/replica';
import type { KvEntry, KvPort, KvWrite, Written } from './ports.ts';

const KEY_BYTES = 1 + 4 + 4 + 2 + 32;
const BLOCK = 0x62;
/** What is written at once: so many blocks or so many bytes. What waits for its group is in memory. */
export interface IndexGroup {
  readonly blocks: number;
  readonly bytes: number;
}

/** Blocks that go at once. */
const DROPPED_AT_ONCE = 512;

const GROUP: IndexGroup = { blocks: 512, bytes: 8 << 20 };

/** `b` ‖ epoch ‖ round ‖ author ‖ digest, big-endian: in an epoch bytewise order is the order of refs (R2). */
export function blockKey(epoch: number, ref: Ref): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  const view = new DataView(key.buffer);
  key[0] = BLOCK;
  view.setUint32(1, epoch);
  view.setUint32(5, ref.round);
  view.setUint16(9, ref.author);
  key.set(ref.digest, 11);
  return key;
}

/** Keys of every block in rounds from..to of an epoch, both included. */
export function roundsRange(
  epoch: number,
  from: number,
  to: number,
): readonly [Uint8Array, Uint8Array] {
  const edge = (round: number): Uint8Array => {
    const key = new Uint8Array(9);
    const view = new DataView(key.buffer);
    key[0] = BLOCK;
    view.setUint32(1, epoch);
    view.setUint32(5, round);
    return key;
  };
  return [edge(from), edge(to + 1)];
}

/**
 * Serves blocks that have left memory. Derived from the log: what is lost here is rebuilt at the next
 * start. Written in large groups, so that it does not compete with the log for the disk; what waits
 * for its group is answered from here, because the replica has let go of it.
 */
export class BlockIndex {
  readonly #kv: KvPort;
  readonly #onFatal: (error: Error) => void;
  readonly #most: IndexGroup;
  readonly #unwritten = new Map<string, KvEntry>();
  #group: KvEntry[] = [];
  #groupBytes = 0;
  /** Groups under way. */
  #writes = 0;
  /** Blocks before this key go. */
  #dropEnd: Uint8Array | undefined;
  #isDropping = false;
  #failure: Error | undefined;
  #flushes: Written[] = [];

  /** `onFatal`: a write failed that no {@link flush} waits for. */
  constructor(kv: KvPort, onFatal: (error: Error) => void, most: IndexGroup = GROUP) {
    this.#kv = kv;
    this.#onFatal = onFatal;
    this.#most = most;
  }

  add(blocks: readonly IndexedBlock[]): void {
    for (const { epoch, ref, bytes } of blocks) {
      const entry = { key: blockKey(epoch, ref), value: bytes };
      this.#group.push(entry);
      this.#unwritten.set(toHex(entry.key), entry);
      this.#groupBytes += bytes.length;
    }
    const { blocks: most, bytes: bytesMost } = this.#most;
    if (this.#group.length >= most || this.#groupBytes >= bytesMost) this.#write();
  }

  get(epoch: number, ref: Ref): Uint8Array | undefined {
    const key = blockKey(epoch, ref);
    return this.#unwritten.get(toHex(key))?.value ?? this.#kv.get(key);
  }

  /** Every block of rounds from..to of an epoch, both included, in the order of refs; at most `blocksMax`. */
  rounds(epoch: number, from: number, to: number, blocksMax: number): readonly Uint8Array[] {
    const [first, end] = roundsRange(epoch, from, to);
    const found = [...this.#kv.range(first, end, blocksMax)];
    const written = new Set(found.map(({ key }) => toHex(key)));
    for (const [name, entry] of this.#unwritten) {
      const inside = compareBytes(first, entry.key) <= 0 && compareBytes(entry.key, end) < 0;
      if (inside && !written.has(name)) found.push(entry);
    }
    found.sort((a, b) => compareBytes(a.key, b.key));
    return found.slice(0, blocksMax).map(({ value }) => value);
  }

  /**
   * Lets go of the blocks of earlier epochs, and of earlier rounds of this one, some at a time. A {@link flush}
   * interrupts it: what is left then goes with the next.
   */
  drop(epoch: number, fromRound: number): void {
    [this.#dropEnd] = roundsRange(epoch, fromRound, fromRound);
    this.#dropWaiting(this.#dropEnd);
    if (!this.#isDropping) this.#dropSome();
  }

  /** Of the group that is not written yet. */
  #dropWaiting(end: Uint8Array): void {
    const group = this.#group.splice(0);
    this.#groupBytes = 0;
    for (const entry of group) {
      if (compareBytes(entry.key, end) < 0) {
        this.#unwritten.delete(toHex(entry.key));
        continue;
      }
      this.#group.push(entry);
      this.#groupBytes += entry.value.length;
    }
  }

  #dropSome(): void {
    const [first] = roundsRange(0, 0, 0);
    const end = this.#dropEnd;
    const found = end === undefined ? [] : [...this.#kv.range(first, end, DROPPED_AT_ONCE)];
    this.#isDropping = found.length > 0 && this.#flushes.length === 0;
    if (!this.#isDropping) return;
    this.#put(
      found.map(({ key }) => ({ key, value: undefined })),
      () => this.#dropSome(),
    );
  }

  /** `written` comes when everything added so far is written, at once if it is, or the disk has failed. */
  flush(written: Written): void {
    if (this.#group.length > 0) this.#write();
    if (this.#writes === 0) return written(this.#failure);
    this.#flushes.push(written);
  }

  #write(): void {
    const group = this.#group.splice(0);
    this.#groupBytes = 0;
    this.#put(group, () => {
      for (const { key } of group) this.#unwritten.delete(toHex(key));
    });
  }

  #put(entries: readonly KvWrite[], done: () => void): void {
    this.#writes += 1;
    this.#kv.write(entries, (failure) => {
      this.#writes -= 1;
      if (failure) this.#fail(failure);
      else done();
      if (this.#writes > 0) return;
      for (const written of this.#flushes.splice(0)) written(this.#failure);
    });
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    if (this.#flushes.length === 0) this.#onFatal(failure);
  }
}
