// Tests of how much work listings and removals are.
import { type Op, SUBTREE_NODES_MAX } from '@fatty/api';
import { beforeEach, expect, test, vi } from 'vitest';
import { Client, op, World } from './world.ts';

const work = vi.hoisted(() => ({ compared: 0 }));
vi.mock('@fatty/codec', async (original) => {
  const codec = await original<typeof import('@fatty/codec')>();
  const compareBytes: typeof codec.compareBytes = (a, b) => {
    work.compared++;
    return codec.compareBytes(a, b);
  };
  return { ...codec, compareBytes };
});

beforeEach(() => {
  work.compared = 0;
});

function compared(act: () => unknown): number {
  work.compared = 0;
  act();
  return work.compared;
}

/** A client, and a directory with that many files, made in an order that is not that of the names. */
function directory(files: number): { world: World; a: Client } {
  const [world, a] = [new World(), new Client(1)];
  world.open(a, op.dir('/d'));
  const makes = Array.from({ length: files }, (_, i) => op.file(`/d/${(i * 7_919) % files}`));
  world.run(a.batch(...makes));
  return { world, a };
}

test('a page of a listing costs what it shows, and so does one of a view', () => {
  const { world, a } = directory(5_000);
  const view = world.service.view();
  const pending = a.batch(op.file('/d/pending'));
  view.deliverBatch(pending);
  view.query({ kind: 'status' });
  for (const service of [world.service, view]) {
    for (const after of [undefined, '2500', '4999']) {
      const page = (): unknown => service.query({ kind: 'list', path: '/d', after, limit: 2 });
      expect(compared(page)).toBeLessThan(60);
    }
  }
  expect(compared(() => world.run(pending))).toBeLessThan(150);
});

test('removing a subtree takes at most so many nodes an op, and says what is left', () => {
  const { world, a } = directory(2 * SUBTREE_NODES_MAX + 10);
  const rm: Op = { kind: 'removeSubtree', path: '/d' };
  const [full, last] = [SUBTREE_NODES_MAX, 11];
  expect(world.one(a, rm)).toEqual({ kind: 'subtreeRemoved', nodes: full, left: full + last });
  expect(world.ask({ kind: 'status' })).toMatchObject({ nodes: full + last });
  expect(world.ask({ kind: 'stat', path: '/d' })).toMatchObject({ stat: { children: full + 10 } });
  expect(world.one(a, rm)).toEqual({ kind: 'subtreeRemoved', nodes: full, left: last });
  expect(world.one(a, rm)).toEqual({ kind: 'subtreeRemoved', nodes: last, left: 0 });
  expect(world.one(a, rm)).toMatchObject({ kind: 'error', code: 'not_found' });
  // What it cost its owner is given back.
  expect(world.ask({ kind: 'status' })).toMatchObject({ nodes: 0 });
});
