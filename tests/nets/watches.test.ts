// The net of watches.
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('watches: every one hears exactly what happened, or that it cannot be had', () => {
  const { reached } = checkNet('watches', 1, 6);
  expect(reached.commits).toBeGreaterThan(0);
});
