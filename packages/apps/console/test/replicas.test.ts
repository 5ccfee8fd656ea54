// How members are seen: who is down, behind, silent, or a liar, and what that comes to.
import { describe, expect, it } from 'vitest';
import { listed, vouched, witnessed } from '../src/model/believed.ts';
import {
  changesOf,
  healthOf,
  isElsewhere,
  type MemberSeen,
  type OwnWord,
  replicaRows,
  sizesOf,
  vouchedCommit,
} from '../src/model/replicas.ts';

const word = (commit: number): OwnWord => {
  return { commit, leaseClock: 0, sessions: 0, nodes: 0, holds: 0, waits: 0, machines: 0 };
};

const member = (index: number, more: Partial<MemberSeen> = {}): MemberSeen => {
  const link = { kind: 'up' } as const;
  const place = { index, key: `0${index}`, client: `ws://h${index}:1` };
  return { ...place, link, own: word(100), convicted: false, ...more };
};
const DOWN = { link: { kind: 'down', why: 'refused' }, own: undefined } as const;
const four = (...changed: Partial<MemberSeen>[]): MemberSeen[] =>
  [0, 1, 2, 3].map((index) => member(index, changed[index]));
const standings = (members: MemberSeen[]): string[] =>
  replicaRows(members).map(({ standing }) => standing);

describe('what is believed', () => {
  it('is the figure that one honest replica has reached, whatever f others claim', () => {
    expect(vouched([7, 5, 9_999, 6], 1)).toBe(7);
    expect(vouched([7, undefined, 9_999, undefined], 1)).toBe(7);
    expect(vouched([undefined, 9_999, undefined, undefined], 1)).toBeUndefined();
    expect(vouchedCommit(four({ own: word(1_000_000) }))).toBe(100);
  });

  it('names who says so', () => {
    expect(witnessed({ commit: 17, replicas: [0, 2, 3] })).toBe('replicas 0, 2 and 3 at commit 17');
    expect(listed(['1'], 'replica')).toBe('replica 1');
    expect(listed([], 'replica')).toBe('no replica');
  });
});

describe('a replica', () => {
  it('is up, behind, silent, down or a liar', () => {
    const seen = four({}, {}, { own: undefined }, DOWN);
    expect(standings(seen)).toEqual(['up', 'up', 'silent', 'down']);
    expect(standings(four({}, { own: word(20) }))).toEqual(['up', 'behind', 'up', 'up']);
    expect(standings(four({ ...DOWN, convicted: true }))[0]).toBe('liar');
    expect(replicaRows(seen).map(({ words }) => words)).toEqual([
      'up',
      'up',
      'linked, does not answer',
      'down: refused',
    ]);
    expect(replicaRows(four({ own: word(20) }))[0]?.words).toBe('catching up, 80 commits behind');
  });

  it('that claims to be far ahead makes nobody else late', () => {
    expect(standings(four({ own: word(1_000_000) }))).toEqual(['up', 'up', 'up', 'up']);
  });
});

describe('the cell', () => {
  it('is healthy with all, degraded with a quorum, and has none below', () => {
    const health = (...changed: Partial<MemberSeen>[]): string =>
      healthOf(replicaRows(four(...changed)));
    expect(health()).toBe('healthy');
    expect(health(DOWN)).toBe('degraded');
    expect(health({ convicted: true })).toBe('degraded');
    expect(health(DOWN, DOWN)).toBe('no quorum');
    const dialling = { link: { kind: 'dialling' }, own: undefined } as const;
    expect(health(dialling, dialling)).toBe('looking');
    expect(health(dialling, DOWN, DOWN)).toBe('no quorum');
  });

  it('tells what has changed, and not that a link is tried again', () => {
    const before = replicaRows(four());
    expect(changesOf(before, replicaRows(four(DOWN)))).toEqual(['Replica 0: down: refused.']);
    expect(changesOf(before, before)).toEqual([]);
    const dialling = { link: { kind: 'dialling' }, own: undefined } as const;
    expect(changesOf(before, replicaRows(four(dialling)))).toEqual([]);
  });

  it.each([
    [1, 0, 1],
    [4, 1, 3],
    [6, 1, 5],
    [7, 2, 5],
    [10, 3, 7],
  ])('of %i members stands %i liars with a quorum of %i', (n, f, q) => {
    expect(sizesOf(n)).toEqual({ n, f, q });
  });
});

it.each([
  ['ws://a:1', 'ws://a:1', false],
  ['ws://a:1', 'ws://a:2', true],
  ['', 'ws://a:2', true],
  ['ws://a:1', '', false],
])(
  'a page that was loaded with %j and hears of %j has to be loaded again: %j',
  (before, now, is) => {
    expect(isElsewhere(before, now)).toBe(is);
  },
);
