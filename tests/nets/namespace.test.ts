// The net of files and directories.
import { expect, test } from 'vitest';
import { checkNet } from './check.ts';

test('namespace: observed removes, ephemerals and guarded writes answer as a plain map would', () => {
  const { reached } = checkNet('namespace', 1, 12);
  expect(reached.commits).toBeGreaterThan(0);
});
