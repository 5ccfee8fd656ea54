// The net of jobs.
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('jobs: none is completed twice or lost, and none by a wrong proof', () => {
  const { reached } = checkNet('jobs', 7, 10);
  expect(reached.commits).toBeGreaterThan(0);
});
