// An algorithm is somebody else's code: what it throws stays here, and so does an answer that is none.
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

/** What somebody's plain JavaScript answers, whatever its type says. */
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** As {@link guarded}; an answer that is no bytes is as good as a throw. */
export function guardedBytes(call: () => Uint8Array): Outcome<Uint8Array> {
  return guarded(() => {
    const answer: unknown = call();
    if (answer instanceof Uint8Array) return answer;
    throw new TypeError('an answer is a Uint8Array');
  });
}

/** As {@link guarded}, for methods that answer an object; anything else is as good as a throw. */
export function guardedObject<T extends object>(call: () => T): Outcome<T> {
  return guarded(() => {
    const answer = call();
    if (isObject(answer)) return answer;
    throw new TypeError('an answer is an object');
  });
}
