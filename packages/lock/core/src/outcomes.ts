// What may be said of a batch that was signed: applied, not applied, or unknown (R32a).
import { decodeResult, type Result } from '@fatty/api';
import type { Failure } from '@fatty/interface';
import { isRetryable } from './errors.ts';
import type { CallFailure, CallOutcome, Landed } from './types.ts';

/**
 * What a call is told of its ops once they are signed. `not_applied` is never said on the word of
 * gateways that refuse: any one of them may have passed the batch on.
 */

/** The ops were signed and no receipt is believed: they may have been applied, or still be. */
export function unknown(failure: Failure, retryable: boolean): CallFailure {
  return { kind: 'failed', failure, outcome: 'unknown', retryable };
}

/** Applied, but what they answered is not kept any more. */
export function forgotten(seq: number): CallFailure {
  const failure = {
    code: 'receipt_forgotten',
    expected: `the results of batch ${seq}`,
    actual: 'none: they are no longer kept',
  };
  return { kind: 'failed', failure, outcome: 'applied', retryable: false };
}

/** f+1 replicas show the no-op at its seq, which was signed after this refusal: it never takes effect. */
export function displaced(refusal: Failure): CallFailure {
  const retryable = isRetryable(refusal.code);
  return { kind: 'failed', failure: refusal, outcome: 'not_applied', retryable };
}

/** A job's part of a believed receipt. */
export function outcomeOf(raw: readonly Uint8Array[], count: number, at: Landed): CallOutcome {
  const results = readable(raw);
  if (results.length === count) return { kind: 'results', results, at };
  const failure = {
    code: 'bad_answer',
    expected: `${count} readable results`,
    actual: `${results.length} of ${raw.length}`,
  };
  return { kind: 'failed', failure, outcome: 'applied', retryable: false };
}

/** Whether another key acts for the client now. */
export function isRotated(raw: readonly Uint8Array[]): boolean {
  return readable(raw).some(({ kind }) => kind === 'keyRotated');
}

function readable(raw: readonly Uint8Array[]): Result[] {
  return raw.flatMap((bytes) => {
    const result = decodeResult(bytes);
    return result.ok ? [result.value] : [];
  });
}

const NO_SESSION: readonly string[] = ['session_unknown', 'session_not_yours'];
const BARRED: readonly string[] = ['key_rotated', 'key_revoked'];

/** What a receipt says of its seq. */
export type Reading =
  /** The batch that it names used the seq up, with these results. */
  | 'counted'
  /** The same; what the ops answered is no longer kept. */
  | 'bare'
  /** Some batch used it up; which one is no longer kept. */
  | 'unnamed'
  /**
   * There was no session to count in. The batch changed nothing at this commit, and an earlier copy of it
   * may have been applied while the session lived.
   */
  | 'no_session'
  /** This key can do nothing more, and the seq is free. */
  | 'barred';

/** What a believed receipt says of its batch, by the results that are left in it. */
export function readingOf(raw: readonly Uint8Array[]): Reading {
  if (raw.length === 0) return 'bare';
  const results = readable(raw);
  const isAll = (codes: readonly string[]): boolean =>
    results.length === raw.length &&
    results.every((one) => one.kind === 'error' && codes.includes(one.code));
  if (isAll(['receipt_forgotten'])) return 'unnamed';
  if (isAll(BARRED)) return 'barred';
  return isAll(NO_SESSION) ? 'no_session' : 'counted';
}
