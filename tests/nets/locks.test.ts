import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('locks: one exclusive holder, growing generations, no lease cut short', () => {
  const report = checkNet('locks', 1, 15);
  expect(report.runs).toBe(15);
});
