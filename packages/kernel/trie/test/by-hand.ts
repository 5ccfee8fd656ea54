// Test oracle: the root of a set, from the definition.
import { hashByHand } from '../../codec/test/by-hand.ts';

/** A key and its value. */
export type Pair = readonly [key: Uint8Array, value: Uint8Array];

const bitOf = (place: Uint8Array, bit: number): number =>
  ((place[bit >> 3] ?? 0) >> (7 - (bit % 8))) & 1;

function bigEndian(count: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(count));
  return bytes;
}

interface Placed {
  readonly place: Uint8Array;
  readonly leaf: Uint8Array;
}

const placed = new WeakMap<Pair, Placed>();

function placedOf(pair: Pair): Placed {
  const known = placed.get(pair);
  if (known !== undefined) return known;
  const [key, value] = pair;
  const leaf = hashByHand('trie-leaf', hashByHand('trie-value', value), key);
  const made = { place: hashByHand('trie-key', key), leaf };
  placed.set(pair, made);
  return made;
}

/**
 * The root of a set of pairs, as the README says it: nothing here calls the code under test, and it
 * starts from nothing every time.
 */
export function trieByHand(pairs: readonly Pair[]): Uint8Array {
  if (pairs.length === 0) return hashByHand('trie-empty');
  const top = (some: readonly Placed[], from: number): Uint8Array => {
    const [first] = some;
    if (first === undefined) throw new Error('no half is empty');
    if (some.length === 1) return first.leaf;
    let bit = from;
    while (some.every(({ place }) => bitOf(place, bit) === bitOf(first.place, bit))) bit++;
    const half = (side: number): Uint8Array =>
      top(
        some.filter(({ place }) => bitOf(place, bit) === side),
        bit + 1,
      );
    return hashByHand('trie-inner', Uint8Array.of(bit), bigEndian(some.length), half(0), half(1));
  };
  return top(pairs.map(placedOf), 0);
}

/** The same pairs in the order of their places. */
export function inPlaceOrder(pairs: readonly Pair[]): readonly Pair[] {
  return [...pairs].sort((a, b) => Buffer.compare(placedOf(a).place, placedOf(b).place));
}
