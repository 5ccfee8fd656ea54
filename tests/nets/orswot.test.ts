// The net of the plain ORSWOT.
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('orswot: adds and removes of many clients, as an ordinary set would have it', () => {
  const { reached } = checkNet('orswot', 1, 15);
  expect(reached.commits).toBeGreaterThan(0);
});
