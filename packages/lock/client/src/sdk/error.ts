// What every rejected promise of the SDK carries.
import { excerpt } from '@fatty/codec';
import { CLIENT_ERRORS, type ClientErrorCode, type OpOutcome } from '@fatty/core';
import type { Failure } from '@fatty/interface';
import { adviceFor } from './advice.ts';
import type { FattyErrorCode } from './codes.ts';

export {
  CLIENT_ERRORS,
  type ClientErrorCode,
  type ClientErrorEntry,
  isRetryable,
  type OpOutcome,
} from '@fatty/core';
export type * from './codes.ts';

/** Marks our errors across package copies and realms, where `instanceof` fails. */
const BRAND: unique symbol = Symbol.for('fatty.error');

/** What an error says besides its failure. */
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

  /** What to do about it, in a sentence for people; another where it may have happened all the same. */
  get advice(): string {
    return adviceFor(this);
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

/** The error of a call whose signal was aborted; the signal's reason is its cause. */
export function abortError(signal: AbortSignal): FattyError {
  return clientError('aborted', 'a live signal', 'an aborted one', { cause: signal.reason });
}
