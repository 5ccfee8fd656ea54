// Options of a worker, looked at before it starts.
import { splitPath } from '@fatty/api';
import { bool, type Check, flawOfFields } from '@fatty/codec';
import { isWhole } from '../sdk/arguments.ts';
import { type Checks, isFunction, isObject, may, maybe, must, optionsOf } from '../sdk/checks.ts';
import { attempt, logFault } from '../sdk/faults.ts';
import type { RunMachineOptions } from './types.ts';

const fields = (checks: Readonly<Record<string, Check>>): Check => ({
  flawOf: (value) => flawOfFields(checks, value),
});

const arrayOf = (type: string): Check =>
  must(`an array of ${type}s`, (value) => {
    return Array.isArray(value) && value.every((one) => typeof one === type);
  });

const method = must('a function', isFunction);
const isAboveZero = (value: unknown): boolean => Number.isFinite(value) && Number(value) > 0;
const COUNT_MAX = 2 ** 30;

/** A whole number from 1, or left out. */
export const COUNT: Check = may('a whole number, 1 or more', isWhole(1, COUNT_MAX));
/** ms, or left out. */
export const PERIOD: Check = may('ms, more than 0', isAboveZero);

const path: Check = {
  flawOf(value) {
    const split = splitPath(value);
    return split.ok ? undefined : { at: '', isBound: false, ...split.failure };
  },
};

const RUN: Checks<RunMachineOptions> = {
  path,
  publish: maybe(
    fields({
      address: must('text', (value) => typeof value === 'string'),
      content: may('bytes', (value) => value instanceof Uint8Array),
    }),
  ),
  program: fields({
    builtins: arrayOf('string'),
    words: arrayOf('bigint'),
    cells: arrayOf('string'),
    hints: arrayOf('object'),
  }),
  inputs: may('an object or a function', (value) => isObject(value) || isFunction(value)),
  transitions: maybe(fields({ everyMs: PERIOD, max: COUNT })),
  prover: maybe(fields({ prove: method, close: method })),
  parameters: may('an object', isObject),
  wait: maybe(bool),
  // Joined with the signal of the lease, which takes the platform's own only.
  signal: may('an AbortSignal', (value) => value instanceof AbortSignal),
  onProgress: may('a function', isFunction),
  clock: maybe(fields({ nowMs: method, sleep: method })),
};

/**
 * The options of a worker, looked at. What `onProgress` throws costs no lease.
 * @throws FattyError `bad_argument`
 */
export function runOptions(given: RunMachineOptions): RunMachineOptions {
  const options = optionsOf(RUN, given, ['path', 'program']);
  const { onProgress } = options;
  if (onProgress === undefined) return options;
  return { ...options, onProgress: (event) => attempt(() => onProgress(event), logFault) };
}
