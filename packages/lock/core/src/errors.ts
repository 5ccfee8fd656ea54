// The codes that a client raises itself, and which errors may be tried again.
import { standingOf } from '@fatty/api';

/**
 * Codes the SDK itself raises; every other code comes from the cell (package api), from reading
 * cell.json, or from a worker and its prover.
 */
export type ClientErrorCode =
  | 'aborted'
  | 'timeout'
  | 'closed'
  | 'overloaded'
  | 'unreachable'
  | 'plain_refused'
  | 'not_authenticated'
  | 'session_expired'
  | 'in_jeopardy'
  | 'lock_lost'
  | 'lock_released'
  | 'bad_argument'
  | 'bad_answer'
  | 'sdk_fault';

/** Whether what was asked for has happened. */
export type OpOutcome = 'not_applied' | 'applied' | 'unknown';

/** What the table says of one code. */
export interface ClientErrorEntry {
  /** The same call may succeed later without anything else being changed. */
  readonly retryable: boolean;
  /** One line for people. */
  readonly text: string;
}

/** Every code that a client raises itself. */
export const CLIENT_ERRORS: Readonly<Record<ClientErrorCode, ClientErrorEntry>> = {
  aborted: { retryable: true, text: 'The caller’s signal was aborted.' },
  timeout: { retryable: true, text: 'No believed answer arrived within timeoutMs.' },
  closed: { retryable: false, text: 'The client was closed.' },
  overloaded: { retryable: true, text: 'More calls are waiting than callsQueuedMax.' },
  unreachable: { retryable: true, text: 'Fewer than f+1 replicas can be reached.' },
  plain_refused: {
    retryable: false,
    text: 'The replicas are beyond this machine and do not encrypt (wss), and nobody said that this is well.',
  },
  not_authenticated: {
    retryable: false,
    text: 'So many replicas refuse this client that none will do.',
  },
  session_expired: { retryable: true, text: 'The session ended, and all it held with it.' },
  in_jeopardy: { retryable: true, text: 'The lease can no longer be proved.' },
  lock_lost: { retryable: true, text: 'The cell took the lock away.' },
  lock_released: { retryable: false, text: 'The lock was given back by its holder.' },
  bad_argument: { retryable: false, text: 'The call cannot be sent as it stands.' },
  sdk_fault: { retryable: false, text: 'This SDK has failed at the call; its cause says how.' },
  bad_answer: { retryable: true, text: 'f+1 replicas agree on something this SDK cannot read.' },
};

/** Whether the same call may succeed later, by the table of the code: the SDK's or the cell's. */
export function isRetryable(code: string): boolean {
  const own: Readonly<Record<string, ClientErrorEntry>> = CLIENT_ERRORS;
  const entry = Object.hasOwn(own, code) ? own[code] : undefined;
  return (entry ?? standingOf(code)).retryable;
}
