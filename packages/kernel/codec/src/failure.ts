// Constructors of verdicts, failures and outcomes, and the one exception for faults of our own.
import type { Failure, Outcome, Verdict } from '@fatty/interface';

/** The verdict that nothing is wrong. */
export const ACCEPT: Verdict = { kind: 'accept' };

/** An error as data: a stable code, what was expected, what was there. */
export function failure(code: string, expected: string, actual: string): Failure {
  return { code, expected, actual };
}

/** Why a verdict is a refusal, without what is to follow from it. */
export function failureOf({ code, expected, actual }: Failure): Failure {
  return { code, expected, actual };
}

/** The verdict that the sender is at fault. */
export function reject(code: string, expected: string, actual: string): Verdict {
  return { kind: 'reject', code, expected, actual };
}

/** The verdict that this is not for us, or not now; nobody is to blame. */
export function ignore(code: string, expected: string, actual: string): Verdict {
  return { kind: 'ignore', code, expected, actual };
}

/** An outcome with its value. */
export function ok<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** An outcome without a value, and why. */
export function fail(code: string, expected: string, actual: string): Outcome<never> {
  return { ok: false, failure: { code, expected, actual } };
}

/** A broken promise of our own code: never raised by input. */
export class InvariantError extends Error {
  override name = 'InvariantError';
}

/** Holds a promise of our own code. @throws InvariantError when it is broken */
export function invariant(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new InvariantError(promise);
}

const MACHINE = /allocation failed|call stack|out of memory|array length|string length/i;

/** True for what the engine throws when it has no memory or stack: it says nothing about any input. */
export function isMachineFailure(error: unknown): boolean {
  return error instanceof RangeError && MACHINE.test(error.message);
}
