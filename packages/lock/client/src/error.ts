import { errorEntry } from '@fatty/api';
import { excerpt } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import type { ClientErrorCode, FattyErrorCode } from './codes.ts';

export type * from './codes.ts';

/** Whether what was asked for has happened. */
export type OpOutcome = 'not_applied' | 'applied' | 'unknown';

/** Marks our errors across package copies and realms, where `instanceof` fails. */
const BRAND: unique symbol = Symbol.for('fatty.error');

export interface ClientErrorEntry {
  /** The same call may succeed later without anything else being changed. */
  readonly retryable: boolean;
  /** One line for people. */
  readonly text: string;
}

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
  return (entry ?? errorEntry(code)).retryable;
}

export interface FattyErrorOptions {
  readonly outcome: OpOutcome;
  readonly retryable: boolean;
  readonly cause?: unknown;
  readonly waitMs?: number;
  /** Of the node that the call was about. */
  readonly path?: string | undefined;
}

/** What every rejected promise of the SDK carries. `expected` and `actual` are for people. */
export class FattyError extends Error {
  readonly code: FattyErrorCode;
  readonly expected: string;
  readonly actual: string;
  readonly retryable: boolean;
  readonly outcome: OpOutcome;
  /** How long the reason is known to last (a lock-delay), ms; undefined when it is not known. */
  readonly waitMs: number | undefined;
  /** The node that the call was about; undefined for a call about none, or about several. */
  readonly path: string | undefined;

  constructor(failure: Failure, options: FattyErrorOptions) {
    const cause = options.cause === undefined ? undefined : { cause: options.cause };
    // What its caller called a path may be none: then it is quoted by the failure alone.
    const path = typeof options.path === 'string' ? options.path : undefined;
    super(messageOf(failure, path), cause);
    Object.defineProperty(this, BRAND, { value: true });
    this.name = NAMES[failure.code] ?? 'FattyError';
    // Failures are data from anywhere: one of a newer cell keeps its code as the text it is.
    this.code = failure.code as FattyErrorCode;
    this.expected = failure.expected;
    this.actual = failure.actual;
    this.retryable = options.retryable;
    this.outcome = options.outcome;
    this.waitMs = options.waitMs;
    this.path = path;
  }
}

/** As much as `bad_path` quotes of a path. */
const PATH_QUOTED_MAX = 100;

function messageOf({ code, expected, actual }: Failure, path: string | undefined): string {
  const message = `${code}: expected ${expected}, got ${actual}`;
  const quoted = path === undefined ? '' : excerpt(path, PATH_QUOTED_MAX);
  return message.includes(quoted) ? message : `${message} (${quoted})`;
}

/** The names the web platform uses, so that `error.name === 'AbortError'` holds. */
const NAMES: Readonly<Record<string, string>> = { aborted: 'AbortError', timeout: 'TimeoutError' };

/** An error the SDK itself raises. */
export function clientError(
  code: ClientErrorCode,
  expected: string,
  actual: string,
  options: Partial<Pick<FattyErrorOptions, 'outcome' | 'cause' | 'path'>> = {},
): FattyError {
  const { retryable } = CLIENT_ERRORS[code];
  const { outcome = 'not_applied', cause, path } = options;
  return new FattyError({ code, expected, actual }, { outcome, retryable, cause, path });
}

/** True for errors of any copy of this package; with `code`, for that code only. */
export function isFattyError<C extends FattyErrorCode = FattyErrorCode>(
  error: unknown,
  code?: C,
): error is FattyError & { readonly code: C } {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as { code?: unknown }).code === code;
}
