// Tests of sequential creates: names that sort as they were made, and never come back.
import { type FileOp, type Op, type Result, sequentialPath, tokenOf } from '@fatty/api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { begun, denial, key, setting } from './acl-world.ts';
import { at, Client, op, World } from './world.ts';

const code = (value: unknown): unknown => (value as { code?: string }).code;
const txn = (...success: readonly Op[]): Op => ({
  kind: 'txn',
  compares: [],
  success: success as readonly FileOp[],
  failure: [],
});

function started(...ops: readonly Op[]): { world: World; a: Client } {
  const world = new World();
  const a = new Client(1);
  world.open(a, op.dir('/q'), ...ops);
  return { world, a };
}

function names(world: World, path = '/q'): readonly string[] {
  const answer = world.ask({ kind: 'list', path, after: undefined, limit: 1000 });
  return answer.kind === 'list' ? answer.entries.map(({ name }) => name) : [];
}

/** The path that a `created` is of. */
function madePath(path: string, result: Result | undefined): string {
  if (result?.kind !== 'created') throw new Error(JSON.stringify(result));
  return sequentialPath(path, result.instance);
}

describe('a sequential create', () => {
  test('is named by its position, which its result tells', () => {
    const { world, a } = started();
    const [first, second] = world.run(a.batch(op.next('/q/job-', 'one'), op.next('/q/job-')));
    expect(first).toMatchObject({ kind: 'created', instance: at(world.commit, 0), existed: false });
    expect(names(world)).toEqual([0, 1].map((i) => `job-${tokenOf(at(world.commit, i))}`));
    const value = world.ask({ kind: 'get', path: madePath('/q/job-', first) });
    expect(value).toMatchObject({ kind: 'value', stat: { instance: at(world.commit, 0) } });
    expect(madePath('/q/job-', second) > madePath('/q/job-', first)).toBe(true);
  });

  test('is made in a transaction at the position of its part', () => {
    const { world, a } = started();
    const done = world.one(a, txn(op.next('/q/a-'), op.file('/q/mid'), op.next('/q/a-')));
    const { commit } = world;
    expect(done).toMatchObject({ kind: 'txnDone', position: at(commit, 0) });
    expect(names(world)).toEqual([
      `a-${tokenOf(at(commit, 0))}`,
      `a-${tokenOf(at(commit, 2))}`,
      'mid',
    ]);
  });

  test('meets whoever has made that name ahead, and nothing is done', () => {
    const { world, a } = started();
    const ahead = sequentialPath('/q/x-', at(world.commit + 2, 0));
    world.one(a, op.file(ahead));
    expect(code(world.one(a, op.next('/q/x-')))).toBe('exists');
    expect(world.one(a, op.next('/q/x-'))).toMatchObject({ kind: 'created' });
  });

  test('dies with its session where it is ephemeral', () => {
    const { world, a } = started();
    world.one(a, op.next('/q/m-', '', { ephemeral: true }));
    expect(names(world)).toHaveLength(1);
    world.one(a, { kind: 'closeSession' });
    expect(names(world)).toEqual([]);
  });

  test('needs the directory, and its write list alone', () => {
    const { world, boss, other } = begun(op.dir('/q'), op.file('/q/p'));
    expect(code(world.one(boss, op.next('/none/x-')))).toBe('not_found');
    world.one(boss, setting(world, '/q/p', { write: [key(other)] }));
    world.one(boss, setting(world, '/q', { write: [key(boss)] }));
    // A node that has the prefix for its name says nothing about the names that begin with it.
    expect(world.one(other, op.next('/q/p'))).toEqual(denial('write', '/q', other));
    expect(world.one(boss, op.next('/q/p'))).toMatchObject({ kind: 'created' });
  });
});

/** What is done to the queue, step by step. */
const step = fc.constantFrom('make', 'makeTwo', 'txn', 'removeLast', 'removeQueue');

test('no name comes twice, and each sorts behind all before it, whatever is removed between', () => {
  const reached = { names: 0, removed: 0, queues: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      const { world, a } = started();
      const made: string[] = [];
      for (const what of steps) {
        const before = new Set(names(world));
        if (what === 'removeQueue') {
          world.run(a.batch({ kind: 'removeSubtree', path: '/q' }, op.dir('/q')));
          reached.queues += 1;
        } else if (what === 'removeLast') {
          const last = made.at(-1);
          if (last === undefined || !before.has(last)) continue;
          world.one(a, { kind: 'removeSubtree', path: `/q/${last}` });
          reached.removed += 1;
        } else if (what === 'txn') world.one(a, txn(op.next('/q/n-'), op.next('/q/n-')));
        else {
          world.run(a.batch(...Array(what === 'make' ? 1 : 2).fill(op.next('/q/n-'))));
        }
        made.push(...names(world).filter((name) => !before.has(name)));
      }
      expect(new Set(made).size).toBe(made.length);
      expect([...made].sort()).toEqual(made);
      reached.names += made.length;
    }),
    { numRuns: 60 },
  );
  expect(Math.min(...Object.values(reached))).toBeGreaterThan(20);
});
