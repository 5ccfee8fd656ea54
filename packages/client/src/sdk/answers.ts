import { type ErrorResult, errorEntry, type Result, type ResultKind } from '@fatty/api';
import type { CallFailure, CallOutcome, Landed } from '../core/types.ts';
import { clientError, FattyError } from '../error.ts';

/** The error a failed call rejects with. */
export function failureError(failed: CallFailure, signal?: AbortSignal): FattyError {
  const { failure, outcome, retryable, waitMs } = failed;
  const cause = failure.code === 'aborted' ? signal?.reason : undefined;
  return new FattyError(failure, {
    outcome,
    retryable,
    cause,
    ...(waitMs === undefined ? {} : { waitMs }),
  });
}

/** The error of an op that was applied to no effect, or of a read that found nothing. */
export function resultError(error: ErrorResult): FattyError {
  const { retryable, outcome } = errorEntry(error.code);
  const wait = error.waitMs === undefined ? {} : { waitMs: error.waitMs };
  return new FattyError(error, { retryable, outcome, ...wait });
}

/** What a call of ops answered: the results, also the errors among them. @throws FattyError */
export function resultsOf(
  outcome: CallOutcome,
  signal?: AbortSignal,
): { readonly results: readonly Result[]; readonly at: Landed } {
  if (outcome.kind === 'results') return outcome;
  if (outcome.kind === 'failed') throw failureError(outcome, signal);
  throw clientError('bad_answer', 'results', outcome.kind, { outcome: 'unknown' });
}

/** One result, which must be of this kind. @throws FattyError */
export function expectResult<K extends ResultKind>(
  result: Result | undefined,
  kind: K,
): Extract<Result, { kind: K }> {
  if (result?.kind === 'error') throw resultError(result);
  if (result?.kind !== kind) {
    throw clientError('bad_answer', kind, String(result?.kind), { outcome: 'applied' });
  }
  return result as Extract<Result, { kind: K }>;
}
