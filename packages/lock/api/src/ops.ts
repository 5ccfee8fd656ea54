// Ops of the lock service, and their bytes.
import {
  array,
  bytes,
  choice,
  decode,
  digest,
  encode,
  fixed,
  optional,
  publicKey,
  record,
  type Shape,
  signature,
  text,
  u8,
  u32,
  u53,
  u64,
  union,
} from '@fatty/codec';
import type { Digest, Outcome, Position, PublicKey, Signature } from '@fatty/interface';
import { NONCE_BYTES } from '@fatty/protocol';
import { type Acl, aclShape } from './acl.ts';
import { feltShape } from './felt.ts';
import { type FileOp, fileOpArms } from './file-ops.ts';
import { positionShape } from './ids.ts';
import { type InboxTerms, inboxTermsShape } from './inbox.ts';
import { type Fence, fenceShape, type JobTerms, jobTerms } from './jobs.ts';
import { type MachinePolicy, machinePolicyShape } from './machine-policy.ts';
import { pathShape } from './path.ts';
import { type Txn, txnShape } from './txn.ts';

/** One holder alone, or several that share. */
export type LockMode = 'exclusive' | 'shared';
/** What a node of the namespace is. */
export type NodeKind = 'directory' | 'file' | 'machine' | 'job';

/**
 * `lessee`: a proof names who may use it, where, and after which event. `open`: it may be
 * anybody's.
 */
export type Binding = 'lessee' | 'open';

/** Everything a client can ask for (R3, R21; packages/lock/service/README.md). Times in ms. */
export type Op =
  /** Must be op 0 of batch 0; the batch's session is `sessionIdOf(client, nonce, basis)`. */
  | {
      readonly kind: 'openSession';
      readonly nonce: Uint8Array;
      readonly anchor: Digest;
      readonly leaseMs: number;
    }
  | { readonly kind: 'closeSession' }
  /** An op of the algorithm that the cell hosts in place of the lock service. */
  | { readonly kind: 'own'; readonly op: Uint8Array }
  /** Starts a new keep-alive chain before the old one runs out; counts as a keep-alive. */
  | { readonly kind: 'reanchor'; readonly anchor: Digest }
  /**
   * Another key acts for this client from now on: sessions, ACLs, nodes, quotas, machines and jobs are those of the
   * *identity*, which is called by the client's first key for ever. The key that signs this can do nothing more.
   */
  | {
      readonly kind: 'rotateKey';
      readonly newKey: PublicKey;
      /** The new key's signature of `rotationMessage`. */
      readonly proof: Signature;
    }
  /** Nobody acts any more for the identity that this key is one of: asked by itself, or by an administrator. */
  | { readonly kind: 'revokeKey'; readonly key: PublicKey }
  | FileOp
  /** All of one branch, or nothing (txn.ts). */
  | ({ readonly kind: 'txn' } & Txn)
  /** At most {@link SUBTREE_NODES_MAX} nodes of it, children first; the result says what is left. */
  | { readonly kind: 'removeSubtree'; readonly path: string }
  /**
   * Who may do what at a node, `/` included; what is below keeps its own. `generation` is the `aclGen` that the
   * sender has seen, so that the change falls on no other node of this name; 0.0: `/` as the cell began.
   */
  | {
      readonly kind: 'setAcl';
      readonly path: string;
      readonly acl: Acl;
      readonly generation: Position;
    }
  | {
      readonly kind: 'acquire';
      readonly path: string;
      readonly mode: LockMode;
      readonly maxWaitMs: number | undefined;
      readonly lockDelayMs: number;
    }
  | {
      readonly kind: 'tryAcquire';
      readonly path: string;
      readonly mode: LockMode;
      readonly lockDelayMs: number;
    }
  /** `lockGen` given: only that hold. */
  | { readonly kind: 'release'; readonly path: string; readonly lockGen: Position | undefined }
  /** Undoes an acquire of this session, waiting or granted; safe to repeat. */
  | { readonly kind: 'cancel'; readonly seq: number; readonly index: number }
  | {
      readonly kind: 'declareMachine';
      readonly path: string;
      readonly programId: Digest;
      readonly t: bigint;
      readonly s: bigint;
      readonly policy: MachinePolicy;
      readonly binding: Binding;
      /** Cells at the end of the lease statement that the program shows, 0..30. */
      readonly outputs: number;
      /** Undefined: nobody can post to it. */
      readonly inbox: InboxTerms | undefined;
      readonly periodMs: number;
      readonly lockDelayMs: number;
    }
  /** `nonce`: the machine's last event for binding `lessee`; undefined for `open` machines. */
  | {
      readonly kind: 'takeMachine';
      readonly path: string;
      readonly nonce: Position | undefined;
      /** As the machine declared: they say how long the proofs' statements are. */
      readonly outputs: number;
      /** The window of its inbox; 0 for a machine without. */
      readonly inbox: number;
      /** Envelopes of consecutive proofs, oldest first. */
      readonly proofs: readonly Uint8Array[];
    }
  | {
      readonly kind: 'renewMachine';
      readonly path: string;
      readonly nonce: Position | undefined;
      /** As the machine declared: they say how long the proofs' statements are. */
      readonly outputs: number;
      /** The window of its inbox; 0 for a machine without. */
      readonly inbox: number;
      /** Envelopes of consecutive proofs, oldest first. */
      readonly proofs: readonly Uint8Array[];
    }
  | { readonly kind: 'releaseMachine'; readonly path: string }
  /** What the lessee shows while it holds: where it is, and a small file. */
  | {
      readonly kind: 'publish';
      readonly path: string;
      readonly address: string;
      readonly content: Uint8Array;
    }
  /** Puts an entry in a machine's inbox; anybody may. */
  | { readonly kind: 'post'; readonly path: string; readonly entry: bigint }
  /** A node for a job, in the queue that is the directory above it. */
  | (JobTerms & {
      readonly kind: 'declareJob';
      readonly path: string;
      /** Given: only while the session holds that lock, and whoever holds it later may cancel. */
      readonly fence: Fence | undefined;
    })
  /** This job, or at a directory the first of its queue that this client may have. */
  | { readonly kind: 'claimJob'; readonly path: string }
  /** Advances a claimed job, and completes it with its last step. */
  | {
      readonly kind: 'proveJob';
      readonly path: string;
      /** Of the claim. */
      readonly nonce: Position;
      /** As the job declared. */
      readonly outputs: number;
      /** The job's window. */
      readonly inbox: number;
      /** Envelopes of consecutive proofs, oldest first. */
      readonly proofs: readonly Uint8Array[];
    }
  /** The claimant cannot do it: back into the queue. */
  | { readonly kind: 'failJob'; readonly path: string; readonly nonce: Position }
  | { readonly kind: 'cancelJob'; readonly path: string };

/** The name of an op. */
export type OpKind = Op['kind'];

/** Most bytes of one proof. */
export const PROOF_BYTES_MAX: number = 384 * 1024;
/** Most proofs of one op. */
export const PROOFS_MAX = 8;
/** Most outputs of a machine. */
export const OUTPUTS_MAX = 30;
/** What one `removeSubtree` takes at most: all replicas stand still for as long as it lasts. */
export const SUBTREE_NODES_MAX = 1000;
/** Longest address that a lessee publishes, UTF-16 units. */
export const ADDRESS_LENGTH_MAX = 256;
/** Most bytes of the small file that a lessee publishes. */
export const PUBLISHED_BYTES_MAX = 4096;
/** Decoding bound of one op; the cell's own `opBytesMax` is checked before. */
const OP_BYTES_HARD_MAX = 4 * 1024 * 1024;

/** Canonical bytes of a lock mode. */
export const lockModeShape: Shape<LockMode> = choice('exclusive', 'shared');
/** Canonical bytes of a binding. */
export const bindingShape: Shape<Binding> = choice('lessee', 'open');
/** Canonical bytes of a kind of node. */
export const nodeKindShape: Shape<NodeKind> = choice('directory', 'file', 'machine', 'job');

const proven = record({
  path: pathShape,
  nonce: optional(positionShape),
  outputs: u8,
  inbox: u8,
  proofs: array(bytes(PROOF_BYTES_MAX), PROOFS_MAX),
});

/** Tags are wire format: never reused, never renumbered. */
export const opShape: Shape<Op> = union<Op>({
  openSession: [1, record({ nonce: fixed(NONCE_BYTES), anchor: digest, leaseMs: u32 })],
  closeSession: [2, record({})],
  reanchor: [3, record({ anchor: digest })],
  own: [4, record({ op: bytes(OP_BYTES_HARD_MAX) })],
  rotateKey: [5, record({ newKey: publicKey, proof: signature })],
  revokeKey: [6, record({ key: publicKey })],
  ...fileOpArms,
  removeSubtree: [14, record({ path: pathShape })],
  setAcl: [15, record({ path: pathShape, acl: aclShape, generation: positionShape })],
  txn: [16, txnShape],
  acquire: [
    20,
    record({ path: pathShape, mode: lockModeShape, maxWaitMs: optional(u32), lockDelayMs: u32 }),
  ],
  tryAcquire: [21, record({ path: pathShape, mode: lockModeShape, lockDelayMs: u32 })],
  release: [22, record({ path: pathShape, lockGen: optional(positionShape) })],
  cancel: [23, record({ seq: u53, index: u32 })],
  declareMachine: [
    30,
    record({
      path: pathShape,
      programId: digest,
      t: u64,
      s: feltShape,
      policy: machinePolicyShape,
      binding: bindingShape,
      outputs: u8,
      inbox: optional(inboxTermsShape),
      periodMs: u32,
      lockDelayMs: u32,
    }),
  ],
  takeMachine: [31, proven],
  renewMachine: [32, proven],
  releaseMachine: [33, record({ path: pathShape })],
  publish: [
    34,
    record({
      path: pathShape,
      address: text(ADDRESS_LENGTH_MAX),
      content: bytes(PUBLISHED_BYTES_MAX),
    }),
  ],
  post: [35, record({ path: pathShape, entry: feltShape })],
  declareJob: [40, record({ path: pathShape, ...jobTerms, fence: optional(fenceShape) })],
  claimJob: [41, record({ path: pathShape })],
  proveJob: [
    42,
    record({
      path: pathShape,
      nonce: positionShape,
      outputs: u8,
      inbox: u8,
      proofs: array(bytes(PROOF_BYTES_MAX), PROOFS_MAX),
    }),
  ],
  failJob: [43, record({ path: pathShape, nonce: positionShape })],
  cancelJob: [44, record({ path: pathShape })],
});

/** Canonical bytes of an op, as a batch carries them. */
export function encodeOp(op: Op): Uint8Array {
  return encode(opShape, op);
}

/** Codes of `decode`. Form only: {@link checkOp} holds the rules. */
export function decodeOp(op: Uint8Array): Outcome<Op> {
  return decode(opShape, op, OP_BYTES_HARD_MAX);
}
