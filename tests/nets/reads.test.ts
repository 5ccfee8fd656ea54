// Reads of view current in whole cells: none is older than its call (R32b).
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('reads: none is older than its call, whoever lags, lies or has forgotten what it told', () => {
  const { reached } = checkNet('reads', 1, 15);
  expect(reached.commits).toBeGreaterThan(0);
});
