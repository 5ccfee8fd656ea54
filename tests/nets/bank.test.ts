import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('bank: no double spend, no minting, no overdraft, whatever lying owners do', () => {
  const report = checkNet('bank', 1, 15);
  expect(report.runs).toBe(15);
});
