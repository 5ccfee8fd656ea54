// Tests of what ops weigh.
import { BLOCK_WEIGHT_MAX, DEFAULT_LIMITS } from '@fatty/protocol';
import { expect, test } from 'vitest';
import { CLAIM_WEIGHT, encodeOp, ROTATE_WEIGHT, SUBTREE_WEIGHT, weightOf } from '../src/index.ts';
import { OPS } from './samples.ts';

const WEIGHTS = new Map([
  ['removeSubtree', SUBTREE_WEIGHT],
  ['claimJob', CLAIM_WEIGHT],
  ['rotateKey', ROTATE_WEIGHT],
]);

test.each(Object.entries(OPS))('%s has the weight of its kind and length', (kind, op) => {
  const bytes = encodeOp(op);
  const extra = Math.floor(bytes.length / 1024);
  const parts = kind === 'txn' ? 4 + 2 : 0;
  expect(weightOf(bytes)).toBe(extra + (WEIGHTS.get(kind) ?? 1) + parts);
});

test('length weighs', () => {
  const content = new Uint8Array(100 * 1024);
  expect(weightOf(encodeOp({ ...OPS.create, content }))).toBe(101);
});

test('what bytes and counts allow a block is never too heavy, but for heavy kinds', () => {
  const { blockOpsMax, blockBytesMax } = DEFAULT_LIMITS;
  expect(blockOpsMax + blockBytesMax / 1024).toBeLessThan(BLOCK_WEIGHT_MAX);
  expect(BLOCK_WEIGHT_MAX / SUBTREE_WEIGHT).toBe(4);
});
