import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('locks: one exclusive holder, growing generations, no lease cut short', () => {
  const report = checkNet('locks', 20_203, 30);
  expect(report.runs).toBe(30);
});
