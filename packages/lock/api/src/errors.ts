// Error codes of the lock service, and what each means.
import {
  type ErrorEntry,
  errorEntries,
  KERNEL_ERRORS,
  type KernelErrorCode,
} from '@fatty/protocol';

/** The op changed nothing, and the same request would fail again. */
const FINAL = {
  // Form of what was sent
  bad_path: 'Paths are absolute, at most 32 segments of 1 to 255 bytes of UTF-8.',
  reserved_path: 'Names under /.sys are written by the cell alone.',
  bad_wait: 'The longest wait is out of range.',
  bad_lock_delay: 'The lock-delay is out of range.',
  bad_period: 'The machine period is out of range.',
  bad_policy: 'The proof policy is weaker than the committee allows, or unknown.',
  bad_outputs: 'A statement has at most 30 output cells.',
  bad_inbox: 'An inbox takes 1 to 31 entries a proof; with in and outputs at most 32 cells.',
  bad_entry: 'An inbox entry is a number of the field other than 0.',
  bad_limit: 'The page size of a listing is out of range.',
  content_too_large: 'The content is larger than a file may be.',
  no_expectation: 'A compare-and-set names a generation, a lock generation, or both.',
  no_dots: 'A remove names at least one dot.',
  bad_acl: 'A list names each principal once, ascending; / needs somebody who may change its ACL.',
  no_proof: 'Take and renew carry at least one proof.',
  // Keys
  key_rotated: 'Another key has followed this one, which can do nothing more.',
  key_revoked: 'This key was revoked and can do nothing more.',
  key_in_use: 'The new key has acted for somebody already; take a fresh one.',
  too_many_keys: 'This client has changed its key as often as allowed.',
  still_administrator: 'The change list of / names this key; take it out there first.',
  // Names
  access_denied: 'This key is not in the list that guards this; ask whoever may change the ACL.',
  not_found: 'No live node has this name.',
  not_a_directory: 'The node above is not a directory.',
  not_a_file: 'The node is not a file.',
  wrong_kind: 'A live node of another kind or mode has this name.',
  exists: 'A live node has this name.',
  dot_reused: 'A live node has this dot already.',
  not_empty: 'The directory has children.',
  unknown_dot: 'The node does not carry this dot (any more).',
  wrong_mode: 'Shared content is written with write, guarded content with compareAndSet.',
  generation_mismatch: 'The content has moved on.',
  // Locks
  already_held: 'This session already holds this lock.',
  already_waiting: 'This session already waits for this lock.',
  lock_mismatch: 'The lock generation is not the live one of this session.',
  not_held: 'This session does not hold the lock.',
  // Machines
  not_a_machine: 'The node is not a machine.',
  not_lessee: 'This client does not hold the machine.',
  other_binding: 'The machine is of the other binding, open or lessee.',
  wrong_nonce: 'The proof is bound to another event than the machine’s last one.',
  wrong_program: 'The proof is about another program.',
  stale_t: 'The proof starts before the stored state: a replay.',
  wrong_t: 'The proof does not start at the stored state clock.',
  wrong_s: 'The proof does not start from the stored state.',
  no_inbox: 'The machine has no inbox.',
  wrong_in: 'The proof does not consume the next entries of the inbox.',
  inbox_neglected: 'The proof leaves an entry waiting that is older than a period.',
  // Jobs
  bad_job: 'The terms of the job are out of range.',
  not_a_job: 'The node is not a job.',
  not_worker: 'The job names its workers, and this client is none of them.',
  not_claimant: 'This client has no claim of this job (any more).',
  not_job_owner: 'Only who declared the job, or holds its fence, may cancel it.',
  job_ended: 'The job has ended.',
  // Proofs
  below_policy: 'The proof is weaker than this machine demands.',
  bad_proof: 'The bytes are not a proof envelope with a lease statement.',
} as const;

/** The op changed nothing; the same request can succeed later, unchanged. */
const LATER = {
  // Sessions
  session_full: 'The session holds, waits for and keeps as much as it may; use another one.',
  quota_ops: 'This client key has used up its ops of this commit.',
  quota_nodes: 'This client key owns as many nodes as allowed.',
  quota_bytes: 'This client key stores as many bytes as allowed.',
  commit_full: 'The commit has ended as much as one may; ask again.',
  cell_full: 'The cell keeps as many nodes, bytes, locks or keys as it may.',
  // Names
  too_many_siblings: 'The content has as many concurrent values as it may keep.',
  too_many_dots: 'The node carries as many dots as it may.',
  // Locks
  lock_held: 'Somebody else holds the lock, or waits for it.',
  lock_delay: 'The last holder failed; its lock-delay still runs.',
  max_wait: 'The wait ended before the lock was free.',
  too_many_holders: 'The lock has as many holders and waiters as one answer can name.',
  too_many_waits: 'The queue is as long as it may be.',
  // Machines
  held: 'Another lessee holds the machine.',
  // Jobs
  no_job: 'No job of the queue is free for this worker now.',
  job_waits: 'The job waits for its inputs.',
  job_claimed: 'Another claim of the job runs.',
  too_many_claims: 'This client key has claimed as many jobs as allowed.',
  too_many_dependents: 'As many jobs as allowed wait for the result of that job.',
  queue_full: 'The queue, or this client’s part of it, is full.',
  // Inboxes
  inbox_full: 'The inbox, or this client’s part of it, is full.',
} as const;

/** Every public error code. Codes are stable: they may be added, never renamed or reused. */
export type ErrorCode = KernelErrorCode | keyof typeof FINAL | keyof typeof LATER;

/** The reference: one entry per code, in reading order. */
export const ERRORS: ReadonlyMap<string, ErrorEntry> = new Map([
  ...KERNEL_ERRORS,
  ...errorEntries(FINAL, false, 'not_applied'),
  ...errorEntries(LATER, true, 'not_applied'),
]);

const FOREIGN: ErrorEntry = {
  text: 'The request was refused.',
  retryable: false,
  outcome: 'not_applied',
};

/** Codes of other packages (a proof's refusal) are final: the op was not applied. */
export function errorEntry(code: string): ErrorEntry {
  return ERRORS.get(code) ?? FOREIGN;
}

/** The reference as a Markdown table: what the README shows and the CLI prints. */
export function errorReference(): string {
  const rows = [...ERRORS].map(
    ([code, { text, retryable, outcome }]) =>
      `| \`${code}\` | ${text} | ${retryable ? 'yes' : 'no'} | ${outcome} |`,
  );
  return ['| code | meaning | retry | outcome |', '|---|---|---|---|', ...rows].join('\n');
}
