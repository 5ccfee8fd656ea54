// Tests of a tree's snapshot and root.
import { decode, encode, utf8 } from '@fatty/codec';
import { expect, it } from 'vitest';
import { hashByHand, pin, pinned, plainOf } from '../../../kernel/codec/test/by-hand.ts';
import { reference } from '../../../kernel/codec/test/reference.ts';
import {
  nodeAcl,
  Orswot,
  OrswotAlgorithm,
  orswot,
  type SetOp,
  type Tree,
  type TreeNode,
} from '../src/index.ts';
import { rootByHand } from './root-by-hand.ts';
import {
  at,
  directory,
  ephemeral,
  file,
  id,
  key,
  newTree,
  path,
  session,
  source,
} from './worlds.ts';

const golden = new URL('./golden/', import.meta.url);

const add = (name: string): SetOp => ({ kind: 'add', member: utf8(name) });
const where = { commit: 1, index: 0 };

function busySet(): OrswotAlgorithm {
  const set = new OrswotAlgorithm();
  set.apply(source(2, 0), add('pear'), where);
  set.apply(source(1, 0), add('fig'), where);
  set.apply(source(1, 1), add('pear'), where);
  set.apply(source(1, 2), add('plum'), where);
  const dots = [{ actor: session(2), counter: 1 }];
  set.apply(source(1, 3), { kind: 'remove', member: utf8('pear'), dots }, where);
  const fig = [{ actor: session(1), counter: 1 }];
  set.apply(source(2, 1), { kind: 'remove', member: utf8('fig'), dots: fig }, where);
  return set;
}

it('a set keeps its snapshot and root: members with their dots, then what was seen', () => {
  const set = busySet();
  const byHand = reference([
    [
      [utf8('pear'), [[session(1), 2]]],
      [utf8('plum'), [[session(1), 3]]],
    ],
    [
      [session(1), 3, []],
      [session(2), 1, []],
    ],
  ]);
  pin(golden, 'orswot-snapshot', set.snapshot());
  pin(golden, 'orswot-root', set.root());
  expect(set.snapshot()).toEqual(byHand);
  expect(set.root()).toEqual(hashByHand('orswot', byHand));
  const copy = new OrswotAlgorithm();
  copy.restore(pinned(golden, 'orswot-snapshot'));
  expect(copy.root()).toEqual(set.root());
});

it('dots seen out of order stand behind the prefix, ascending', () => {
  const [one, two] = [Uint8Array.of(1), Uint8Array.of(2, 0)];
  const dots = [
    { actor: two, counter: 300 },
    { actor: two, counter: 7 },
    { actor: one, counter: 1 },
    { actor: one, counter: 2 },
  ];
  let set = Orswot.EMPTY;
  for (const dot of dots) set = set.apply({ kind: 'add', member: utf8('m'), dot });
  const byHand = reference([
    [
      [
        utf8('m'),
        [
          [one, 1],
          [one, 2],
          [two, 7],
          [two, 300],
        ],
      ],
    ],
    [
      [one, 2, []],
      [two, 0, [7, 300]],
    ],
  ]);
  pin(golden, 'orswot-out-of-order', encode(orswot, set));
  expect(encode(orswot, set)).toEqual(byHand);
  expect(decode(orswot, byHand, byHand.length).ok).toBe(true);
});

function find(tree: Tree<number>, text: string): TreeNode<number> {
  const node = tree.lookup(path(text));
  if (node === undefined) throw new Error(text);
  return node;
}

/** Two levels, two dots on a node, two siblings, an ephemeral, a guarded file, every generation. */
function busyTree(): Tree<number> {
  const tree = newTree();
  tree.create(path('/b'), id(1, 1), directory(), at(1));
  tree.create(path('/b/two'), id(1, 2), { ...file(), slot: 70_000 }, at(2));
  tree.create(path('/b/two'), id(2, 3), ephemeral(2), at(3));
  tree.create(path('/b/one'), id(2, 4), { ...file(2), mode: 'guarded' }, at(4, 1));
  tree.create(path('/a'), id(1, 5), file(), at(5));
  const write = (seq: number, text: string, where: string): void => {
    const content = { id: id(1, seq), bytes: utf8(text), replaces: [], stamp: at(seq, 2) };
    tree.setContent(find(tree, where), content);
  };
  write(6, 'left', '/b/two');
  write(7, 'right, and longer than twenty-three bytes', '/b/two');
  write(8, 'guarded', '/b/one');
  tree.amend(find(tree, '/b/two'), { lockGen: { commit: 9, index: 3 } });
  tree.amend(find(tree, '/b'), { acl: nodeAcl(utf8('who')), aclGen: { commit: 10, index: 0 } });
  tree.remove(path('/a'), [id(1, 5)]);
  return tree;
}

it('a tree keeps its snapshot; its root follows from the snapshot alone', () => {
  const tree = busyTree();
  pin(golden, 'tree-busy', tree.snapshot());
  pin(golden, 'tree-busy-root', tree.root());
  expect(tree.root()).toEqual(rootByHand(plainOf(tree.snapshot())));
  const copy = newTree();
  expect(copy.restore(pinned(golden, 'tree-busy')).ok).toBe(true);
  expect(copy.root()).toEqual(tree.root());
});

it('a line of a tree is (depth, name, body)', () => {
  const tree = newTree();
  tree.create(path('/f'), id(1, 2, 3), { ...ephemeral(4), slot: 5 }, at(6, 7));
  const content = { id: id(1, 8), bytes: utf8('text'), replaces: [], stamp: at(9) };
  tree.setContent(find(tree, '/f'), content);
  const place = [session(1), 2, 3];
  const line = [
    1,
    utf8('f'),
    [
      place,
      key(4),
      1,
      0,
      [[place, key(4), 1]],
      [[[6, 7], 6_000]],
      [[[9, 0], 9_000]],
      // The generation of the ACL starts with the create.
      [[9, 0]],
      [],
      [[6, 7]],
      // Nobody has restricted anything.
      [],
      [[[session(1), 8, 0], [[9, 0]], utf8('text')]],
      5,
    ],
  ];
  const lines = plainOf(tree.snapshot());
  expect(Array.isArray(lines) ? lines[1] : undefined).toEqual(line);
});
