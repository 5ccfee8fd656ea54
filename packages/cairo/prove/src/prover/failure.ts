// The codes of the prover.
import { Rejected } from '@fatty/cairo-air';
import { fail, ok } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';
import { OutOfMemory } from '../kernels/kernels.ts';

/**
 * Why there is no proof:
 * - `bad_run`: the run breaks a rule of the machine or of its program; nothing was proved
 * - `no_room`: too few free cells for the gaps in memory or offsets; more steps make room
 * - `no_memory`: the proof needs more than 4 GiB or than the machine has
 * - `cancelled`: the caller's signal
 * - `malformed`: an argument that is not of its declared type
 * - and `bad_counts unsupported_layout unsupported_hash …` for parameters no verifier would take
 */
export type ProverCode = 'bad_run' | 'no_room' | 'no_memory' | 'cancelled' | 'malformed';

/** Thrown inside the prover, data at its edge. */
export class ProverError extends Error {
  readonly failure: Failure;

  constructor(code: ProverCode, expected: string, actual: string) {
    super(`${code}: expected ${expected}, got ${actual}`);
    this.failure = { code, expected, actual };
  }
}

/** Runs the generator `work`, with what it throws as data. */
export function* attemptSteps<S, T>(work: Generator<S, T>): Generator<S, Outcome<T>> {
  try {
    return ok(yield* work);
  } catch (error) {
    if (error instanceof OutOfMemory) return fail('no_memory', 'enough memory', error.message);
    if (!(error instanceof ProverError || error instanceof Rejected))
      return fail('malformed', 'arguments of their types', String(error));
    const { code, expected, actual } = error.failure;
    return fail(code, expected, actual);
  }
}
