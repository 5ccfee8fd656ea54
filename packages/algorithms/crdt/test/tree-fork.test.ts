// Tests of trees that share what they have not changed.
import { toHex } from '@fatty/codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LayeredMap, type OpId, type Tree } from '../src/index.ts';
import { at, directory, ephemeral, file, id, newTree, path } from './worlds.ts';

const PATHS = ['/a', '/b', '/a/x', '/a/y', '/a/x/deep', '/b/z'];

interface Act {
  readonly kind:
    | 'file'
    | 'directory'
    | 'ephemeral'
    | 'write'
    | 'slot'
    | 'remove'
    | 'drop'
    | 'some'
    | 'root';
  readonly path: string;
  readonly who: number;
}

const DIRECTORIES: readonly Act[] = [
  { kind: 'directory', path: '/a', who: 0 },
  { kind: 'directory', path: '/a/x', who: 1 },
  { kind: 'file', path: '/b', who: 2 },
];

const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.constantFrom(
    'file',
    'directory',
    'directory',
    'ephemeral',
    'write',
    'slot',
    'remove',
    'drop',
    'some',
    'root',
  ),
  path: fc.constantFrom(...PATHS),
  who: fc.nat(2),
});

/** Does one thing to a tree; answers what it said of it. */
function perform(tree: Tree<number>, { kind, path: text, who }: Act, seq: number): unknown {
  const where = path(text);
  const op: OpId = id(who, seq);
  const node = tree.lookup(where);
  const stamp = seq % 2 === 0 ? at(seq) : undefined;
  if (kind === 'file') return code(tree.create(where, op, file(who, seq), stamp));
  if (kind === 'directory') return code(tree.create(where, op, directory(who), stamp));
  if (kind === 'ephemeral') return code(tree.create(where, op, ephemeral(who), stamp));
  if (kind === 'root') return toHex(tree.root());
  if (node === undefined) return 'none';
  if (kind === 'write') {
    const write = { id: op, bytes: Uint8Array.of(seq), replaces: [], stamp };
    return [code(tree.setContent(node, write)), code(tree.setContent(node, write))];
  }
  if (kind === 'slot') return tree.setSlot(node, seq);
  if (kind === 'drop') return code(tree.removeSubtree(where, Number.POSITIVE_INFINITY));
  if (kind === 'some') return code(tree.removeSubtree(where, 1));
  return code(
    tree.remove(
      where,
      node.dots.slice(0, 1 + (seq % 2)).map((dot) => dot.id),
    ),
  );
}

const code = (outcome: { ok: boolean; failure?: { code: string } }): string =>
  outcome.failure?.code ?? 'ok';

function grown(acts: readonly Act[]): Tree<number> {
  const tree = newTree();
  acts.forEach((one, i) => void perform(tree, one, i));
  return tree;
}

function copyOf(tree: Tree<number>): Tree<number> {
  const copy = newTree();
  expect(copy.restore(tree.snapshot()).ok).toBe(true);
  return copy;
}

function expectSame(one: Tree<number>, two: Tree<number>): void {
  expect(toHex(one.snapshot())).toBe(toHex(two.snapshot()));
  expect(toHex(one.root())).toBe(toHex(two.root()));
  expect(one.size).toBe(two.size);
}

describe('a fork', () => {
  it('does what a copy does, and its origin does not notice', () => {
    let changed = 0;
    const acts = fc.array(act, { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(acts, acts, acts, (before, first, second) => {
        const origin = grown([...DIRECTORIES, ...before]);
        const untouched = toHex(origin.snapshot());
        const [fork, copy] = [origin.fork(), copyOf(origin)];
        first.forEach((one, i) => {
          expect(perform(fork, one, 100 + i)).toEqual(perform(copy, one, 100 + i));
        });
        expectSame(fork, copy);
        const [again, twice] = [fork.fork(), copyOf(copy)];
        second.forEach((one, i) => {
          expect(perform(again, one, 200 + i)).toEqual(perform(twice, one, 200 + i));
        });
        expectSame(again, twice);
        expectSame(fork, copy);
        expect(toHex(origin.snapshot())).toBe(untouched);
        expectSame(origin, copyOf(origin));
        // Its index is its own again as well: it goes on as if nobody had forked it.
        const reference = copyOf(origin);
        second.forEach((one, i) => {
          expect(perform(origin, one, 300 + i)).toEqual(perform(reference, one, 300 + i));
        });
        expectSame(origin, reference);
        if (untouched !== toHex(copy.snapshot())) changed++;
      }),
      { numRuns: 200 },
    );
    expect(changed).toBeGreaterThan(60);
  });
});

describe('a layered map', () => {
  it('is a map, and its base does not notice', () => {
    const step = fc.tuple(fc.constantFrom('set', 'delete'), fc.nat(5), fc.nat(9));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(9))), fc.array(step), (entries, steps) => {
        const base = new Map(entries);
        const [layered, plain] = [new LayeredMap(base), new Map(base)];
        for (const [what, key, value] of steps) {
          if (what === 'set') [plain, layered].forEach((map) => void map.set(key, value));
          else expect(layered.delete(key)).toBe(plain.delete(key));
          expect(layered.size).toBe(plain.size);
        }
        for (const key of [0, 1, 2, 3, 4, 5]) {
          expect([layered.has(key), layered.get(key)]).toEqual([plain.has(key), plain.get(key)]);
        }
        expect(new Map(layered)).toEqual(plain);
        expect(new Set(layered.values())).toEqual(new Set(plain.values()));
        expect(base).toEqual(new Map(entries));
      }),
    );
  });
});
