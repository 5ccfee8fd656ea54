// The nets of the textbook's protocols: hundreds of small worlds each.
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('paxos: one value is chosen, whoever crashes, is cut off or proposes against others', () => {
  const { reached } = checkNet('paxos', 1, 500);
  expect(reached.chosen).toBeGreaterThan(0);
});
