// How checkers read the wire, apart from the code under test.
import { equalBytes, hash, toHex } from '@fatty/codec';

/**
 * How the checkers read the wire. Written apart from package broadcast on purpose: a checker that
 * used the decoder under test would share its mistakes. Only the hash function is common.
 */
export interface SeenRef {
  readonly round: number;
  readonly author: number;
  /** Hex of the digest; the key of a block everywhere in the checkers. */
  readonly key: string;
}

/** A block as seen in a packet or on a disk, whoever sent or stored it. */
export interface SeenBlock extends SeenRef {
  readonly cellId: Uint8Array;
  readonly epoch: number;
  readonly ts: number;
  readonly seal: boolean;
  readonly parents: readonly SeenRef[];
  readonly header: Uint8Array;
  readonly sig: Uint8Array;
  readonly body: Uint8Array;
  readonly bodyHash: Uint8Array;
}

/** An item of the canonical profile. */
export type Item = number | string | Uint8Array | readonly Item[];

class Unreadable extends Error {}

/** Reads one item of the profile: unsigned integers, bytes, text, arrays. */
class Reader {
  readonly #input: Uint8Array;
  at = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  item(depth: number): Item {
    const first = this.#byte();
    const major = first >> 5;
    const value = this.#argument(first & 31);
    if (major === 0) return value;
    if (major === 2) return this.#take(value);
    if (major === 3) return String.fromCharCode(...this.#take(value));
    if (major !== 4 || depth === 0 || value > this.#input.length - this.at) throw new Unreadable();
    const items: Item[] = [];
    for (let i = 0; i < value; i++) items.push(this.item(depth - 1));
    return items;
  }

  #byte(): number {
    const byte = this.#input[this.at++];
    if (byte === undefined) throw new Unreadable();
    return byte;
  }

  #argument(info: number): number {
    if (info < 24) return info;
    if (info > 27) throw new Unreadable();
    let value = 0;
    for (let left = 1 << (info - 24); left > 0; left--) value = value * 256 + this.#byte();
    return value;
  }

  #take(size: number): Uint8Array {
    if (size > this.#input.length - this.at) throw new Unreadable();
    this.at += size;
    return this.#input.subarray(this.at - size, this.at);
  }
}

/** The item these bytes are, or undefined when they are not exactly one item. */
export function readItem(bytes: Uint8Array): Item | undefined {
  try {
    const reader = new Reader(bytes);
    const item = reader.item(16);
    return reader.at === bytes.length ? item : undefined;
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

const isBytes = (item: Item | undefined): item is Uint8Array => item instanceof Uint8Array;
const isNumber = (item: Item | undefined): item is number => typeof item === 'number';

function readRef(item: Item): SeenRef | undefined {
  if (!Array.isArray(item) || item.length !== 3) return undefined;
  const [round, author, digest] = item as readonly Item[];
  if (!isNumber(round) || !isNumber(author) || !isBytes(digest) || digest.length !== 32) return;
  return { round, author, key: toHex(digest) };
}

/** So many blocks are remembered: more than a world has under way. */
const RECENT_MAX = 4096;
/** By signature. What is read in a block is a function of its bytes, so worlds may share it. */
const recent = new Map<string, SeenBlock>();

/** Each replica's disk holds the same block in memory of its own: it is read once. */
function blockOf(items: readonly Item[]): SeenBlock | undefined {
  const [header, sig, body] = items;
  if (!isBytes(header) || !isBytes(sig) || !isBytes(body) || sig.length !== 64) return undefined;
  const name = toHex(sig);
  const known = recent.get(name);
  if (known && equalBytes(known.header, header) && equalBytes(known.body, body)) return known;
  const block = readBlock(header, sig, body);
  if (block === undefined) return undefined;
  if (recent.size >= RECENT_MAX) recent.clear();
  recent.set(name, block);
  return block;
}

function readBlock(header: Uint8Array, sig: Uint8Array, body: Uint8Array): SeenBlock | undefined {
  const fields = readItem(header);
  if (!Array.isArray(fields) || fields.length !== 8) return undefined;
  const [cellId, epoch, round, author, ts, seal, refs, bodyHash] = fields as readonly Item[];
  if (!isBytes(cellId) || !isNumber(epoch) || !isNumber(round) || !isNumber(author)) return;
  if (!isNumber(ts) || !isNumber(seal) || !Array.isArray(refs) || !isBytes(bodyHash)) return;
  const parents: SeenRef[] = [];
  for (const one of refs as readonly Item[]) {
    const ref = readRef(one);
    if (ref === undefined) return undefined;
    parents.push(ref);
  }
  const key = toHex(hash('block', header));
  return {
    cellId,
    epoch,
    round,
    author,
    ts,
    seal: seal === 1,
    parents,
    key,
    header,
    sig,
    body,
    bodyHash,
  };
}

/** Shorter byte strings cannot hold a block. */
const BLOCK_BYTES_MIN = 160;

function collect(item: Item, out: SeenBlock[]): void {
  if (isBytes(item)) {
    const inner = item.length < BLOCK_BYTES_MIN ? undefined : readItem(item);
    if (inner !== undefined && Array.isArray(inner)) collect(inner, out);
    return;
  }
  if (!Array.isArray(item)) return;
  const block = item.length === 3 ? blockOf(item) : undefined;
  if (block !== undefined) out.push(block);
  else for (const one of item as readonly Item[]) collect(one, out);
}

const seen = new WeakMap<Uint8Array, readonly SeenBlock[]>();

/** Every block inside these bytes, however it is wrapped. Memoised: a broadcast is read once. */
export function blocksIn(bytes: Uint8Array): readonly SeenBlock[] {
  let blocks = seen.get(bytes);
  if (blocks === undefined) {
    const found: SeenBlock[] = [];
    collect(bytes, found);
    blocks = found;
    seen.set(bytes, blocks);
  }
  return blocks;
}
