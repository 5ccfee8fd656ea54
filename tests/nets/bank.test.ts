// The net of the bank.
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('bank: no double spend, no minting, no overdraft, whatever lying owners do', () => {
  const { reached } = checkNet('bank', 1, 15);
  expect(reached.commits).toBeGreaterThan(0);
});
