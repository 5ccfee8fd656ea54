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

/** Digests of eight groups of eight places each, joined; the place of a receipt is its seq mod 64. */
function groupsByHand(receipts: readonly Plain[]): Uint8Array {
  const places: Uint8Array[] = Array.from({ length: 64 }, () => new Uint8Array(32));
  for (const receipt of receipts) {
    const place = Number(listOf(receipt)[0]) % 64;
    places[place] = hashByHand('stored-receipt', reference(receipt));
  }
  const groups = Array.from({ length: 8 }, (_, group) =>
    hashByHand('receipt-group', ...places.slice(8 * group, 8 * group + 8)),
  );
  return joined(groups);
}

/** Roots of sessions, receipts, graves and floors, from the tables of a snapshot alone. */
export function sessionRootsByHand(
  sessions: Plain | undefined,
  graves: Plain | undefined,
  floors: Plain | undefined,
): readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  const rows = listOf(sessions).map(listOf);
  const kept = rows.map((row): Pair => {
    const receipts = listOf(row.at(-1));
    return [bytesOf(row[0]), receipts.length === 0 ? Uint8Array.of() : groupsByHand(receipts)];
  });
  return [
    trieByHand(rows.map((row): Pair => [bytesOf(row[0]), reference(row.slice(0, -1))])),
    trieByHand(kept.filter(([, groups]) => groups.length > 0)),
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
