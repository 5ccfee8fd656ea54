// The tree of names: rows and keys.
import { describe, expect, it } from 'vitest';
import { type Listing, moveBy, parentPath, type TreeMove, treeRows } from '../src/model/tree.ts';

const listing = (...children: Listing['children']): Listing => {
  return { children, more: false, refused: undefined };
};
const dir = (name: string) => ({ name, node: 'directory' as const });
const file = (name: string) => ({ name, node: 'file' as const });

const listings = new Map([
  ['/', listing(dir('app'), file('config'))],
  ['/app', { ...listing(file('a'), file('b')), more: true }],
]);
const rows = treeRows(listings, new Set(['/', '/app']));

describe('the rows of a tree', () => {
  it('are what is open, depth first, with places among siblings', () => {
    expect(rows.map(({ path, level, place, siblings }) => [path, level, place, siblings])).toEqual([
      ['/', 1, 1, 1],
      ['/app', 2, 1, 2],
      ['/app/a', 3, 1, 2],
      ['/app/b', 3, 2, 2],
      ['/config', 2, 2, 2],
    ]);
    expect(rows.find(({ path }) => path === '/app')).toMatchObject({ expanded: true, more: true });
    expect(rows.find(({ path }) => path === '/config')?.expanded).toBeUndefined();
  });

  it('keep what stands in a closed directory to themselves', () => {
    const shut = treeRows(listings, new Set(['/']));
    expect(shut.map(({ path }) => path)).toEqual(['/', '/app', '/config']);
    expect(shut[1]).toMatchObject({ expanded: false, more: false });
  });

  it('say why a directory cannot be read', () => {
    const refused = { ...listing(), refused: 'access_denied' };
    const [, row] = treeRows(new Map([...listings, ['/app', refused]]), new Set(['/', '/app']));
    expect(row?.refused).toBe('access_denied');
  });
});

describe('a key in the tree', () => {
  const focus = (path: string): TreeMove => ({ kind: 'focus', path });
  it.each([
    ['ArrowDown', '/app', focus('/app/a')],
    ['ArrowDown', '/config', undefined],
    ['ArrowUp', '/config', focus('/app/b')],
    ['ArrowUp', '/', undefined],
    ['Home', '/config', focus('/')],
    ['End', '/', focus('/config')],
    ['ArrowRight', '/app', focus('/app/a')],
    ['ArrowRight', '/config', undefined],
    ['ArrowLeft', '/app', { kind: 'close', path: '/app' }],
    ['ArrowLeft', '/app/b', focus('/app')],
    ['ArrowLeft', '/config', focus('/')],
    ['x', '/app', undefined],
    ['ArrowDown', '/gone', undefined],
  ] as const)('%s at %s', (key, at, move) => {
    expect(moveBy(key, rows, at)).toEqual(move);
  });

  it('opens a closed directory before it goes in', () => {
    const shut = treeRows(listings, new Set(['/']));
    expect(moveBy('ArrowRight', shut, '/app')).toEqual({ kind: 'open', path: '/app' });
  });

  it('does not leave an open directory without children', () => {
    const empty = treeRows(
      new Map([
        ['/', listing(dir('e'), file('f'))],
        ['/e', listing()],
      ]),
      new Set(['/', '/e']),
    );
    expect(moveBy('ArrowRight', empty, '/e')).toBeUndefined();
  });
});

it('knows the directory of a path', () => {
  expect(['/', '/a', '/a/b'].map(parentPath)).toEqual(['/', '/', '/a']);
});
