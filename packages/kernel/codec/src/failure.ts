import type { Failure, Outcome, Verdict } from '@fatty/interface';

export const ACCEPT: Verdict = { kind: 'accept' };

export function failure(code: string, expected: string, actual: string): Failure {
  return { code, expected, actual };
}

/** Why a verdict is a refusal, without what is to follow from it. */
export function failureOf({ code, expected, actual }: Failure): Failure {
  return { code, expected, actual };
}

export function reject(code: string, expected: string, actual: string): Verdict {
  return { kind: 'reject', code, expected, actual };
}

export function ignore(code: string, expected: string, actual: string): Verdict {
  return { kind: 'ignore', code, expected, actual };
}

export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function fail(code: string, expected: string, actual: string): Outcome<never> {
  return { ok: false, failure: { code, expected, actual } };
}

/** A broken promise of our own code: never raised by input. */
export class InvariantError extends Error {
  override name = 'InvariantError';
}

export function invariant(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new InvariantError(promise);
}

const MACHINE = /allocation failed|call stack|out of memory|array length|string length/i;

/** True for what the engine throws when it has no memory or stack: it says nothing about any input. */
export function isMachineFailure(error: unknown): boolean {
  return error instanceof RangeError && MACHINE.test(error.message);
}
