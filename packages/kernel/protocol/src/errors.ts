// Error codes that any cell answers with, whatever its algorithm is: form, limits, sessions, gateways.

/** Whether the op had an effect: known not to, known to, or not known from this answer. */
export type OutcomeKind = 'not_applied' | 'applied' | 'unknown';

/** What is known of an error code. */
export interface ErrorEntry {
  /** One line for people. */
  readonly text: string;
  /** Whether the same request can succeed later, unchanged. */
  readonly retryable: boolean;
  readonly outcome: OutcomeKind;
}

/** Nothing was changed, and the same request would fail again. */
const FINAL = {
  // Form of what was sent
  too_large: 'The bytes are longer than the limit.',
  malformed: 'The bytes are not one item of the canonical profile.',
  wrong_shape: 'The item is not of the expected shape.',
  not_canonical: 'The value has another, canonical encoding.',
  empty_batch: 'A batch carries at least one op.',
  too_many_ops: 'The batch carries more ops than the cell allows.',
  op_too_large: 'An op is longer than the cell allows.',
  bad_key: 'The client key is not admitted.',
  bad_signature: 'The signature does not verify.',
  bad_batch_signature: 'The signature under the batch is not of its client key.',
  too_heavy: 'The ops of the batch are more work than a block may cost.',
  too_many_proofs: 'The batch carries more proofs than a block may.',
  answer_too_large: 'The answer is longer than a message to this client may be.',
  // An algorithm of one's own
  other_algorithm: 'The cell runs another algorithm than this is for.',
  not_provable: 'The algorithm of this cell proves nothing of its state.',
  no_query: 'The algorithm of this cell answers no questions.',
  // Watches
  no_events: 'The algorithm of this cell tells of nothing that could be watched.',
  bad_topic: 'A watch is about a path.',
  watch_reused: 'A watch of this number is open on this link.',
  compacted:
    'Events as old as asked for are no longer kept: read the state, and watch on from there.',
  lagged: 'The watch was too slow, and missed events: read the state, and watch on from there.',
  // Sessions
  bad_lease: 'The session lease is out of range.',
  misplaced_open: 'Opening a session is op 0 of batch 0 of the session it names.',
  session_unknown: 'No such session is alive: it expired, was closed, or was never opened.',
  session_not_yours: 'The session belongs to another client key.',
  session_reused: 'This nonce has opened a session before; use a fresh one.',
  bad_keep_alive: 'The preimage does not continue the chain of this session.',
  stale_basis: 'The batch was signed too many commits ago to open a session.',
} as const;

/** Nothing was changed; the same request can succeed later, there or at another gateway. */
const LATER = {
  // Sessions
  future_basis: 'The batch claims to have seen a commit that has not happened.',
  too_many_sessions: 'The cell, or this client, has as many sessions as allowed.',
  gateway_full: 'This gateway has opened its share of the cell’s sessions; use another one.',
  // Answers of a gateway
  slow_down: 'The gateway is busy; try again later.',
  overloaded: 'The queue of this gateway is full; use another one, or try again later.',
  no_certificate:
    'No certificate of a state as new as that came in time; use another replica, or ask later.',
  not_current:
    'This replica has started again, and does not know yet to have all that it told before.',
  disk_low: 'The disk of this replica has too little room; use another one, or try again later.',
  too_many_watches: 'The gateway, or this client, has as many watches as allowed.',
  reopening: 'This replica opens its state anew; use another one, or try again later.',
  log_behind_mark: 'This replica signs nothing: its log is older than its signer mark.',
  mark_lost: 'This replica signs nothing: its signer mark is gone.',
  log_gap: 'This replica signs nothing: its log has a gap.',
  foreign_log: 'This replica signs nothing: its log is of another replica or cell.',
  own_key_heard: 'This replica signs nothing: its key has signed what its log does not know.',
  contradiction: 'This replica has stopped: more members lie than the cell can bear.',
} as const;

/** The op was applied, only the answer is gone. */
const APPLIED = {
  already_applied: 'The batch was applied before; ask for its receipt.',
  receipt_forgotten: 'The batch was applied long ago; its receipt is no longer kept.',
  answer_lost: 'The op was applied; what the algorithm answered is longer than a receipt keeps.',
} as const;

/** What was done is not known. */
const UNKNOWN = {
  algorithm_failed: 'A method of the algorithm threw; what it had done by then stays.',
} as const;

/** Codes are stable: they may be added, never renamed or reused. */
export type KernelErrorCode =
  | keyof typeof FINAL
  | keyof typeof LATER
  | keyof typeof APPLIED
  | keyof typeof UNKNOWN;

/** Entries of a reference: code and what is to be known of it. `texts`: by code. */
export function errorEntries(
  texts: Readonly<Record<string, string>>,
  retryable: boolean,
  outcome: OutcomeKind,
): readonly (readonly [string, ErrorEntry])[] {
  return Object.entries(texts).map(([code, text]) => [code, { text, retryable, outcome }]);
}

/** One entry per code of the kernel, in reading order; an algorithm adds its own. */
export const KERNEL_ERRORS: ReadonlyMap<string, ErrorEntry> = new Map([
  ...errorEntries(FINAL, false, 'not_applied'),
  ...errorEntries(LATER, true, 'not_applied'),
  ...errorEntries(APPLIED, false, 'applied'),
  ...errorEntries(UNKNOWN, false, 'unknown'),
]);
