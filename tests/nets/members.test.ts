// The net of a cell whose members change.
import { test } from 'vitest';
import { checkNet } from './check.ts';

test('members come, go, die, lie and are replaced, while clients lock', () => {
  checkNet('members', 1, 8);
});
