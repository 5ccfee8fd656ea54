// What the state root of the lock service covers, record by record.
import { type LockMode, lockModeShape, positionShape } from '@fatty/api';
import {
  array,
  bool,
  choice,
  digest,
  optional,
  publicKey,
  record,
  type Shape,
  u32,
  u53,
} from '@fatty/codec';
import { type ShownRecord, shownRecordShape } from '@fatty/crdt';
import type { Digest, Position, PublicKey } from '@fatty/interface';
import { type SessionRow as AnySessionRow, sessionFields } from '@fatty/sessions';

const COUNT_MAX = 2 ** 32 - 1;

/** Where the total order stands. Times in ms. */
export interface Head {
  readonly epoch: number;
  readonly commit: number;
  /** Since the Unix epoch. */
  readonly commitTs: number;
  readonly leaseClock: number;
  /** Keys of members convicted of contradicting themselves, ascending. */
  readonly convicted: readonly PublicKey[];
}

/** Canonical bytes of a head. */
export const headShape: Shape<Head> = record<Head>({
  epoch: u32,
  commit: u53,
  commitTs: u53,
  leaseClock: u53,
  convicted: array(publicKey, COUNT_MAX),
});

/** What the root covers: every piece of the state by the root of its trie. */
export interface StateRecord {
  readonly head: Head;
  /** H(`tree` ‖ record of `/`). */
  readonly names: Digest;
  readonly sessions: Digest;
  readonly receipts: Digest;
  readonly graves: Digest;
  readonly floors: Digest;
  readonly locks: Digest;
  readonly machines: Digest;
  readonly quotas: Digest;
  readonly jobs: Digest;
  readonly keys: Digest;
}

/** Canonical bytes of the state record. The state root is H(`state` ‖ those). */
export const stateRecordShape: Shape<StateRecord> = record<StateRecord>({
  head: headShape,
  names: digest,
  sessions: digest,
  receipts: digest,
  graves: digest,
  floors: digest,
  locks: digest,
  machines: digest,
  quotas: digest,
  jobs: digest,
  keys: digest,
});

/** What else stands at a node: machines and jobs have tries of their own, by path. */
export type SlotMark = 'none' | 'machine' | 'job';

/** A node of the namespace, its contents as checksums. */
export type NodeRecord = ShownRecord<SlotMark>;

/** Canonical bytes of a mark. */
export const slotMarkShape: Shape<SlotMark> = choice('none', 'machine', 'job');

/** Canonical bytes of a node's record, to read it. */
export const nodeRecordShape: Shape<NodeRecord> = shownRecordShape(slotMarkShape);

/** The lock of a path, while somebody holds, waits, or a lock-delay runs. */
export interface LockRecord {
  /** Lease-clock times, ms, before which nobody, or nobody alone, is granted; 0: no delay. */
  readonly allFrom: number;
  readonly exclusiveFrom: number;
  /** Of the trie of its claims, and how many they are. */
  readonly claims: Digest;
  readonly count: number;
}

/** Canonical bytes of a lock's record. */
export const lockRecordShape: Shape<LockRecord> = record<LockRecord>({
  allFrom: u53,
  exclusiveFrom: u53,
  claims: digest,
  count: u53,
});

/** A hold or wait, by the id of its session: a session has one at most at a path. */
export interface ClaimRecord {
  readonly seq: number;
  readonly index: number;
  readonly mode: LockMode;
  readonly lockDelayMs: number;
  readonly held: boolean;
  /** Lock generation of a hold, place in the queue of a wait: holds were granted in this order. */
  readonly position: Position;
  readonly deadline: number | undefined;
}

/** Canonical bytes of a claim. */
export const claimRecordShape: Shape<ClaimRecord> = record<ClaimRecord>({
  seq: u53,
  index: u32,
  mode: lockModeShape,
  lockDelayMs: u32,
  held: bool,
  position: positionShape,
  deadline: optional(u53),
});

/** A session without its receipts, and with what the lock service adds. */
export interface SessionRow extends AnySessionRow {
  /** Of the last notice about its locks and waits. */
  readonly lastNumber: number;
}

/** Canonical bytes of a session. */
export const sessionRowShape: Shape<SessionRow> = record<SessionRow>({
  ...sessionFields,
  lastNumber: u53,
});
