// What a trie is made of, and what its digests cover.
import {
  domainOf,
  type PackedDigest,
  packedHash,
  packedSha256,
  unpackDigest,
  unpackInto,
} from '@fatty/codec';
import type { Digest } from '@fatty/interface';

/** Bits of a place: of a SHA-256. */
export const PLACE_BITS = 256;

/** A node of a trie, or of the part of one that a proof shows. */
export type Node = Leaf | Inner | Stub;

/** One key with the digest of its value. */
export class Leaf {
  readonly key: Uint8Array;
  readonly value: PackedDigest;

  constructor(key: Uint8Array, value: PackedDigest) {
    this.key = key;
    this.value = value;
  }

  get count(): number {
    return 1;
  }
}

/** Where the places of the keys below part: those with a 0 as this bit go left. */
export class Inner {
  /** 0 is the first bit of a place. Below, all earlier bits are the same. */
  readonly bit: number;
  readonly left: Node;
  readonly right: Node;
  /** Keys below. */
  readonly count: number;
  /** Missing until somebody asks for it. */
  #digest: PackedDigest | undefined;

  constructor(bit: number, left: Node, right: Node) {
    this.bit = bit;
    this.left = left;
    this.right = right;
    this.count = left.count + right.count;
  }

  get digest(): PackedDigest {
    this.#digest ??= innerDigest(this);
    return this.#digest;
  }
}

/** A part of a trie that a proof leaves out. */
export class Stub {
  readonly count: number;
  readonly digest: PackedDigest;

  constructor(count: number, digest: PackedDigest) {
    this.count = count;
    this.digest = digest;
  }
}

/** The root of a trie without keys. */
export const EMPTY_ROOT: PackedDigest = packedSha256(domainOf('trie-empty'));

/** Where a key stands: H(`trie-key` ‖ key). Its bits are read from the first byte on, high bit first. */
export function placeOf(key: Uint8Array): PackedDigest {
  return packedHash('trie-key', key);
}

/** H(`trie-value` ‖ value), packed: what a leaf holds of a value. */
export function packedValue(value: Uint8Array): PackedDigest {
  return packedHash('trie-value', value);
}

/** H(`trie-value` ‖ value): what a trie says of the value of a key. */
export function valueDigest(value: Uint8Array): Digest {
  return unpackDigest(packedValue(value));
}

/** The digest of a trie whose top node this is. */
export function rootOf(top: Node | undefined): Digest {
  return unpackDigest(top === undefined ? EMPTY_ROOT : digestOf(top));
}

/** That of a leaf is not kept: it is made again as fast as it is found. */
export function digestOf(node: Node): PackedDigest {
  return node instanceof Leaf ? leafDigest(node) : node.digest;
}

const DIGEST_BYTES = 32;
const LEAF = domainOf('trie-leaf');
const LEAF_KEY_AT = LEAF.length + DIGEST_BYTES;
/** What a leaf is hashed as; one with a longer key has memory of its own. */
const leafScratch = new Uint8Array(LEAF_KEY_AT + 256);

/** H(`trie-leaf` ‖ value digest ‖ key). */
function leafDigest({ key, value }: Leaf): PackedDigest {
  const size = LEAF_KEY_AT + key.length;
  const bytes = size <= leafScratch.length ? leafScratch : new Uint8Array(size);
  bytes.set(LEAF);
  unpackInto(bytes, LEAF.length, value);
  bytes.set(key, LEAF_KEY_AT);
  return packedSha256(bytes.subarray(0, size));
}

const COUNT_BYTES = 8;
const INNER = domainOf('trie-inner');
const COUNT_AT = INNER.length + 1;
const LEFT_AT = COUNT_AT + COUNT_BYTES;
const RIGHT_AT = LEFT_AT + DIGEST_BYTES;
/** What an inner node is hashed as: all are of one size. Its domain stands there already. */
const scratch = new Uint8Array(RIGHT_AT + DIGEST_BYTES);
scratch.set(INNER);

/** H(`trie-inner` ‖ bit, 1 byte ‖ count, 8 bytes big-endian ‖ left digest ‖ right digest). */
function innerDigest({ bit, count, left, right }: Inner): PackedDigest {
  const [leftDigest, rightDigest] = [digestOf(left), digestOf(right)];
  scratch[INNER.length] = bit;
  for (let at = LEFT_AT - 1, rest = count; at >= COUNT_AT; at--, rest = Math.floor(rest / 256)) {
    scratch[at] = rest % 256;
  }
  unpackInto(scratch, LEFT_AT, leftDigest);
  unpackInto(scratch, RIGHT_AT, rightDigest);
  return packedSha256(scratch);
}

/** 0 or 1. */
export function bitOf(place: PackedDigest, bit: number): number {
  return (place.charCodeAt(bit >> 3) >> (7 - (bit & 7))) & 1;
}

/** The first bit in which two places differ; {@link PLACE_BITS} for the same place. */
export function firstDifference(a: PackedDigest, b: PackedDigest): number {
  for (let i = 0; i < a.length; i++) {
    const difference = a.charCodeAt(i) ^ b.charCodeAt(i);
    if (difference !== 0) return 8 * i + Math.clz32(difference) - 24;
  }
  return PLACE_BITS;
}
