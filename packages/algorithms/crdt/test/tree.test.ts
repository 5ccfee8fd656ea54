// Tests of the namespace tree.
import { asDigest, decode, encode, InvariantError, sha256, toHex, u32, utf8 } from '@fatty/codec';
import { golden } from '@fatty/codec/golden';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  nodeAcl,
  type SnapshotNode,
  snapshotShape,
  type Tree,
  type TreeNode,
} from '../src/index.ts';
import { at, directory, ephemeral, file, id, key, newTree, path } from './worlds.ts';

let tree: Tree<number>;
beforeEach(() => {
  tree = newTree();
});

const create = (text: string, who: number, seq: number, init = file(who)) =>
  tree.create(path(text), id(who, seq), init, at(seq));
const ALL = Number.POSITIVE_INFINITY;
const copyOf = (one: Tree<number>): Tree<number> => {
  const copy = newTree();
  expect(copy.restore(one.snapshot()).ok).toBe(true);
  return copy;
};
const names = (nodes: Iterable<TreeNode<number>>): string[] =>
  Array.from(nodes, (node) => new TextDecoder().decode(node.name));
const need = (text: string): TreeNode<number> => {
  const node = tree.lookup(path(text));
  if (node === undefined) throw new Error(`no ${text}`);
  return node;
};
const failureOf = (outcome: { ok: boolean; failure?: { code: string } }): string | undefined =>
  outcome.failure?.code;

describe('create', () => {
  it('makes a node with its metadata', () => {
    const made = create('/a', 1, 5);
    expect(made).toMatchObject({ ok: true, value: { existed: false } });
    expect(tree.stat(need('/a'))).toEqual({
      id: id(1, 5),
      kind: 'file',
      mode: 'shared',
      ephemeral: false,
      owner: key(1),
      instance: { commit: 5, index: 0 },
      contentGen: { commit: 5, index: 0 },
      lockGen: undefined,
      aclGen: { commit: 5, index: 0 },
      created: at(5),
      modified: at(5),
      checksum: sha256(new Uint8Array(0)),
      size: 0,
      siblings: 0,
      children: 0,
    });
    expect(tree.size).toBe(1);
  });

  it('adds its dot to a live name, once', () => {
    create('/a', 1, 5);
    for (let i = 0; i < 2; i++) {
      expect(create('/a', 2, 9)).toMatchObject({ ok: true, value: { existed: true } });
    }
    const node = need('/a');
    expect(node.dots.map((dot) => dot.id)).toEqual([id(1, 5), id(2, 9)]);
    expect([node.id, node.owner, tree.size]).toEqual([id(1, 5), key(1), 1]);
    expect(tree.byId(id(2, 9))).toBe(node);
  });

  it('lets no dot of a live node make another, whichever way the node got it', () => {
    create('/a', 1, 5);
    create('/a', 2, 9);
    for (const [who, seq] of [
      [1, 5],
      [2, 9],
    ] as const) {
      expect(failureOf(create('/b', who, seq))).toBe('dot_reused');
      expect(tree.byId(id(who, seq))).toBe(need('/a'));
    }
    // The node keeps the name its first dot gave it.
    tree.remove(path('/a'), [id(1, 5)]);
    expect(failureOf(create('/b', 1, 5))).toBe('dot_reused');
    create('/b', 3, 1);
    expect(failureOf(create('/b', 2, 9))).toBe('dot_reused');
    tree.removeSubtree(path('/a'), ALL);
    expect(create('/b', 2, 9)).toMatchObject({ ok: true, value: { existed: true } });
    for (const name of ['/a', '/b']) tree.removeSubtree(path(name), ALL);
    expect([tree.size, tree.byId(id(2, 9))]).toEqual([0, undefined]);
  });

  it('says why not', () => {
    create('/f', 1, 1);
    expect(failureOf(create('/no/a', 1, 2))).toBe('not_found');
    expect(failureOf(create('/f/a', 1, 3))).toBe('not_a_directory');
    expect(failureOf(create('/f', 1, 4, directory()))).toBe('wrong_kind');
    expect(failureOf(create('/f', 1, 4, { ...file(), mode: 'guarded' }))).toBe('wrong_kind');
    expect(failureOf(tree.create([], id(1, 5), directory(), at(5)))).toBe('exists');
    expect(tree.size).toBe(1);
  });
});

describe('remove', () => {
  it('takes the dots it names; the last one takes the node', () => {
    create('/a', 1, 1);
    create('/a', 2, 2);
    expect(tree.remove(path('/a'), [id(1, 1)])).toEqual({
      ok: true,
      value: { unknown: [], died: [] },
    });
    expect(need('/a').id).toEqual(id(1, 1));
    const last = tree.remove(path('/a'), [id(1, 1), id(2, 2)]);
    expect(last).toMatchObject({ ok: true, value: { unknown: [id(1, 1)] } });
    expect(last.ok && names(last.value.died)).toEqual(['a']);
    expect([tree.lookup(path('/a')), tree.byId(id(1, 1)), tree.size]).toEqual([
      undefined,
      undefined,
      0,
    ]);
  });

  it('leaves nothing behind', () => {
    const before = tree.snapshot();
    create('/a', 1, 1);
    tree.remove(path('/a'), [id(1, 1)]);
    expect(tree.snapshot()).toEqual(before);
    create('/a', 2, 2);
    expect(tree.stat(need('/a')).instance).toEqual({ commit: 2, index: 0 });
  });

  it('changes nothing for an unknown dot', () => {
    create('/a', 1, 1);
    const before = toHex(tree.root());
    expect(tree.remove(path('/a'), [id(3, 3)])).toEqual({
      ok: true,
      value: { unknown: [id(3, 3)], died: [] },
    });
    expect(toHex(tree.root())).toBe(before);
  });

  it('says why not', () => {
    create('/d', 1, 1, directory());
    create('/d/f', 1, 2);
    expect(failureOf(tree.remove(path('/d'), [id(1, 1)]))).toBe('not_empty');
    expect(failureOf(tree.remove(path('/x'), [id(1, 1)]))).toBe('not_found');
    expect(failureOf(tree.remove([], []))).toBe('not_found');
    expect(failureOf(tree.removeSubtree([], ALL))).toBe('not_found');
    expect(failureOf(tree.removeSubtree(path('/x'), ALL))).toBe('not_found');
  });

  it('takes a subtree, children before parents', () => {
    create('/d', 1, 1, directory());
    create('/d/e', 1, 2, directory());
    create('/d/e/f', 1, 3);
    create('/k', 1, 4);
    const dead = tree.removeSubtree(path('/d'), 3);
    expect(dead.ok && [names(dead.value.died), dead.value.left]).toEqual([['f', 'e', 'd'], 0]);
    expect(names([...tree.walk(tree.top)])).toEqual(['', 'k']);
    expect(tree.size).toBe(1);
  });

  it('takes no more of a subtree than it may, the deepest first, and says what is left', () => {
    create('/d', 1, 1, directory());
    create('/d/e', 1, 2, directory());
    for (const [i, name] of ['a', 'b', 'e/x', 'e/y', 'f'].entries()) create(`/d/${name}`, 2, i);
    create('/k', 1, 4);
    const rest = copyOf(tree);
    const taken: unknown[] = [];
    for (let left = 1; left > 0; ) {
      const removed = tree.removeSubtree(path('/d'), 3);
      if (!removed.ok) throw new Error(removed.failure.code);
      taken.push([names(removed.value.died), removed.value.left]);
      left = removed.value.left;
      expect([tree.size, need('/k').below, tree.top.below]).toEqual([left + 1, 0, left + 1]);
      expect(copyOf(tree).top.below).toBe(tree.size);
    }
    expect(taken).toEqual([
      [['a', 'b', 'x'], 4],
      [['y', 'e', 'f'], 1],
      [['d'], 0],
    ]);
    rest.removeSubtree(path('/d'), ALL);
    expect(toHex(tree.root())).toBe(toHex(rest.root()));
  });

  it('refuses to work on the dead', () => {
    create('/a', 1, 1);
    const dead = need('/a');
    tree.removeSubtree(path('/a'), ALL);
    expect(() => tree.setSlot(dead, 1)).toThrow(InvariantError);
  });
});

describe('content', () => {
  const write = (seq: number, text: string, replaces = [id(9, 9)], committed = true) => ({
    id: id(1, seq),
    bytes: utf8(text),
    replaces,
    stamp: committed ? at(seq) : undefined,
  });
  const shown = (text: string): string => new TextDecoder().decode(tree.content(need(text)));

  it('keeps concurrent writes of a shared file, by position, pending ones last', () => {
    create('/a', 1, 1);
    const a = need('/a');
    tree.setContent(a, write(1, 'pending', [], false));
    tree.setContent(a, write(7, 'second', []));
    tree.setContent(a, write(3, 'first', []));
    tree.setContent(a, write(3, 'again', []));
    const texts = a.siblings.map((one) => new TextDecoder().decode(one.bytes));
    expect(texts).toEqual(['first', 'second', 'pending']);
    tree.setContent(a, write(8, 'merged', [id(1, 1), id(1, 3), id(1, 7)]));
    expect([shown('/a'), a.siblings.length]).toEqual(['merged', 1]);
    expect(tree.stat(a)).toMatchObject({
      checksum: sha256(utf8('merged')),
      size: 6,
      contentGen: { commit: 8, index: 0 },
      modified: at(8),
      created: at(1),
    });
  });

  it('replaces the content of a guarded file', () => {
    create('/g', 1, 1, { ...file(), mode: 'guarded' });
    tree.setContent(need('/g'), write(2, 'one', []));
    tree.setContent(need('/g'), write(3, 'two', []));
    expect([shown('/g'), need('/g').siblings.length]).toEqual(['two', 1]);
  });

  it('is for files', () => {
    create('/d', 1, 1, directory());
    expect(failureOf(tree.setContent(need('/d'), write(2, 'x')))).toBe('not_a_file');
    expect(tree.content(need('/d'))).toEqual(new Uint8Array(0));
  });
});

type Lines = readonly SnapshotNode<number>[];
const deeper = (line: SnapshotNode<number> | undefined, i: number): Lines =>
  line === undefined ? [] : [{ ...line, depth: i }];

describe('bytes', () => {
  beforeEach(() => {
    create('/d', 1, 1, directory());
    create('/d/f', 1, 2, { ...file(), slot: 7 });
    create('/d/f', 2, 3, ephemeral(2));
    create('/e', 1, 4, ephemeral(1));
    tree.setContent(need('/d/f'), { id: id(1, 5), bytes: utf8('x'), replaces: [], stamp: at(5) });
    tree.amend(need('/e'), { lockGen: { commit: 6, index: 1 } });
  });

  it('restore to an equal tree that goes on alike', () => {
    const copy = newTree();
    expect(copy.restore(tree.snapshot())).toEqual({ ok: true, value: true });
    expect([copy.size, toHex(copy.root())]).toEqual([tree.size, toHex(tree.root())]);
    for (const one of [tree, copy]) {
      one.remove(path('/d/f'), [id(1, 2)]);
      one.remove(path('/e'), [id(1, 4)]);
    }
    expect(copy.snapshot()).toEqual(tree.snapshot());
    expect(names(copy.list(copy.top))).toEqual(['d']);
  });

  it('are refused, without a trace, when anything in them is off', () => {
    const bytes = tree.snapshot();
    let refused = 0;
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (i, flip) => {
        const bent = bytes.slice();
        bent[i] = (bent[i] ?? 0) ^ flip;
        const copy = newTree();
        const read = copy.restore(bent);
        if (read.ok) expect(copy.snapshot()).toEqual(bent);
        else refused++;
        expect(read.ok || copy.size === 0).toBe(true);
      }),
      { numRuns: 800 },
    );
    expect(refused).toBeGreaterThan(150);
  });

  it.each([
    ['no root', (lines: Lines) => lines.slice(1)],
    ['two roots', (lines: Lines) => [...lines, ...lines.slice(0, 1)]],
    ['names out of order', (lines: Lines) => [0, 3, 1, 2].flatMap((i) => lines[i] ?? [])],
    ['a name twice', (lines: Lines) => [0, 1, 2, 2].flatMap((i) => lines[i] ?? [])],
    ['a child of a file', (lines: Lines) => [0, 1, 2, 3].flatMap((i) => deeper(lines[i], i))],
    ['a gap in depth', (lines: Lines) => [0, 2].flatMap((i) => lines[i] ?? [])],
    ['nothing', () => []],
  ])('are refused with %s', (_, bend) => {
    const lines = decode(snapshotShape(u32), tree.snapshot(), 10_000);
    if (!lines.ok) throw new Error(lines.failure.code);
    const read = newTree().restore(encode(snapshotShape(u32), bend(lines.value)));
    expect(failureOf(read)).toBe('bad_snapshot');
  });

  it('keep their format', () => {
    const lines = decode(snapshotShape(u32), tree.snapshot(), 10_000);
    if (!lines.ok) throw new Error(lines.failure.code);
    golden(new URL('./golden/', import.meta.url), 'tree-snapshot', snapshotShape(u32), lines.value);
    expect(toHex(tree.root())).toBe(ROOT);
  });
});

/** The state digest of the tree above: what replicas vote on. */
const ROOT = 'ac72fd440f6be1f51b86d7621ab47e048f317c35bc9e8ec2140a1631736a5e61';

describe('root', () => {
  it('covers names, bodies, slots, contents; incremental equals from scratch', () => {
    const seen = new Set<string>();
    const check = (): void => {
      const cold = newTree();
      cold.restore(tree.snapshot());
      expect(toHex(tree.root())).toBe(toHex(cold.root()));
      expect(seen.has(toHex(tree.root()))).toBe(false);
      seen.add(toHex(tree.root()));
    };
    check();
    create('/d', 1, 1, directory());
    check();
    create('/d/f', 1, 2);
    check();
    tree.setSlot(need('/d/f'), 8);
    check();
    tree.setContent(need('/d/f'), { id: id(1, 5), bytes: utf8('x'), replaces: [], stamp: at(5) });
    check();
    tree.amend(need('/d'), { acl: nodeAcl(utf8('who')), aclGen: { commit: 6, index: 1 } });
    check();
    create('/d/f', 2, 3);
    check();
    tree.remove(path('/d/f'), [id(1, 2)]);
    check();
    tree.removeSubtree(path('/d/f'), ALL);
    check();
    tree.setSlot(tree.top, 1);
    check();
    expect(asDigest(tree.root()).length).toBe(32);
  });

  it('is a function of the tree, whatever its history', () => {
    const ops = fc.array(
      fc.record({
        on: fc.constantFrom('/a', '/b', '/a/x', '/a/y', '/b/x'),
        make: fc.constantFrom(true, true, true, false),
      }),
      { minLength: 5, maxLength: 25 },
    );
    let nested = 0;
    fc.assert(
      fc.property(ops, (list) => {
        tree = newTree();
        const alive = new Map<string, number>();
        list.forEach(({ on, make }, i) => {
          if (i % 3 === 0) tree.root();
          const parent = on.slice(0, on.lastIndexOf('/'));
          if (make && (parent === '' || alive.has(parent))) {
            if (!alive.has(on)) alive.set(on, i + 1);
            if (alive.get(on) === i + 1) create(on, 1, i + 1, on.length > 2 ? file() : directory());
          } else if (!make) {
            tree.removeSubtree(path(on), ALL);
            for (const one of alive.keys()) if (one.startsWith(on)) alive.delete(one);
          }
        });
        const rebuilt = newTree();
        for (const [on, seq] of [...alive].sort((a, b) => a[0].length - b[0].length)) {
          rebuilt.create(path(on), id(1, seq), on.length > 2 ? file() : directory(), at(seq));
          if (on.length > 2) nested++;
        }
        expect(toHex(rebuilt.root())).toBe(toHex(tree.root()));
        expect(rebuilt.snapshot()).toEqual(tree.snapshot());
        expect(tree.size).toBe(alive.size);
      }),
      { numRuns: 300 },
    );
    expect(nested).toBeGreaterThan(50);
  });
});
