import { errorResult, type Op, type Result } from '@fatty/api';
import { expect, it } from 'vitest';
import { removeTree } from '../src/sdk/steps.ts';
import { codeOf } from './code-of.ts';

/** Answers each removal with the next of these. */
function cell(...results: readonly Result[]): { asked: Op[]; submit: () => Promise<Result[]> } {
  const asked: Op[] = [];
  const submit = (...[ops]: [(readonly Op[])?]): Promise<Result[]> => {
    asked.push(...(ops ?? []));
    return Promise.resolve(results.slice(asked.length - 1, asked.length));
  };
  return { asked, submit };
}

const some = (left: number): Result => ({ kind: 'subtreeRemoved', nodes: 1_000, left });
const gone = errorResult('not_found', 'a node', 'none');

it('a tree is removed step by step, until nothing is left', async () => {
  const { asked, submit } = cell(some(1_500), some(500), some(0));
  await removeTree(submit, '/d');
  expect(asked).toEqual(Array(3).fill({ kind: 'removeSubtree', path: '/d' }));
});

it('a tree that somebody else removes meanwhile is gone; one that never was is not found', async () => {
  await removeTree(cell(some(1_500), gone).submit, '/d');
  expect(await codeOf(removeTree(cell(gone).submit, '/d'))).toBe('not_found');
  const full = errorResult('reserved_path', 'a path outside /.sys', '/.sys');
  expect(await codeOf(removeTree(cell(some(1), full).submit, '/d'))).toBe('reserved_path');
});
