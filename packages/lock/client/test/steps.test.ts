// Trees removed and files read in several steps.
import { type Dot, errorResult, type Op, type Query, type Result } from '@fatty/api';
import { asSessionId, fromUtf8, utf8 } from '@fatty/codec';
import { expect, it } from 'vitest';
import type { Found } from '../src/sdk/options.ts';
import { type FileAnswer, readFile, removeTree } from '../src/sdk/steps.ts';
import { codeOf } from './code-of.ts';

const SESSION = asSessionId(new Uint8Array(32));

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
  const busy = errorResult('commit_full', 'room', 'none');
  const patient = cell(busy, some(1_500), busy, some(0));
  await removeTree(patient.submit, '/d');
  expect(patient.asked).toHaveLength(4);
  expect(await codeOf(removeTree(cell(gone).submit, '/d'))).toBe('not_found');
  const full = errorResult('reserved_path', 'a path outside /.sys', '/.sys');
  expect(await codeOf(removeTree(cell(some(1), full).submit, '/d'))).toBe('reserved_path');
});

/** A file whose values come as pages of at most two; `rewrite` is asked before each answer. */
function file(values: string[], rewrite: (asked: number) => void = () => undefined) {
  let asked = 0;
  const dotOf = (value: string): Dot => ({ session: SESSION, seq: Number(value), index: 0 });
  const read = (query: Query): Promise<Found<FileAnswer>> => {
    rewrite(++asked);
    const named = query.kind === 'contents' ? query.dots.map(({ seq }) => String(seq)) : values;
    const there = named.filter((value) => values.includes(value));
    const siblings = there
      .slice(0, 2)
      .map((value) => ({ dot: dotOf(value), content: utf8(value) }));
    const value = { kind: 'value', siblings, more: there.slice(2).map(dotOf) } as const;
    return Promise.resolve({ value, level: 'committed', commit: asked, replicas: [] } as never);
  };
  return readFile(read, '/f').then(({ siblings, commit }) => ({
    texts: siblings.map(({ content }) => fromUtf8(content)),
    commit,
    asked,
  }));
}

it('a file of more than one answer is read in pages, in order', async () => {
  const values = ['1', '2', '3', '4', '5'];
  expect(await file(values)).toEqual({ texts: values, commit: 1, asked: 3 });
  expect(await file(['1', '2'])).toEqual({ texts: ['1', '2'], commit: 1, asked: 1 });
  expect(await file([])).toMatchObject({ texts: [], asked: 1 });
});

it('a file that is written over between two pages is read anew', async () => {
  const values = ['1', '2', '3', '4', '5'];
  const once = file(values, (asked) => {
    if (asked === 2) values.splice(2, 2);
  });
  expect(await once).toEqual({ texts: ['1', '2', '5'], commit: 3, asked: 4 });
  const always = ['1', '2', '3'];
  const changing = file(always, (asked) => {
    if (asked % 2 === 0) always[2] = String(Number(always[2]) + 1);
  });
  expect(await codeOf(changing)).toBe('bad_answer');
});
