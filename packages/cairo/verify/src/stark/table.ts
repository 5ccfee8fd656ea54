// Opened rows of a committed table, and their Merkle paths.
import { demand } from '@fatty/cairo-air';
import { equalBytes, toHex } from '@fatty/codec';
import type { Transcript } from './transcript.ts';
import type { TreeHash } from './tree-hash.ts';

/** A committed table of 2^rowsLog rows: one Merkle leaf per row. */
export interface Table {
  readonly root: Uint8Array;
  readonly rowsLog: number;
  readonly columns: number;
  /** Prefix of its lines in a transcript. */
  readonly label: string;
}

/**
 * Reads the rows at `indices` (ascending, each once) and authenticates them. `known` gives cells
 * that the verifier computed itself (Montgomery form); the proof holds the others only.
 * @throws Rejected `truncated felt_range bad_merkle`
 */
export function decommit(
  transcript: Transcript,
  hash: TreeHash,
  table: Table,
  indices: readonly number[],
  known: (row: number, column: number) => bigint | undefined,
): bigint[][] {
  const { label, columns } = table;
  const rows = indices.map((row) => {
    const cells: bigint[] = [];
    for (let column = 0; column < columns; column++) {
      const line = (): string => `${label}: Row ${row}, Column ${column}`;
      cells.push(known(row, column) ?? transcript.felt(line));
    }
    return cells;
  });
  const leaves = rows.map((cells, i) => ({
    node: 2 ** table.rowsLog + (indices[i] as number),
    digest: hash.leaf(cells, table.rowsLog),
  }));
  authenticate(transcript, hash, table, leaves);
  return rows;
}

/** A node of the Merkle tree by its heap index: root 1, children 2i and 2i + 1. */
interface TreeNode {
  readonly node: number;
  readonly digest: Uint8Array;
}

/** Climbs level by level; a sibling that is not computed here is read, left to right. */
function authenticate(
  transcript: Transcript,
  hash: TreeHash,
  table: Table,
  leaves: readonly TreeNode[],
): void {
  const pair = new Uint8Array(64);
  let level = leaves;
  for (let left = table.rowsLog; left > 0; left--) {
    const parents: TreeNode[] = [];
    for (let i = 0; i < level.length; i++) {
      const { node, digest } = level[i] as TreeNode;
      const sibling = node % 2 === 0 ? node + 1 : node - 1;
      const next = level[i + 1];
      const isNext = next?.node === sibling;
      if (isNext) i++;
      const label = (): string => `${table.label}: For node ${sibling}`;
      const other = next !== undefined && isNext ? next.digest : transcript.digest(label);
      pair.set(digest, node % 2 === 0 ? 0 : 32);
      pair.set(other, node % 2 === 0 ? 32 : 0);
      parents.push({ node: Math.floor(node / 2), digest: hash.node(pair, left) });
    }
    level = parents;
  }
  const [root] = level;
  const found = root?.digest ?? new Uint8Array(0);
  const holds = equalBytes(found, table.root);
  demand(holds, 'bad_merkle', `${table.label} root ${toHex(table.root)}`, toHex(found));
}
