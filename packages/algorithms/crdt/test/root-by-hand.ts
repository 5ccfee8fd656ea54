// Test oracle: the root of a tree from its snapshot alone.
import { hashByHand, sha256ByHand } from '../../../kernel/codec/test/by-hand.ts';
import { type Plain, reference } from '../../../kernel/codec/test/reference.ts';

const SIBLINGS = 10;

function list(item: Plain | undefined): readonly Plain[] {
  if (!Array.isArray(item)) throw new TypeError('an array');
  return item as readonly Plain[];
}

function bytesIn(item: Plain | undefined): Uint8Array {
  if (item instanceof Uint8Array) return item;
  throw new TypeError('bytes');
}

/** A node's body as its digest covers it: contents stand as checksum and size. */
function leafOf(body: Plain | undefined): Plain {
  const fields = [...list(body)];
  fields[SIBLINGS] = list(fields[SIBLINGS]).map((sibling) => {
    const [id = [], position = [], content] = list(sibling);
    const bytes = bytesIn(content);
    return [id, position, sha256ByHand(bytes), bytes.length];
  });
  return fields;
}

/**
 * Root of a tree from its snapshot's lines alone (depth, name, body, in pre-order): what somebody
 * who was handed a snapshot has to compute before believing it.
 */
export function rootByHand(lines: Plain): Uint8Array {
  const rows = list(lines).map(list);
  const digestAt = (at: number): Uint8Array => {
    const depth = Number(rows[at]?.[0]);
    const children: Plain[] = [];
    for (let i = at + 1; i < rows.length && Number(rows[i]?.[0]) > depth; i++) {
      if (Number(rows[i]?.[0]) === depth + 1) children.push([bytesIn(rows[i]?.[1]), digestAt(i)]);
    }
    return hashByHand('tree-node', reference([leafOf(rows[at]?.[2]), children]));
  };
  return digestAt(0);
}
