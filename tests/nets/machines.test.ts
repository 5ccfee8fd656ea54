// The net of machines.
import { useRealProofs } from '@fatty/testnet';
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';
import { leaseFixture } from './lease.ts';

useRealProofs(await leaseFixture());

test('machines: copied, rebound and stale proofs move no machine and extend no lease', () => {
  const { reached } = checkNet('machines', 1, 30);
  expect(reached['realVerdict.accept']).toBeGreaterThan(5);
  expect(reached['realVerdict.reject']).toBeGreaterThan(5);
});
