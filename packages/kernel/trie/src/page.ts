// A run of a trie's entries with their values: the pages of a listing, the chunks of a snapshot.
import { array, bytes, decode, encode, fail, ok, record, type Shape } from '@fatty/codec';
import type { Digest, Outcome } from '@fatty/interface';
import { Inner, Leaf, type Node, packedValue } from './node.ts';
import { bad, openProof, type Proof, proofShape, prune } from './proof.ts';
import { leavesFrom, type Trie } from './trie.ts';

const COUNT_MAX = 2 ** 32 - 1;

interface PageBytes {
  readonly proof: Proof;
  /** Of the leaves of the proof, in their order. */
  readonly values: readonly Uint8Array[];
}

/** A page as it is sent. */
export const pageShape: Shape<PageBytes> = record<PageBytes>({
  proof: proofShape,
  values: array(bytes(COUNT_MAX), COUNT_MAX),
});

/** The value of a key that is in the trie: a trie keeps digests only. */
export type ReadValue = (key: Uint8Array) => Uint8Array;

/** A run of positions in the order of a trie: where it begins, and how many there are. */
export interface Run {
  readonly from: number;
  readonly count: number;
}

/** What an entry takes in a page besides its key and value, bytes at most. */
const ENTRY_BYTES = 64;
/** What an inner node and a stub take. */
const STEP_BYTES = 52;
const HEAD_BYTES = 32;

/**
 * Cuts a trie into runs whose pages have at most `bytesMax` bytes; one that holds a single entry may have
 * more. Where the cuts are follows from the trie and `bytesMax` alone. Reads every value once.
 */
export function* cut(
  trie: Trie,
  read: ReadValue,
  bytesMax: number,
): Generator<Run, void, undefined> {
  const room = bytesMax - HEAD_BYTES - 2 * STEP_BYTES * trie.depth();
  let [from, count, size] = [0, 0, 0];
  for (const { key } of trie.entries()) {
    const own = key.length + read(key).length + ENTRY_BYTES;
    if (count > 0 && size + own > room) {
      yield { from, count };
      [from, count, size] = [from + count, 0, 0];
    }
    count += 1;
    size += own;
  }
  if (count > 0) yield { from, count };
}

/** The entries of a run with what holds them to the root; the run must be within the trie. */
export function provePage(trie: Trie, { from, count }: Run, read: ReadValue): Uint8Array {
  if (from + count > trie.size || (count < 1 && trie.size > 0)) {
    throw new RangeError('a page is a part of its trie, and shows something of it');
  }
  const values: Uint8Array[] = [];
  for (const { key } of leavesFrom(trie.top, from)) {
    if (values.length === count) break;
    values.push(read(key));
  }
  return encode(pageShape, { proof: prune(trie.top, from, from + count), values });
}

/** An entry with its value. */
export interface PageEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What a page has shown. It is all of the trie when it has `total` entries; the last one ends at `total`. */
export interface Page {
  /** Position of its first entry. */
  readonly from: number;
  /** Entries without a gap between them, in the order of the trie. */
  readonly entries: readonly PageEntry[];
  /** Keys of the whole trie. */
  readonly total: number;
}

/** Codes of `decode`, `bad_trie_proof`, `wrong_root`, `wrong_value` (not the one of its leaf). */
export function checkPage(root: Digest, page: Uint8Array, bytesMax: number): Outcome<Page> {
  const opened = decode(pageShape, page, bytesMax);
  if (!opened.ok) return opened;
  const { proof, values } = opened.value;
  const shown = openProof(root, proof);
  if (!shown.ok) return shown;
  const { top } = shown.value;
  const run = runOf(top);
  if (run === undefined) return bad('a gap between its entries');
  if (run.leaves.length !== values.length) return bad('more values than keys, or fewer');
  const entries: PageEntry[] = [];
  for (const [i, { key, value: expected }] of run.leaves.entries()) {
    const value = values[i] ?? key;
    if (packedValue(value) !== expected) {
      return fail('wrong_value', 'the value that the root covers', `another one at ${i}`);
    }
    entries.push({ key, value });
  }
  return ok({ from: run.from, entries, total: top?.count ?? 0 });
}

/** {@link checkPage} of a run that is known beforehand. Besides its codes: `other_run`. */
export function checkRun(
  root: Digest,
  run: Run,
  page: Uint8Array,
  bytesMax: number,
): Outcome<Page> {
  const checked = checkPage(root, page, bytesMax);
  if (!checked.ok) return checked;
  const { from, entries } = checked.value;
  if (from === run.from && entries.length === run.count) return checked;
  const actual = `${entries.length} from ${from} on`;
  return fail('other_run', `${run.count} entries from ${run.from} on`, actual);
}

/** The leaves shown and how many are before them; undefined when something is left out in between. */
function runOf(top: Node | undefined): { from: number; leaves: readonly Leaf[] } | undefined {
  const leaves: Leaf[] = [];
  let [from, isOver, isBroken] = [0, false, false];
  const visit = (node: Node): void => {
    if (node instanceof Inner) {
      visit(node.left);
      visit(node.right);
    } else if (node instanceof Leaf) {
      if (isOver) isBroken = true;
      leaves.push(node);
    } else if (leaves.length > 0) isOver = true;
    else from += node.count;
  };
  if (top !== undefined) visit(top);
  return isBroken ? undefined : { from, leaves };
}
