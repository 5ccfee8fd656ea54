// Results of ops, and their bytes.
import {
  bool,
  bytes,
  choice,
  decode,
  detail,
  encode,
  excerpt,
  optional,
  publicKey,
  record,
  type Shape,
  text,
  u32,
  u53,
  u64,
  union,
} from '@fatty/codec';
import type { Failure, Outcome, Position, PublicKey } from '@fatty/interface';
import type { OutcomeKind } from '@fatty/protocol';
import type { ErrorCode } from './errors.ts';
import { feltShape } from './felt.ts';
import { type OpId, opIdShape, positionShape } from './ids.ts';
import { JOB_NAME_BYTES_MAX } from './jobs.ts';
import { type LockMode, lockModeShape } from './ops.ts';
import { errorCodeShape, standingOf } from './standing.ts';

/** What applying one op answered. Expiries are ms on the lease clock, never wall time (packages/lock/core/TIME.md). */
export type Result =
  | {
      readonly kind: 'sessionOpened';
      readonly position: Position;
      readonly leaseMs: number;
      readonly leaseExpiry: number;
    }
  | { readonly kind: 'sessionClosed'; readonly position: Position }
  | { readonly kind: 'reanchored'; readonly leaseExpiry: number }
  /** Of an `own` op: in the words of the algorithm that the cell hosts. */
  | { readonly kind: 'own'; readonly answer: Uint8Array }
  /** `identity`: what lists and owners call this client, its first key. */
  | { readonly kind: 'keyRotated'; readonly identity: PublicKey; readonly position: Position }
  | { readonly kind: 'keyRevoked'; readonly identity: PublicKey; readonly position: Position }
  /** `node`: the live node's id (its first create); `existed`: this create joined it. */
  | {
      readonly kind: 'created';
      readonly node: OpId;
      readonly instance: Position;
      readonly existed: boolean;
    }
  | { readonly kind: 'written'; readonly generation: Position }
  /** `dead`: that was the last dot. */
  | { readonly kind: 'removed'; readonly dead: boolean }
  /** The generation that the next change has to name. */
  | { readonly kind: 'aclSet'; readonly aclGen: Position }
  /**
   * All ops of a branch are done, the first at `position`, each other at the index after it. `succeeded`: all
   * conditions held.
   */
  | { readonly kind: 'txnDone'; readonly succeeded: boolean; readonly position: Position }
  /** `left`: nodes that are still there, the top among them; ask again until it is 0. */
  | { readonly kind: 'subtreeRemoved'; readonly nodes: number; readonly left: number }
  | {
      readonly kind: 'granted';
      readonly lockGen: Position;
      readonly mode: LockMode;
      readonly leaseExpiry: number;
    }
  /** In the queue; a `granted` or `waitEnded` notice follows. `ahead`: holders not counted. */
  | { readonly kind: 'waiting'; readonly position: Position; readonly ahead: number }
  | { readonly kind: 'released'; readonly lockGen: Position }
  | { readonly kind: 'cancelled'; readonly was: 'waiting' | 'held' | 'neither' }
  | { readonly kind: 'machineDeclared'; readonly node: OpId; readonly nonce: Position }
  /** Answer of take and renew: the state now stored, and the nonce the next proof must name. */
  | {
      readonly kind: 'machineHeld';
      readonly nonce: Position;
      readonly t: bigint;
      readonly s: bigint;
      readonly lockGen: Position;
      readonly leaseExpiry: number;
    }
  | { readonly kind: 'machineReleased'; readonly nonce: Position }
  | { readonly kind: 'published'; readonly generation: Position }
  /** `number`: consumed as soon as the machine's `consumed` is at least that; counts from 1. */
  | { readonly kind: 'posted'; readonly number: number; readonly position: Position }
  | { readonly kind: 'jobDeclared'; readonly node: OpId; readonly position: Position }
  /** `name`: of the job in its queue; `nonce`: what its proofs must name. */
  | {
      readonly kind: 'jobClaimed';
      readonly name: string;
      readonly nonce: Position;
      readonly leaseExpiry: number;
    }
  /** The state now stored. `done`: that was the last step; otherwise the lease runs anew. */
  | {
      readonly kind: 'jobProved';
      readonly t: bigint;
      readonly s: bigint;
      readonly done: boolean;
      readonly leaseExpiry: number;
    }
  /** `ended`: given up, for so many workers have failed it. */
  | { readonly kind: 'jobFailed'; readonly ended: boolean; readonly position: Position }
  | { readonly kind: 'jobCancelled'; readonly position: Position }
  | ErrorResult;

/** The name of a result. */
export type ResultKind = Result['kind'];

/**
 * The op changed nothing. `waitMs`: how long the reason is known to last (a lock-delay), lease-
 * clock ms.
 */
export interface ErrorResult {
  readonly kind: 'error';
  readonly code: ErrorCode;
  readonly expected: string;
  readonly actual: string;
  readonly waitMs: number | undefined;
}

const DETAIL_LENGTH_MAX = 512;
/** What an error result quotes of either side, UTF-16 units: it is kept in receipts. */
const QUOTED_LENGTH_MAX = 200;

/** An error as results and answers spell it behind their tags. */
export const errorFieldsShape: Shape<Omit<ErrorResult, 'kind'>> = record({
  code: errorCodeShape,
  expected: detail(DETAIL_LENGTH_MAX),
  actual: detail(DETAIL_LENGTH_MAX),
  waitMs: optional(u32),
});

const RESULT_BYTES_MAX = 64 * 1024;

/** Tags are wire format: never reused, never renumbered. */
export const resultShape: Shape<Result> = union<Result>({
  error: [0, errorFieldsShape],
  sessionOpened: [1, record({ position: positionShape, leaseMs: u32, leaseExpiry: u53 })],
  sessionClosed: [2, record({ position: positionShape })],
  reanchored: [3, record({ leaseExpiry: u53 })],
  own: [4, record({ answer: bytes(RESULT_BYTES_MAX) })],
  keyRotated: [5, record({ identity: publicKey, position: positionShape })],
  keyRevoked: [6, record({ identity: publicKey, position: positionShape })],
  created: [10, record({ node: opIdShape, instance: positionShape, existed: bool })],
  written: [11, record({ generation: positionShape })],
  removed: [13, record({ dead: bool })],
  subtreeRemoved: [14, record({ nodes: u32, left: u32 })],
  aclSet: [15, record({ aclGen: positionShape })],
  txnDone: [16, record({ succeeded: bool, position: positionShape })],
  granted: [20, record({ lockGen: positionShape, mode: lockModeShape, leaseExpiry: u53 })],
  waiting: [21, record({ position: positionShape, ahead: u32 })],
  released: [22, record({ lockGen: positionShape })],
  cancelled: [23, record({ was: choice('waiting', 'held', 'neither') })],
  machineDeclared: [30, record({ node: opIdShape, nonce: positionShape })],
  machineHeld: [
    31,
    record({
      nonce: positionShape,
      t: u64,
      s: feltShape,
      lockGen: positionShape,
      leaseExpiry: u53,
    }),
  ],
  machineReleased: [33, record({ nonce: positionShape })],
  published: [34, record({ generation: positionShape })],
  posted: [35, record({ number: u53, position: positionShape })],
  jobDeclared: [40, record({ node: opIdShape, position: positionShape })],
  jobClaimed: [
    41,
    record({ name: text(JOB_NAME_BYTES_MAX), nonce: positionShape, leaseExpiry: u53 }),
  ],
  jobProved: [42, record({ t: u64, s: feltShape, done: bool, leaseExpiry: u53 })],
  jobFailed: [43, record({ ended: bool, position: positionShape })],
  jobCancelled: [44, record({ position: positionShape })],
});

/** Canonical bytes of a result, as a receipt keeps them. */
export function encodeResult(result: Result): Uint8Array {
  return encode(resultShape, result);
}

/** Reads the bytes of a result. Codes of `decode`. */
export function decodeResult(result: Uint8Array): Outcome<Result> {
  return decode(resultShape, result, RESULT_BYTES_MAX);
}

/** Cuts texts to what the codec carries, so that a long name can never make a result unwritable. */
export function errorResult(
  code: ErrorCode,
  expected: string,
  actual: string,
  waitMs?: number,
): ErrorResult {
  const short = (quoted: string): string => excerpt(quoted, QUOTED_LENGTH_MAX);
  return { kind: 'error', code, expected: short(expected), actual: short(actual), waitMs };
}

/** A failure with what the error table says of its code. */
export interface Explained extends Failure {
  readonly retryable: boolean;
  readonly outcome: OutcomeKind;
}

/** A failure with what its code says of a retry and of the op's outcome. */
export function explain(failure: Failure): Explained {
  const { code, expected, actual } = failure;
  const { retryable, outcome } = standingOf(code);
  return { code, expected, actual, retryable, outcome };
}
