// The nets of the textbook's protocols: hundreds of small worlds each.
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('paxos: one value is chosen, whoever crashes, is cut off or proposes against others', () => {
  const { reached } = checkNet('paxos', 1, 500);
  expect(reached.contested).toBeGreaterThan(100);
  expect(reached.adopted).toBeGreaterThan(10);
});

test('multi-paxos: one value per slot, and a new leader takes over what others voted for', () => {
  const { reached } = checkNet('multi-paxos', 1, 100);
  expect(reached.leaderChanges).toBeGreaterThan(10);
  expect(reached.adopted).toBeGreaterThan(25);
});

test('raft: one leader per term, logs that match, and only uncommitted suffixes are rolled back', () => {
  const { reached } = checkNet('raft', 1, 100);
  expect(reached.leaderChanges).toBeGreaterThan(10);
  expect(reached.rolledBack).toBeGreaterThan(1);
});
