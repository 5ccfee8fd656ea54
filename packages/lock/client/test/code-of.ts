// The code of a rejection, for tests.
import { isFattyError } from '../src/sdk/error.ts';

/** The code of the FattyError that `promise` rejects with; `done` when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'done';
  } catch (error) {
    if (isFattyError(error)) return error.code;
    throw error;
  }
}
