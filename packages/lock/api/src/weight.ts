// What an op costs every replica at most.
import { decodeOp } from './ops.ts';
import { txnWeight } from './txn.ts';

/** Weight of a `removeSubtree`, which may take 1,000 nodes: some 500 ordinary ops' work. */
export const SUBTREE_WEIGHT = 512;
/** Weight of a `claimJob`, which may look at 1,024 jobs of a queue. */
export const CLAIM_WEIGHT = 16;
/** Weight of a `rotateKey`: a signature is checked, and the key's sessions are looked for among all. */
export const ROTATE_WEIGHT = 128;
/** So many bytes of an op weigh as much as another op: they are hashed, kept and compared. */
const BYTES_PER_WEIGHT = 1024;

/** By their tags on the wire (`opShape`). */
const WEIGHTS: ReadonlyMap<number | undefined, number> = new Map([
  [5, ROTATE_WEIGHT],
  [14, SUBTREE_WEIGHT],
  [41, CLAIM_WEIGHT],
]);
/** Before a number of one byte that is not a small one. */
const ONE_BYTE = 0x18;
const TXN_TAG = 16;

/**
 * What it costs every replica at most to apply an op, in ordinary ops (R11): a pure function of its
 * canonical bytes, which are a short array that begins with the tag of its kind.
 */
export function weightOf(op: Uint8Array): number {
  const extra = Math.floor(op.length / BYTES_PER_WEIGHT);
  const tag = op[1] === ONE_BYTE ? op[2] : op[1];
  return extra + (WEIGHTS.get(tag) ?? 1) + (tag === TXN_TAG ? weightOfTxn(op) : 0);
}

function weightOfTxn(bytes: Uint8Array): number {
  const op = decodeOp(bytes);
  return op.ok && op.value.kind === 'txn' ? txnWeight(op.value) : 0;
}
