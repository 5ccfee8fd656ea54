// Test oracle: the root of a tree from its snapshot alone.
import { hashByHand, sha256ByHand } from '../../../kernel/codec/test/by-hand.ts';
import { type Plain, reference } from '../../../kernel/codec/test/reference.ts';
import { type Pair, trieByHand } from '../../../kernel/trie/test/by-hand.ts';

const KIND = 2;
const ACL = 10;
const SIBLINGS = 11;
const SLOT = 12;

function list(item: Plain | undefined): readonly Plain[] {
  if (!Array.isArray(item)) throw new TypeError('an array');
  return item as readonly Plain[];
}

function bytesIn(item: Plain | undefined): Uint8Array {
  if (item instanceof Uint8Array) return item;
  throw new TypeError('bytes');
}

/** A node's body as its record has it: contents stand as checksum and size, its ACL as a digest. */
function bodyOf(body: Plain | undefined, slotOf: (slot: Plain) => Plain): Plain {
  const fields = [...list(body)];
  fields[ACL] = list(fields[ACL]).map((acl) => hashByHand('acl', bytesIn(acl)));
  fields[SIBLINGS] = list(fields[SIBLINGS]).map((sibling) => {
    const [id = [], position = [], content] = list(sibling);
    const bytes = bytesIn(content);
    return [id, position, sha256ByHand(bytes), bytes.length];
  });
  fields[SLOT] = slotOf(fields[SLOT] ?? []);
  return fields;
}

/**
 * Root of a tree from its snapshot's lines alone (depth, name, body, in pre-order): what somebody
 * who was handed a snapshot has to compute before believing it.
 */
export function rootByHand(
  lines: Plain,
  slotOf: (slot: Plain) => Plain = (slot) => slot,
): Uint8Array {
  const rows = list(lines).map(list);
  const recordAt = (at: number): Uint8Array => {
    const depth = Number(rows[at]?.[0]);
    const pairs: Pair[] = [];
    for (let i = at + 1; i < rows.length && Number(rows[i]?.[0]) > depth; i++) {
      if (Number(rows[i]?.[0]) === depth + 1) pairs.push([bytesIn(rows[i]?.[1]), recordAt(i)]);
    }
    const body = rows[at]?.[2];
    const isFile = list(body)[KIND] === 1;
    const children: Plain = isFile ? [] : [[trieByHand(pairs), pairs.length]];
    return reference([bodyOf(body, slotOf), children]);
  };
  return hashByHand('tree', recordAt(0));
}
