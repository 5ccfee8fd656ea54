// A map with one digest for all that is in it.
import { equalBytes, type PackedDigest, unpackDigest } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import {
  bitOf,
  firstDifference,
  Inner,
  Leaf,
  type Node,
  PLACE_BITS,
  packedValue,
  placeOf,
  rootOf,
  Stub,
} from './node.ts';

/** What a trie holds of one key: the digest of its value (`valueDigest`). */
export interface Entry {
  readonly key: Uint8Array;
  readonly value: Digest;
}

/**
 * An authenticated map. A binary trie over the places of its keys, without nodes of one child: so its shape
 * and root follow from the set of keys and values alone, whatever the order in which they came. A trie is
 * a value: `set` and `delete` answer another one, which shares what is the same. They cost O(log n); the
 * digests that changed are made when a root or a proof is asked for, once.
 * It keeps the digests of values, not the values, and the key arrays it is given: nobody changes those.
 */
export class Trie {
  /** The trie without keys. */
  static readonly empty: Trie = new Trie(undefined);
  /** Undefined: no keys. */
  readonly top: Node | undefined;

  /** Use {@link Trie.empty} and `set`. */
  constructor(top: Node | undefined) {
    this.top = top;
  }

  /** Number of keys. */
  get size(): number {
    return this.top?.count ?? 0;
  }

  /** Covers every key and value, and how many there are. */
  root(): Digest {
    return rootOf(this.top);
  }

  /** Digest of the value of a key; undefined: it is not there. */
  get(key: Uint8Array): Digest | undefined {
    const leaf = this.top && leafAt(this.top, placeOf(key));
    return leaf && equalBytes(leaf.key, key) ? unpackDigest(leaf.value) : undefined;
  }

  /** With this key, in place of the one that was there. The key array is kept. `place`: of this key. */
  set(key: Uint8Array, value: Uint8Array, place: PackedDigest = placeOf(key)): Trie {
    const digest = packedValue(value);
    if (this.top === undefined) return new Trie(new Leaf(key, digest));
    const near = leafAt(this.top, place);
    if (!equalBytes(near.key, key)) {
      const bit = firstDifference(place, placeOf(near.key));
      return new Trie(put(this.top, place, bit, new Leaf(key, digest)));
    }
    if (near.value === digest) return this;
    return new Trie(put(this.top, place, PLACE_BITS, new Leaf(near.key, digest)));
  }

  /** Without this key, whose place this is. */
  delete(key: Uint8Array, place: PackedDigest = placeOf(key)): Trie {
    if (this.top === undefined) return this;
    if (!equalBytes(leafAt(this.top, place).key, key)) return this;
    const rest = without(this.top, place);
    return rest === undefined ? Trie.empty : new Trie(rest);
  }

  /** In the order of their places, from position `from` on; a lazy sequence. */
  *entries(from = 0): Generator<Entry, void, undefined> {
    for (const { key, value } of leavesFrom(this.top, from))
      yield { key, value: unpackDigest(value) };
  }

  /** How many keys come before the leaf at which a search for this key ends. */
  positionNear(key: Uint8Array): number {
    const place = placeOf(key);
    let position = 0;
    for (let at = this.top; at instanceof Inner; ) {
      const isLeft = bitOf(place, at.bit) === 0;
      if (!isLeft) position += at.left.count;
      at = isLeft ? at.left : at.right;
    }
    return position;
  }

  /** Nodes on the longest way from the top to a leaf. */
  depth(): number {
    const below = (node: Node): number =>
      node instanceof Inner ? 1 + Math.max(below(node.left), below(node.right)) : 1;
    return this.top === undefined ? 0 : below(this.top);
  }
}

/** Where a search for this place ends: the leaf of it, if it is there. */
function leafAt(top: Node, place: string): Leaf {
  let at = top;
  while (at instanceof Inner) at = bitOf(place, at.bit) === 0 ? at.left : at.right;
  if (at instanceof Stub) throw new TypeError('a whole trie has no stubs');
  return at;
}

/** `bit`: the first in which the leaf's place differs from those that are there. */
function put(node: Node, place: string, bit: number, leaf: Leaf): Node {
  if (node instanceof Inner && node.bit < bit) {
    const { left, right } = node;
    if (bitOf(place, node.bit) === 0) {
      return new Inner(node.bit, put(left, place, bit, leaf), right);
    }
    return new Inner(node.bit, left, put(right, place, bit, leaf));
  }
  if (bit === PLACE_BITS) return leaf;
  return bitOf(place, bit) === 0 ? new Inner(bit, leaf, node) : new Inner(bit, node, leaf);
}

/** An inner node that would be left with one child gives way to it. */
function without(node: Node, place: string): Node | undefined {
  if (!(node instanceof Inner)) return undefined;
  const { bit, left, right } = node;
  const isLeft = bitOf(place, bit) === 0;
  const rest = without(isLeft ? left : right, place);
  if (rest === undefined) return isLeft ? right : left;
  return isLeft ? new Inner(bit, rest, right) : new Inner(bit, left, rest);
}

/** Leaves in order, without the first `from` of them. */
export function* leavesFrom(
  node: Node | undefined,
  from: number,
): Generator<Leaf, void, undefined> {
  if (node === undefined || from >= node.count) return;
  if (node instanceof Leaf) yield node;
  if (!(node instanceof Inner)) return;
  yield* leavesFrom(node.left, from);
  yield* leavesFrom(node.right, Math.max(0, from - node.left.count));
}
