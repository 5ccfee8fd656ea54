// A trie: one root for a set of keys and values, and proofs about it.
export { checkKey, KEY_PROOF_BYTES_MAX, proveKey } from './key.ts';
export { valueDigest } from './node.ts';
export {
  checkPage,
  checkRun,
  cut,
  type Page,
  type PageEntry,
  provePage,
  type ReadValue,
  type Run,
} from './page.ts';
export { type Table, TableTrie } from './table.ts';
export { type Entry, Trie } from './trie.ts';
