/** Weight of a `removeSubtree`, which may take 1,000 nodes: some 500 ordinary ops' work. */
export const SUBTREE_WEIGHT = 512;
/** So many bytes of an op weigh as much as another op: they are hashed, kept and compared. */
const BYTES_PER_WEIGHT = 1024;

/** Its tag on the wire (`opShape`), a small number. */
const SUBTREE_TAG = 14;

/**
 * What it costs every replica at most to apply an op, in ordinary ops (R11): a pure function of its
 * canonical bytes, which are a short array that begins with the tag of its kind.
 */
export function weightOf(op: Uint8Array): number {
  const extra = Math.floor(op.length / BYTES_PER_WEIGHT);
  return extra + (op[1] === SUBTREE_TAG ? SUBTREE_WEIGHT : 1);
}
