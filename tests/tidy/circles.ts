// Folders of a package stand in an order: no two need one another.
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { read, tracked } from './tree.ts';

/** Which folders each folder imports from, types included: a reader follows them as well. */
function needs(): ReadonlyMap<string, ReadonlySet<string>> {
  const edges = new Map<string, Set<string>>();
  for (const path of tracked('packages/*/*/src/*.ts', 'packages/*/*/src/*.tsx')) {
    const from = dirname(path);
    const targets = edges.get(from) ?? new Set();
    edges.set(from, targets);
    for (const [, file = ''] of read(path).matchAll(/\sfrom\s+'(\.[^']+)'/g)) {
      const target = dirname(join(from, file));
      if (target !== from) targets.add(target);
    }
  }
  return edges;
}

it('has no circle of folders inside a package', () => {
  const edges = needs();
  expect(edges.size).toBeGreaterThan(50);
  const reaches = (from: string, goal: string, seen: Set<string>): boolean =>
    [...(edges.get(from) ?? [])].some(
      (next) => next === goal || (!seen.has(next) && reaches(next, goal, seen.add(next))),
    );
  expect([...edges.keys()].filter((folder) => reaches(folder, folder, new Set()))).toEqual([]);
});
