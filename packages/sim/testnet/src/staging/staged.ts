// A plain algorithm as a machine of a world, which hears of what the algorithm throws.
import { ACCEPT, isMachineFailure } from '@fatty/codec';
import type { Algorithm, CellContext, StateMachine } from '@fatty/interface';
import { hosted } from '@fatty/sessions';
import { BASIS_COMMITS_MAX } from '../world/cell.ts';

/** Told which method of an algorithm threw what. */
export type Threw = (method: string, error: unknown) => void;

/** A machine, and the algorithm inside when it is a hosted one. */
export interface Staged {
  readonly machine: StateMachine;
  readonly algorithm?: Algorithm;
  /** Whom a throw of the algorithm, of its views or of its copies is told to; a later call replaces an earlier one. */
  readonly onThrow?: (threw: Threw) => void;
}

/** Hosts a plain algorithm and keeps hold of the instance that has the committed state. */
export function staged(make: (context: CellContext) => Algorithm, context: CellContext): Staged {
  let algorithm: Algorithm | undefined;
  let told: Threw = () => undefined;
  const makeOne = (cell: CellContext): Algorithm => {
    const made = make(cell);
    algorithm ??= made;
    return overheard(made, (method, error) => told(method, error));
  };
  const machine = hosted(makeOne, context, { basisCommitsMax: BASIS_COMMITS_MAX });
  const onThrow = (threw: Threw): void => {
    told = threw;
  };
  return algorithm === undefined ? { machine, onThrow } : { machine, algorithm, onThrow };
}

/**
 * The same algorithm; what it throws is told before it goes on, and so is an answer that is no bytes. The host answers
 * both with the code `algorithm_failed`, the same at every replica, so that no other rule of a world would notice.
 */
function overheard(inner: Algorithm, threw: Threw): Algorithm {
  const heard = <T>(method: string, call: () => T): T => {
    try {
      return call();
    } catch (error) {
      // No memory or no stack: that is the machine's affair, and ends its process.
      if (!isMachineFailure(error)) threw(method, error);
      throw error;
    }
  };
  const bytesOf = (answer: unknown): Uint8Array => {
    if (answer instanceof Uint8Array) return answer;
    throw new TypeError(`expected a Uint8Array as its answer, got ${String(answer)}`);
  };
  return {
    open: (bytes) => heard('open', () => inner.open(bytes)),
    ...(inner.validate && {
      validate: (source, op) => heard('validate', () => inner.validate?.(source, op) ?? ACCEPT),
    }),
    deliver: (source, op) => heard('deliver', () => inner.deliver(source, op)),
    apply: (source, op, at) => heard('apply', () => bytesOf(inner.apply(source, op, at))),
    snapshot: () => inner.snapshot(),
    restore: (bytes) => inner.restore(bytes),
    root: () => inner.root(),
    ...(inner.query && {
      query: (question) => heard('query', () => bytesOf(inner.query?.(question))),
    }),
  };
}
