// Which errors become verdicts, and which end the thread.
import { expect, test } from 'vitest';
import { attempt, attemptTyped, Rejected } from '../src/proof/rejected.ts';

const throwing = (error: Error) => (): never => {
  throw error;
};

test('only a refusal is a verdict; a failure of the machine is none', () => {
  const refusal = new Rejected('bad_counts', 'one', 'two');
  const noMemory = new RangeError('Array buffer allocation failed');
  for (const run of [attempt, attemptTyped]) {
    expect(run(throwing(refusal))).toMatchObject({ ok: false, failure: { code: 'bad_counts' } });
    expect(() => run(throwing(noMemory))).toThrow(noMemory);
    expect(() => run(throwing(new Error('?')))).toThrow('?');
  }
});

test('what a decoder made cannot be ill-typed: a type error there is ours, elsewhere the caller’s', () => {
  const wrong = new TypeError('undefined has no properties');
  expect(attempt(throwing(wrong))).toMatchObject({ failure: { code: 'malformed' } });
  expect(() => attemptTyped(throwing(wrong))).toThrow(wrong);
});
