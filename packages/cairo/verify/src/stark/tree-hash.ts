// How rows and nodes of a Merkle tree are hashed: by bytes, or by Poseidon in the upper levels.
import {
  demand,
  type Hash,
  P,
  poseidon,
  poseidonMany,
  readUint,
  toBytes32,
} from '@fatty/cairo-air';

/** How a committed table hashes its rows and the nodes of its Merkle tree; digests of 32 bytes. */
export interface TreeHash {
  /** Digest of a row in a tree of 2^height leaves; cells in Montgomery form. One cell is its own. */
  leaf(cells: readonly bigint[], height: number): Uint8Array;
  /** Digest of two siblings (64 bytes) that stand `depth` levels below the root. */
  node(pair: Uint8Array, depth: number): Uint8Array;
}

/** The bytes of a row's leaf: its cells as they stand in the proof. */
function leafBytes(cells: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(32 * cells.length);
  for (const [i, cell] of cells.entries()) bytes.set(toBytes32(cell), 32 * i);
  return bytes;
}

/** One byte hash for everything. */
export function byteTree(hash: Hash): TreeHash {
  const leaf = (cells: readonly bigint[]): Uint8Array => {
    const row = leafBytes(cells);
    return cells.length === 1 ? row : hash(row);
  };
  return { leaf, node: (pair) => hash(pair) };
}

/**
 * Poseidon for the `layers` levels below the root, the byte hash underneath; rows count as the
 * level below the leaves. @throws Rejected `felt_range` for a digest at or above p
 */
export function friendlyTree(hash: Hash, layers: number): TreeHash {
  const bytes = byteTree(hash);
  const felt = (pair: Uint8Array, at: number): bigint => {
    const value = readUint(pair, at, 32);
    demand(value < P, 'felt_range', 'a digest below p', 'one at or above p');
    return value;
  };
  return {
    leaf: (cells, height) =>
      layers > height && cells.length > 1
        ? toBytes32(poseidonMany(cells))
        : bytes.leaf(cells, height),
    node: (pair, depth) =>
      depth <= layers
        ? toBytes32(poseidon(felt(pair, 0), felt(pair, 32)))
        : bytes.node(pair, depth),
  };
}
