// The state root kept in step, beside the one computed from nothing.
import { equalBytes, toHex } from '@fatty/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Life, step } from './life.ts';
import { stateRootByHand } from './root-by-hand.ts';

/** The root, held to the one that is computed from nothing, and to that of a copy. */
function check({ world: { service } }: Life): void {
  const snapshot = service.snapshot();
  expect(toHex(service.root())).toBe(toHex(stateRootByHand(snapshot)));
  const copy = service.fresh();
  copy.restore(snapshot);
  expect(equalBytes(copy.root(), service.root())).toBe(true);
}

test('after 10,000 ops of all kinds, the root is always the one computed from nothing', () => {
  const reached = new Map<string, number>();
  let ops = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 24, maxLength: 26, size: 'max' }), (steps) => {
      const life = new Life();
      for (const one of steps) {
        ops += life.step(one);
        if (one.isAsked) check(life);
      }
      check(life);
      for (const [what, times] of life.reached) {
        reached.set(what, times + (reached.get(what) ?? 0));
      }
    }),
    { numRuns: 75 },
  );
  expect(ops).toBeGreaterThanOrEqual(10_000);
  const many = [
    'created',
    'written',
    'removed',
    'subtreeRemoved',
    'granted',
    'waiting',
    'released',
    'cancelled',
    'machineDeclared',
    'posted',
    'jobDeclared',
    'jobClaimed',
    'jobFailed',
    'jobCancelled',
    'sessionOpened',
    'sessionClosed',
    'sessionExpired',
    'renewed',
    'lost',
    'waitEnded',
  ];
  const few = many.filter((what) => (reached.get(what) ?? 0) < 10);
  expect(few).toEqual([]);
});
