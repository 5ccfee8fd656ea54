// The net of what calls are told.
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('outcomes: what a call is told of its ops is true, whatever is lost, refused or lied about', () => {
  const { reached } = checkNet('outcomes', 1, 15);
  expect(reached.commits).toBeGreaterThan(0);
});
