// From outcomes of the core to results and errors.
import { type ErrorResult, type Result, type ResultKind, standingOf } from '@fatty/api';
import type { CallFailure, CallOutcome, Landed } from '@fatty/core';
import { clientError, FattyError } from './error.ts';

/** What an error says besides its failure: the node it is about, the signal that was aborted. */
export interface About {
  readonly path?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The error a failed call rejects with. */
export function failureError(failed: CallFailure, { path, signal }: About = {}): FattyError {
  const { failure, outcome, retryable, waitMs } = failed;
  const cause = failure.code === 'aborted' ? signal?.reason : failed.cause;
  const wait = waitMs === undefined ? {} : { waitMs };
  return new FattyError(failure, { outcome, retryable, cause, path, ...wait });
}

/** The error of an op that was applied to no effect, or of a read that found nothing. */
export function resultError(error: ErrorResult, path?: string): FattyError {
  const { retryable, outcome } = standingOf(error.code);
  const wait = error.waitMs === undefined ? {} : { waitMs: error.waitMs };
  return new FattyError(error, { retryable, outcome, path, ...wait });
}

/** What a call of ops answered: the results, also the errors among them. @throws FattyError */
export function resultsOf(
  outcome: CallOutcome,
  about: About = {},
): { readonly results: readonly Result[]; readonly at: Landed } {
  if (outcome.kind === 'results') return outcome;
  if (outcome.kind === 'failed') throw failureError(outcome, about);
  const { path } = about;
  throw clientError('bad_answer', 'results', outcome.kind, { outcome: 'unknown', path });
}

/** One result, which must be of this kind. @throws FattyError */
export function expectResult<K extends ResultKind>(
  result: Result | undefined,
  kind: K,
  path?: string,
): Extract<Result, { kind: K }> {
  if (result?.kind === 'error') throw resultError(result, path);
  if (result?.kind !== kind) {
    throw clientError('bad_answer', kind, String(result?.kind), { outcome: 'applied', path });
  }
  return result as Extract<Result, { kind: K }>;
}
