import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('bank: no double spend, no minting, no overdraft, whatever lying owners do', () => {
  const report = checkNet('bank', 20_204, 40);
  expect(report.runs).toBe(40);
});
