// An algorithm is somebody else's code: what it throws stays here.
import { isMachineFailure } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';

/** Says no more than this: the words of an exception differ between engines, receipts may not. */
export const THREW: Failure = {
  code: 'algorithm_failed',
  expected: 'a method that answers',
  actual: 'one that threw',
};

/**
 * What this call answers; code `algorithm_failed` when it throws.
 * @throws what the engine throws for want of memory or stack: other replicas have it, so it is no answer
 */
export function guarded<T>(call: () => T): Outcome<T> {
  try {
    return { ok: true, value: call() };
  } catch (error) {
    if (isMachineFailure(error)) throw error;
    return { ok: false, failure: THREW };
  }
}
