// Proofs of what is committed, for whoever knows the state root.
import { CONTENTS_BYTES_MAX, splitPath } from '@fatty/api';
import { encode, fail, ok, toHex, utf8 } from '@fatty/codec';
import type { Outcome, SessionId } from '@fatty/interface';
import { groupBytes } from '@fatty/sessions';
import { proveKey, provePage, type Trie } from '@fatty/trie';
import {
  claimProofShape,
  claimRecordShape,
  type EntryProof,
  encodeProved,
  listProofShape,
  nodeProofShape,
  type PathProof,
  type ProofQuestion,
  receiptProofShape,
  sessionRowShape,
} from '@fatty/verify';
import { type Node, nameText } from './names.ts';
import type { State } from './state.ts';

/** A page of a listing is no longer than this, whatever is asked for, bytes. */
const PAGE_BYTES_MAX = 256 * 1024;

/** A state, and the record that its root is the hash of: its own, or that of an earlier time (`Provable`). */
export interface Proven {
  readonly state: State;
  readonly record: Uint8Array;
}

/**
 * The proof of what is committed, as package verify checks it. Codes of `splitPath`, `out_of_range`.
 */
export function prove(proven: Proven, question: ProofQuestion): Outcome<Uint8Array> {
  switch (question.kind) {
    case 'file':
    case 'node':
      return proveNode(proven, question.path);
    case 'list':
      return proveList(proven, question);
    case 'claim':
      return proveClaim(proven, question.path, question.session);
    case 'receipts':
      return ok(proveReceipts(proven, question));
  }
}

/** The same with what a reader needs besides: bytes of `Proved`. Code `answer_too_large`. */
export function proveAll(proven: Proven, question: ProofQuestion): Outcome<Uint8Array> {
  const proof = prove(proven, question);
  if (!proof.ok) return proof;
  const contents = question.kind === 'file' ? contentsAt(proven.state, question.path) : [];
  const size = contents.reduce((sum, { length }) => sum + length, 0);
  if (size > CONTENTS_BYTES_MAX) {
    return fail('answer_too_large', `at most ${CONTENTS_BYTES_MAX} bytes`, `${size} bytes`);
  }
  return ok(encodeProved({ proof: proof.value, contents }));
}

function contentsAt(state: State, path: string): readonly Uint8Array[] {
  return state.names.find(path)?.siblings.map(({ bytes }) => bytes) ?? [];
}

/** What is at a path, or that nothing is: `NodeProof` bytes. */
function proveNode({ state, record }: Proven, path: string): Outcome<Uint8Array> {
  const names = splitPath(path);
  if (!names.ok) return names;
  const proof = { state: record, path: wayTo(state, names.value).path };
  return ok(encode(nodeProofShape, proof));
}

/**
 * Children of a directory, as many as fit and at least one; or that no directory is at the path: `ListProof`
 * bytes.
 */
function proveList(
  { state, record }: Proven,
  { path, from, bytesMax }: Extract<ProofQuestion, { kind: 'list' }>,
): Outcome<Uint8Array> {
  const names = splitPath(path);
  if (!names.ok) return names;
  const { path: way, node } = wayTo(state, names.value);
  const isDirectory = node?.kind === 'directory';
  const trie = isDirectory ? state.names.trieOf(node) : undefined;
  if (trie !== undefined && from > 0 && from >= trie.size) {
    return fail('out_of_range', `one of ${trie.size} children`, `${from}`);
  }
  const page = trie && node && pageOf(state, node, trie, from, Math.min(bytesMax, PAGE_BYTES_MAX));
  return ok(encode(listProofShape, { state: record, path: way, page }));
}

/** Whether a session holds, or waits for, the lock of a path: `ClaimProof` bytes. */
function proveClaim(
  { state, record: stateRecord }: Proven,
  path: string,
  id: SessionId,
): Outcome<Uint8Array> {
  const names = splitPath(path);
  if (!names.ok) return names;
  const { tries } = state.locks;
  const record = tries.recordOf(path);
  const lock = entryOf(tries.trie(), utf8(path), record);
  const found = record && state.sessions.get(toHex(id));
  const claim = found?.claims.get(path);
  const proof = {
    state: stateRecord,
    lock,
    claim: record && entryOf(tries.claimsOf(path), id, claim && encode(claimRecordShape, claim)),
    session:
      claim && found && entryOf(state.sessions.tries.rows, id, encode(sessionRowShape, found)),
  };
  return ok(encode(claimProofShape, proof));
}

/** The receipts that a session keeps in the group of a seq, by their digests: `ReceiptProof` bytes. */
function proveReceipts(
  { state, record }: Proven,
  { session: id, seq }: Extract<ProofQuestion, { kind: 'receipts' }>,
): Uint8Array {
  const { tries } = state.sessions;
  const key = toHex(id);
  const kept = entryOf(tries.receipts, id, tries.keptOf(key));
  const receipts = state.sessions.get(key)?.receipts ?? [];
  const group = receipts.length === 0 ? undefined : groupBytes(receipts, seq);
  return encode(receiptProofShape, { state: record, kept, group });
}

function entryOf(trie: Trie, key: Uint8Array, value: Uint8Array | undefined): EntryProof {
  return { step: proveKey(trie, key), value };
}

/** The way to a path as far as it goes, and the node there. */
function wayTo(
  state: State,
  names: readonly string[],
): { readonly path: PathProof; readonly node: Node | undefined } {
  let node: Node = state.names.top;
  const records = [state.names.recordOf(node)];
  const steps: Uint8Array[] = [];
  for (const name of names) {
    if (node.kind === 'file') return { path: { records, steps }, node: undefined };
    steps.push(proveKey(state.names.trieOf(node), utf8(name)));
    const child = state.names.childOf(node, name);
    if (child === undefined) return { path: { records, steps }, node: undefined };
    records.push(state.names.recordOf(child));
    node = child;
  }
  return { path: { records, steps }, node };
}

/** Besides its record, what a child takes in a page at most: its name, and a step of the way. */
const CHILD_BYTES = 400;

function pageOf(state: State, node: Node, trie: Trie, from: number, bytesMax: number): Uint8Array {
  const records = new Map<string, Uint8Array>();
  let bytes = 0;
  for (const { key } of trie.entries(from)) {
    const child = state.names.childOf(node, nameText(key));
    if (child === undefined) break;
    const record = state.names.recordOf(child);
    bytes += record.length + CHILD_BYTES;
    if (records.size > 0 && bytes > bytesMax) break;
    records.set(toHex(key), record);
  }
  const read = (key: Uint8Array): Uint8Array => records.get(toHex(key)) ?? key;
  return provePage(trie, { from, count: records.size }, read);
}
