// Whether a key is in a trie, and with which value.
import { decode, encode, equalBytes, ok, unpackDigest } from '@fatty/codec';
import type { Digest, Outcome } from '@fatty/interface';
import { bitOf, Inner, placeOf, Stub } from './node.ts';
import { bad, openProof, proofShape, prune } from './proof.ts';
import type { Trie } from './trie.ts';

/** Longest proof about one key, besides the key that it ends at, bytes: one inner node and stub a bit. */
export const KEY_PROOF_BYTES_MAX: number = 256 * 52 + 64;

/** What shows whether a key is there: the way to the leaf at which the search for it ends. */
export function proveKey(trie: Trie, key: Uint8Array): Uint8Array {
  const at = trie.positionNear(key);
  return encode(proofShape, prune(trie.top, at, at + 1));
}

/**
 * The digest of a key's value in the trie of this root (`valueDigest`); undefined: the key is not in it.
 * `keyBytesMax`: of the keys of this trie. Codes of `decode`, `bad_trie_proof`, `wrong_root`.
 */
export function checkKey(
  root: Digest,
  key: Uint8Array,
  proof: Uint8Array,
  keyBytesMax: number,
): Outcome<Digest | undefined> {
  const nodes = decode(proofShape, proof, KEY_PROOF_BYTES_MAX + keyBytesMax);
  if (!nodes.ok) return nodes;
  const shown = openProof(root, nodes.value);
  if (!shown.ok) return shown;
  let at = shown.value.top;
  const place = placeOf(key);
  while (at instanceof Inner) at = bitOf(place, at.bit) === 0 ? at.left : at.right;
  if (at instanceof Stub) return bad('a proof about other keys');
  if (at === undefined || !equalBytes(at.key, key)) return ok(undefined);
  return ok(unpackDigest(at.value));
}
