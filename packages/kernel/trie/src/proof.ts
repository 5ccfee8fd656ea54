// What a proof shows: a trie with parts left out, whose root is still that of the whole.
import {
  array,
  bytes,
  digest,
  equalBytes,
  fail,
  ok,
  packDigest,
  record,
  type Shape,
  u8,
  u53,
  union,
  unpackDigest,
} from '@fatty/codec';
import type { Digest, Outcome } from '@fatty/interface';
import { digestOf, Inner, Leaf, type Node, rootOf, Stub } from './node.ts';

/** A node as proofs write it. Nodes come in pre-order: one, what is on its left, what is on its right. */
export type ProofNode =
  | { readonly kind: 'inner'; readonly bit: number }
  | { readonly kind: 'leaf'; readonly key: Uint8Array; readonly value: Digest }
  | { readonly kind: 'stub'; readonly count: number; readonly digest: Digest };

/** Items of a message are bounded by its bytes. */
const COUNT_MAX = 2 ** 32 - 1;

const nodeShape: Shape<ProofNode> = union<ProofNode>({
  inner: [0, record({ bit: u8 })],
  leaf: [1, record({ key: bytes(COUNT_MAX), value: digest })],
  stub: [2, record({ count: u53, digest })],
});

/** All of what a proof shows; nothing at all: the trie without keys. */
export type Proof = readonly ProofNode[];
/** Canonical bytes of a proof. */
export const proofShape: Shape<Proof> = array(nodeShape, COUNT_MAX);

/** The nodes of a trie on the way to the leaves at these positions, others as stubs. */
export function prune(top: Node | undefined, from: number, to: number): Proof {
  const nodes: ProofNode[] = [];
  const visit = (node: Node, start: number): void => {
    if (to <= start || start + node.count <= from || node instanceof Stub) {
      nodes.push({ kind: 'stub', count: node.count, digest: unpackDigest(digestOf(node)) });
    } else if (node instanceof Leaf) {
      nodes.push({ kind: 'leaf', key: node.key, value: unpackDigest(node.value) });
    } else {
      nodes.push({ kind: 'inner', bit: node.bit });
      visit(node.left, start);
      visit(node.right, start + node.left.count);
    }
  };
  if (top !== undefined) visit(top, 0);
  return nodes;
}

/** What a proof shows, once it is known to be a part of the trie of a root. */
export interface Shown {
  /** Undefined: a trie without keys. */
  readonly top: Node | undefined;
}

/**
 * Reads a proof and holds it to the root: after that every field of it is as in the trie. Codes
 * `bad_trie_proof` (not such a part), `wrong_root`.
 */
export function openProof(root: Digest, proof: Proof): Outcome<Shown> {
  const top = proof.length === 0 ? undefined : grow(proof);
  if (typeof top === 'string') return bad(top);
  // Nothing but the root's own digest is known of such a stub: its count could be any.
  if (top instanceof Stub) return bad('a stub in place of the trie');
  if (!equalBytes(rootOf(top), root)) {
    return fail('wrong_root', 'a proof of the root that was asked about', 'one of another root');
  }
  return ok({ top });
}

/** An outcome that refuses a proof. */
export function bad(actual: string): Outcome<never> {
  return fail('bad_trie_proof', 'a part of a trie', actual);
}

/** The nodes linked, or why they cannot be. */
function grow(proof: Proof): Node | string {
  let at = 0;
  /** `bit`: of the node above. Bits rise on the way down, so the depth is bounded. */
  const read = (bit: number): Node | string => {
    const node = proof[at++];
    if (node === undefined) return 'nodes missing';
    if (node.kind === 'leaf') return new Leaf(node.key, packDigest(node.value));
    if (node.kind === 'stub') {
      return node.count > 0 ? new Stub(node.count, packDigest(node.digest)) : 'an empty stub';
    }
    if (node.bit <= bit) return 'bits out of order';
    const left = read(node.bit);
    if (typeof left === 'string') return left;
    const right = read(node.bit);
    if (typeof right === 'string') return right;
    // Their counts could be shifted from one to the other: the node above covers the sum alone.
    if (left instanceof Stub && right instanceof Stub) return 'two stubs in place of one';
    return new Inner(node.bit, left, right);
  };
  const top = read(-1);
  if (typeof top !== 'string' && at < proof.length) return 'nodes left over';
  return top;
}
