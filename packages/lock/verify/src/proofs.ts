// What an answer carries to prove itself: parts of the state, up to its root.
import { array, bytes, fixed, optional, record, type Shape } from '@fatty/codec';
import { PATH_DEPTH_MAX } from '@fatty/crdt';
import { GROUP_BYTES } from '@fatty/sessions';

/** Longest record of a state, bytes: of a node with all the creates and contents that it may have. */
export const RECORD_BYTES_MAX: number = 64 * 1024;
/** Longest way through one trie, bytes. */
export const STEP_BYTES_MAX: number = 16 * 1024;
/** Longest proof, bytes: a page of a listing is the largest. */
export const PROOF_BYTES_MAX: number = 1024 * 1024;

/**
 * The way from the namespace's root to a path. `steps[i]` (`proveKey`) shows the i-th name in the
 * directory of `records[i]`; it leads to `records[i + 1]`, or shows that the name is not there and ends.
 * A path below a file ends at the file, without a step.
 */
export interface PathProof {
  readonly records: readonly Uint8Array[];
  readonly steps: readonly Uint8Array[];
}

const recordBytes = bytes(RECORD_BYTES_MAX);
const stepBytes = bytes(STEP_BYTES_MAX);

const pathProofShape: Shape<PathProof> = record<PathProof>({
  records: array(recordBytes, PATH_DEPTH_MAX + 1),
  steps: array(stepBytes, PATH_DEPTH_MAX),
});

/** A node, or its absence. */
export interface NodeProof {
  /** The state record. */
  readonly state: Uint8Array;
  readonly path: PathProof;
}

/** Canonical bytes of {@link NodeProof}. */
export const nodeProofShape: Shape<NodeProof> = record<NodeProof>({
  state: recordBytes,
  path: pathProofShape,
});

/** A run of a directory's children. */
export interface ListProof extends NodeProof {
  /** `provePage` of the directory's trie; missing where no directory is at the path. */
  readonly page: Uint8Array | undefined;
}

/** Canonical bytes of {@link ListProof}. */
export const listProofShape: Shape<ListProof> = record<ListProof>({
  state: recordBytes,
  path: pathProofShape,
  page: optional(bytes(PROOF_BYTES_MAX)),
});

/** A key of a trie with its value, or without: then the step shows that it is not there. */
export interface EntryProof {
  readonly step: Uint8Array;
  readonly value: Uint8Array | undefined;
}

const entryProofShape: Shape<EntryProof> = record<EntryProof>({
  step: stepBytes,
  value: optional(recordBytes),
});

/** What a session has to do with the lock of a path. */
export interface ClaimProof {
  readonly state: Uint8Array;
  /** Path to lock. */
  readonly lock: EntryProof;
  /** Session to claim; missing where the path has no lock. */
  readonly claim: EntryProof | undefined;
  /** The session; missing where it has no claim. */
  readonly session: EntryProof | undefined;
}

/** Canonical bytes of {@link ClaimProof}. */
export const claimProofShape: Shape<ClaimProof> = record<ClaimProof>({
  state: recordBytes,
  lock: entryProofShape,
  claim: optional(entryProofShape),
  session: optional(entryProofShape),
});

/** What became of a batch, as the session keeps it. */
export interface ReceiptProof {
  readonly state: Uint8Array;
  /** Session to the digests of the groups of its receipts. */
  readonly kept: EntryProof;
  /** Digests of the receipts in the group of the seq; missing where the session keeps none. */
  readonly group: Uint8Array | undefined;
}

/** Canonical bytes of {@link ReceiptProof}. */
export const receiptProofShape: Shape<ReceiptProof> = record<ReceiptProof>({
  state: recordBytes,
  kept: entryProofShape,
  group: optional(fixed(GROUP_BYTES)),
});
