// The net of locks.
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('locks: one exclusive holder, growing generations, no lease cut short', () => {
  const { reached } = checkNet('locks', 1, 15);
  expect(reached.commits).toBeGreaterThan(0);
});
