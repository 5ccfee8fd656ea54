// The roots of the sessions tables, computed from a snapshot alone.
import { hashByHand } from '../../codec/test/by-hand.ts';
import { type Plain, reference } from '../../codec/test/reference.ts';
import { type Pair, trieByHand } from '../../trie/test/by-hand.ts';

export function listOf(item: Plain | undefined): readonly Plain[] {
  if (!Array.isArray(item)) throw new TypeError('an array');
  return item as readonly Plain[];
}

export function bytesOf(item: Plain | undefined): Uint8Array {
  if (item instanceof Uint8Array) return item;
  throw new TypeError('bytes');
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** Roots of sessions, receipts, graves and floors, from the tables of a snapshot alone. */
export function sessionRootsByHand(
  sessions: Plain | undefined,
  graves: Plain | undefined,
  floors: Plain | undefined,
): readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  const rows = listOf(sessions).map(listOf);
  const kept = rows.map((row): Pair => {
    const receipts = listOf(row.at(-1)).map((one) => hashByHand('stored-receipt', reference(one)));
    return [bytesOf(row[0]), joined(receipts)];
  });
  return [
    trieByHand(rows.map((row): Pair => [bytesOf(row[0]), reference(row.slice(0, -1))])),
    trieByHand(kept.filter(([, digests]) => digests.length > 0)),
    trieByHand(
      listOf(graves)
        .map(listOf)
        .map(([key, ...rest]): Pair => [bytesOf(key), reference(rest)]),
    ),
    trieByHand(
      listOf(floors)
        .map(listOf)
        .map((row): Pair => [bytesOf(row[0]), reference(row)]),
    ),
  ];
}
