// What a change of members comes to, before anybody is asked.
import { describe, expect, it } from 'vitest';
import { sizesAfter } from '../src/commands/member.ts';
import { fatty } from './fatty.ts';

const sizes = (members: number): Parameters<typeof sizesAfter>[0] => {
  const faultsMax = Math.floor((members - 1) / 3);
  return { members, faultsMax, quorum: members - faultsMax };
};

describe('the sizes after a change', () => {
  it.each([
    [4, 'add', 5, 1, 4],
    [6, 'add', 7, 2, 5],
    [7, 'remove', 6, 1, 5],
    [5, 'remove', 4, 1, 3],
    [4, 'replace', 4, 1, 3],
    [10, 'renew', 10, 3, 7],
  ] as const)(
    'of %i members, %s: %i, of whom %i may fail, and %i agree',
    (n, kind, after, f, q) => {
      expect(sizesAfter(sizes(n), { kind })).toEqual({ members: after, faultsMax: f, quorum: q });
    },
  );
});

describe('fatty member and join', () => {
  it.each([
    [['member', 'list', '--dir', '/nowhere'], 'expected folders of replicas'],
    [['member', 'add', 'ab'], 'expected a key, 64 hex digits, got ab'],
    [['member', 'replace', 'a'.repeat(64)], 'NEW: expected a key'],
    [['member', 'promote'], 'expected list, add KEY'],
    [['join', '--dir', '/tmp/fatty-no-such-place'], 'expected --cell CELL_ID and --from ADDRESS'],
  ])('%j is wrong usage', async (words, said) => {
    const { code, err } = await fatty(...words);
    expect([code, err.includes(said)]).toEqual([2, true]);
  });
});
