import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('namespace: observed removes, ephemerals and guarded writes answer as a plain map would', () => {
  const report = checkNet('namespace', 1, 12);
  expect(report.runs).toBe(12);
});
