// The net of what clients believe.
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('clients: none believes in a hold that another has, or in anything f gateways say', () => {
  const { reached } = checkNet('clients', 1, 15);
  expect(reached.commits).toBeGreaterThan(0);
});
