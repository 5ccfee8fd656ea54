// What proofs of a state say, once they are held to its root.
import { splitPath } from '@fatty/api';
import { decode, equalBytes, ok, sha256, utf8 } from '@fatty/codec';
import type { Digest, Outcome, SessionId } from '@fatty/interface';
import {
  groupDigest,
  groupDigestOf,
  receiptDigest,
  receiptsIn,
  type StoredReceipt,
} from '@fatty/sessions';
import { checkPage } from '@fatty/trie';
import { badProof, checkEntry, checkNodeAt, checkState, readEntry } from './check.ts';
import {
  claimProofShape,
  listProofShape,
  type NodeProof,
  nodeProofShape,
  PROOF_BYTES_MAX,
  receiptProofShape,
} from './proofs.ts';
import {
  type ClaimRecord,
  claimRecordShape,
  type Head,
  lockRecordShape,
  type NodeRecord,
  nodeRecordShape,
  type SessionRow,
  sessionRowShape,
} from './records.ts';

/** A node, and when. */
export interface ProvedNode {
  readonly head: Head;
  /** Undefined: no node is there. */
  readonly node: NodeRecord | undefined;
}

/** What is at a path. Codes of `decode`, `checkKey` and `splitPath`, `bad_proof`, `wrong_root`. */
export function checkNode(stateRoot: Digest, path: string, proof: Uint8Array): Outcome<ProvedNode> {
  const opened = decode(nodeProofShape, proof, PROOF_BYTES_MAX);
  return opened.ok ? nodeAt(stateRoot, path, opened.value) : opened;
}

function nodeAt(stateRoot: Digest, path: string, proof: NodeProof): Outcome<ProvedNode> {
  const names = splitPath(path);
  if (!names.ok) return names;
  const state = checkState(stateRoot, proof.state);
  if (!state.ok) return state;
  const node = checkNodeAt(state.value.names, names.value.map(utf8), proof.path);
  return node.ok ? ok({ head: state.value.head, node: node.value }) : node;
}

/** Whether these are the contents of a file, in order. Code `bad_proof`. */
export function checkContents(node: NodeRecord, contents: readonly Uint8Array[]): Outcome<true> {
  const { siblings } = node.body;
  const isWhole =
    contents.length === siblings.length &&
    siblings.every(({ checksum, size }, i) => {
      const content = contents[i];
      return content?.length === size && equalBytes(sha256(content), checksum);
    });
  return isWhole ? ok(true) : badProof(`the ${siblings.length} contents of the file`, 'others');
}

/** A child of a directory. */
export interface ProvedChild {
  readonly name: Uint8Array;
  readonly node: NodeRecord;
}

/** A run of a directory's children, and when. */
export interface ProvedList extends ProvedNode {
  /** In the order of the directory's trie: that of the hashes of their names. */
  readonly children: readonly ProvedChild[];
  /** Position of the first of them in that order. */
  readonly from: number;
  /** How many children there are: a listing is whole when its pages follow one another up to here. */
  readonly total: number;
}

/**
 * The children of a directory, or a page of them; `node` says what is at the path. Codes as
 * {@link checkNode}, and of `checkPage`.
 */
export function checkList(stateRoot: Digest, path: string, proof: Uint8Array): Outcome<ProvedList> {
  const opened = decode(listProofShape, proof, PROOF_BYTES_MAX);
  if (!opened.ok) return opened;
  const { page } = opened.value;
  const node = nodeAt(stateRoot, path, opened.value);
  if (!node.ok) return node;
  const directory = node.value.node?.children;
  if (directory === undefined) {
    const nothing = { ...node.value, children: [], from: 0, total: 0 };
    return page === undefined ? ok(nothing) : badProof('no page of what is no directory', 'one');
  }
  if (page === undefined) return badProof('a page of the directory', 'none');
  const run = checkPage(directory.root, page, PROOF_BYTES_MAX);
  if (!run.ok) return run;
  const children: ProvedChild[] = [];
  for (const { key, value } of run.value.entries) {
    const child = decode(nodeRecordShape, value, PROOF_BYTES_MAX);
    if (!child.ok) return child;
    children.push({ name: key, node: child.value });
  }
  const { from, total } = run.value;
  return ok({ ...node.value, children, from, total });
}

/** What a session has to do with a lock, and when. */
export interface ProvedClaim {
  readonly head: Head;
  /** Undefined: it neither holds the lock nor waits for it. */
  readonly claim: { readonly record: ClaimRecord; readonly session: SessionRow } | undefined;
}

/** Whether a session holds, or waits for, the lock of a path. Codes as {@link checkNode}. */
export function checkClaim(
  stateRoot: Digest,
  path: string,
  session: SessionId,
  proof: Uint8Array,
): Outcome<ProvedClaim> {
  const opened = decode(claimProofShape, proof, PROOF_BYTES_MAX);
  if (!opened.ok) return opened;
  const { value: parts } = opened;
  const state = checkState(stateRoot, parts.state);
  if (!state.ok) return state;
  const { head, locks, sessions } = state.value;
  const lock = readEntry(locks, utf8(path), parts.lock, lockRecordShape);
  if (!lock.ok) return lock;
  if (lock.value === undefined) return claimOf(head, undefined, parts.claim ?? parts.session);
  if (parts.claim === undefined) return badProof('the claims of the lock', 'none');
  const claim = readEntry(lock.value.claims, session, parts.claim, claimRecordShape);
  if (!claim.ok) return claim;
  if (claim.value === undefined) return claimOf(head, undefined, parts.session);
  if (parts.session === undefined) return badProof('the session of the claim', 'none');
  const row = readEntry(sessions, session, parts.session, sessionRowShape);
  if (!row.ok) return row;
  if (row.value === undefined)
    return badProof('the session of the claim', 'a proof that there is none');
  return claimOf(head, { record: claim.value, session: row.value }, undefined);
}

function claimOf(head: Head, claim: ProvedClaim['claim'], excess: unknown): Outcome<ProvedClaim> {
  return excess === undefined ? ok({ head, claim }) : badProof('no part that nothing needs', 'one');
}

/** The receipts that a session keeps in the group of a seq, and when. */
export interface ProvedKept {
  readonly head: Head;
  /** Their digests; none: the session keeps none there, or is none that lives. */
  readonly kept: readonly Uint8Array[];
}

/** What a session keeps of the receipt of a seq, and of its neighbours. Codes as {@link checkNode}. */
export function checkKept(
  stateRoot: Digest,
  { session, seq }: { readonly session: SessionId; readonly seq: number },
  proof: Uint8Array,
): Outcome<ProvedKept> {
  const opened = decode(receiptProofShape, proof, PROOF_BYTES_MAX);
  if (!opened.ok) return opened;
  const state = checkState(stateRoot, opened.value.state);
  if (!state.ok) return state;
  const { head, receipts } = state.value;
  const { kept, group } = opened.value;
  const groups = checkEntry(receipts, session, kept);
  if (!groups.ok) return groups;
  if (groups.value === undefined || group === undefined) {
    if (groups.value === group) return ok({ head, kept: [] });
    return badProof('a group of a session that keeps receipts, and of no other', 'the opposite');
  }
  if (!equalBytes(groupDigest(group), groupDigestOf(groups.value, seq))) {
    return badProof('the group that the root covers', 'another');
  }
  return ok({ head, kept: receiptsIn(group) });
}

/** Whether this very receipt is one of those that are kept. */
export function isKept({ kept }: ProvedKept, receipt: StoredReceipt): boolean {
  const own = receiptDigest(receipt);
  return kept.some((one) => equalBytes(one, own));
}
