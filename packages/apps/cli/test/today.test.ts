// Tests of who commands ask: the members of today, and not those that the cell began with.
import { asPublicKey, hash, utf8 } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { type Committee, cellIdOf, DEFAULT_PARAMS } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { todayOf } from '../src/commands/today.ts';
import { type Look, rowsOf } from '../src/commands/top.ts';

const keyOf = (name: string): PublicKey => asPublicKey(hash('member', utf8(name)));
const hexOf = (name: string): string => Buffer.from(keyOf(name)).toString('hex');
const committeeOf = (epoch: number, names: readonly string[]): Committee => {
  return { epoch, members: names.map(keyOf), genesisTs: 1, params: DEFAULT_PARAMS };
};

/** A client that began with a, b, c and d, and has followed to these. */
function clientAt(epoch: number, names: readonly string[]): Parameters<typeof todayOf>[0] {
  const cellId = cellIdOf(committeeOf(0, ['a', 'b', 'c', 'd']));
  const numbers = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  return {
    followed: { cellId, committee: committeeOf(epoch, names), addresses: [], links: [] },
    replicaOf: (key) => numbers.findIndex((name) => Buffer.compare(keyOf(name), key) === 0),
  };
}

describe('members of today', () => {
  it('have their places in this epoch, and are asked under the numbers of the client', () => {
    const today = todayOf(clientAt(2, ['e', 'b', 'f', 'd', 'g']), new Set([hexOf('f')]));
    expect(today.quorum).toBe(4);
    expect(today.members.map(({ number, replica }) => [number, replica])).toEqual([
      [0, 4],
      [1, 1],
      [2, 5],
      [3, 3],
      [4, 6],
    ]);
    expect(today.members.flatMap(({ key, convicted }) => (convicted ? [key] : []))).toEqual([
      hexOf('f'),
    ]);
  });

  it('are compared with themselves across the end of an epoch', () => {
    const lookAt = (epoch: number, names: readonly string[], commits: readonly number[]): Look => {
      const { members, quorum } = todayOf(clientAt(epoch, names));
      const own = commits.map((commit) => ({ commit, epoch }) as Look['own'][number]);
      return { atMs: epoch * 1_000, members, quorum, own, tookMs: commits.map(() => 1) };
    };
    const before = lookAt(0, ['a', 'b', 'c', 'd'], [100, 110, 120, 130]);
    const { cell, replicas } = rowsOf(
      lookAt(1, ['e', 'd', 'c', 'b'], [200, 201, 202, 203]),
      before,
    );
    expect(replicas.map(({ commitsPerS }) => commitsPerS)).toEqual([undefined, 71, 82, 93]);
    expect(cell).toMatchObject({ epoch: 1, answering: '4 of 4', health: 'healthy' });
  });
});
