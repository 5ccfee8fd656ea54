// What an algorithm throws is an answer; what the engine throws is not.
import { expect, test } from 'vitest';
import { guarded } from '../src/guard.ts';

test('an algorithm that throws has failed, alike on every replica', () => {
  const broken = (): never => {
    throw new TypeError('no such account');
  };
  expect(guarded(broken)).toMatchObject({ failure: { code: 'algorithm_failed' } });
  expect(guarded(() => 7)).toEqual({ ok: true, value: 7 });
});

test('want of memory or stack is this machine’s alone, and no answer', () => {
  const short = (): never => {
    throw new RangeError('Array buffer allocation failed');
  };
  const deep = (): number => deep() + 1;
  expect(() => guarded(short)).toThrow('allocation failed');
  expect(() => guarded(deep)).toThrow('call stack');
});
