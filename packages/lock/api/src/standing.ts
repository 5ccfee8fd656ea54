// What an error code says of a retry and of the op: the table of errors.ts without its sentences, for browsers.
import { oneToOne, type Shape, ShapeError, text } from '@fatty/codec';
import type { OutcomeKind } from '@fatty/protocol';
import type { ErrorCode } from './errors.ts';

/** What is known of an op, and of the next try, by the code of its error. */
export interface Standing {
  /** Whether the same request can succeed later, unchanged. */
  readonly retryable: boolean;
  readonly outcome: OutcomeKind;
}

const FINAL: Standing = { retryable: false, outcome: 'not_applied' };
const LATER: Standing = { retryable: true, outcome: 'not_applied' };
const APPLIED: Standing = { retryable: false, outcome: 'applied' };
const UNKNOWN: Standing = { retryable: false, outcome: 'unknown' };

/** One line per code of errors.ts, which tells people what it means: nobody who reads results loads those sentences. */
const STANDINGS: Readonly<Record<ErrorCode, Standing>> = {
  too_large: FINAL,
  malformed: FINAL,
  wrong_shape: FINAL,
  not_canonical: FINAL,
  empty_batch: FINAL,
  too_many_ops: FINAL,
  op_too_large: FINAL,
  bad_key: FINAL,
  bad_signature: FINAL,
  bad_batch_signature: FINAL,
  too_heavy: FINAL,
  too_many_proofs: FINAL,
  answer_too_large: FINAL,
  other_algorithm: FINAL,
  not_provable: FINAL,
  no_query: FINAL,
  no_events: FINAL,
  bad_topic: FINAL,
  watch_reused: FINAL,
  compacted: FINAL,
  lagged: FINAL,
  bad_lease: FINAL,
  misplaced_open: FINAL,
  session_unknown: FINAL,
  session_not_yours: FINAL,
  session_reused: FINAL,
  bad_keep_alive: FINAL,
  stale_basis: FINAL,
  future_basis: LATER,
  too_many_sessions: LATER,
  gateway_full: LATER,
  slow_down: LATER,
  overloaded: LATER,
  no_certificate: LATER,
  not_current: LATER,
  disk_low: LATER,
  too_many_watches: LATER,
  reopening: LATER,
  log_behind_mark: LATER,
  mark_lost: LATER,
  log_gap: LATER,
  foreign_log: LATER,
  own_key_heard: LATER,
  contradiction: LATER,
  already_applied: APPLIED,
  receipt_forgotten: APPLIED,
  answer_lost: APPLIED,
  algorithm_failed: UNKNOWN,
  bad_path: FINAL,
  reserved_path: FINAL,
  bad_wait: FINAL,
  bad_lock_delay: FINAL,
  bad_period: FINAL,
  bad_policy: FINAL,
  bad_outputs: FINAL,
  bad_inbox: FINAL,
  bad_entry: FINAL,
  bad_limit: FINAL,
  content_too_large: FINAL,
  no_expectation: FINAL,
  no_dots: FINAL,
  bad_acl: FINAL,
  no_proof: FINAL,
  key_rotated: FINAL,
  key_revoked: FINAL,
  key_in_use: FINAL,
  too_many_keys: FINAL,
  still_administrator: FINAL,
  access_denied: FINAL,
  not_found: FINAL,
  not_a_directory: FINAL,
  not_a_file: FINAL,
  wrong_kind: FINAL,
  exists: FINAL,
  dot_reused: FINAL,
  not_empty: FINAL,
  unknown_dot: FINAL,
  wrong_mode: FINAL,
  generation_mismatch: FINAL,
  already_held: FINAL,
  already_waiting: FINAL,
  lock_mismatch: FINAL,
  not_held: FINAL,
  not_a_machine: FINAL,
  not_lessee: FINAL,
  other_binding: FINAL,
  wrong_nonce: FINAL,
  wrong_program: FINAL,
  stale_t: FINAL,
  wrong_t: FINAL,
  wrong_s: FINAL,
  no_inbox: FINAL,
  wrong_in: FINAL,
  inbox_neglected: FINAL,
  bad_job: FINAL,
  not_a_job: FINAL,
  not_worker: FINAL,
  not_claimant: FINAL,
  not_job_owner: FINAL,
  job_ended: FINAL,
  below_policy: FINAL,
  bad_proof: FINAL,
  session_full: LATER,
  quota_ops: LATER,
  quota_nodes: LATER,
  quota_bytes: LATER,
  commit_full: LATER,
  cell_full: LATER,
  too_many_siblings: LATER,
  too_many_dots: LATER,
  lock_held: LATER,
  lock_delay: LATER,
  max_wait: LATER,
  too_many_holders: LATER,
  too_many_waits: LATER,
  held: LATER,
  no_job: LATER,
  job_waits: LATER,
  job_claimed: LATER,
  too_many_claims: LATER,
  too_many_dependents: LATER,
  queue_full: LATER,
  inbox_full: LATER,
};

/** Whether a text is one of our error codes. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(STANDINGS, code);
}

/** Codes of other packages (a proof's refusal) are final: the op was not applied. */
export function standingOf(code: string): Standing {
  return isErrorCode(code) ? STANDINGS[code] : FINAL;
}

const CODE_LENGTH_MAX = 64;

/** Canonical bytes of an error code; codes that are not ours are refused. */
export const errorCodeShape: Shape<ErrorCode> = oneToOne(
  text(CODE_LENGTH_MAX),
  (code) => {
    if (!isErrorCode(code)) throw new ShapeError('a known error code', code);
    return code;
  },
  (code) => code,
);
