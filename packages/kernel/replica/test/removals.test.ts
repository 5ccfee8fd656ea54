// Evidence puts its members out (R27b.5): at most f in an epoch, and none where fewer than four would stay.
import { asDigest } from '@fatty/codec';
import { signVote, type Vote } from '@fatty/protocol';
import { expect, it } from 'vitest';
import { encodeMessage } from '../src/index.ts';
import { busy } from './traffic.ts';
import { commitsAgree, makeCell, World } from './world.ts';

function worldOf(n: number): World {
  const world = new World({
    cell: makeCell(n, { checkpointCommits: 2, supportRoundsMax: 24, horizonRounds: 30 }),
    tuning: { logKeptBytesMin: 0, logKeptBytesMax: 1 << 30 },
    copying: { bytesMin: 1, chunkBytes: 256 },
  });
  world.start();
  busy(world, 4);
  world.run(5_000);
  return world;
}

/** Two votes of a member for one commit, which nobody honest signs. */
function convict(world: World, author: number): void {
  const { cellId, signers } = world.options.cell;
  const signer = signers[author] ?? expect.fail('a member');
  const index = world.host(0).replica.status().certifiedCommit + 5;
  for (const byte of [1, 2]) {
    const root = asDigest(new Uint8Array(32).fill(byte));
    const roots = { commitDigest: root, stateRoot: root, receiptsRoot: root, frameRoot: root };
    const what: Vote = { epoch: 0, index, ...roots };
    const vote = signVote(cellId, signer, author, what);
    world.inject(author, 0, encodeMessage({ kind: 'vote', vote }));
  }
}

const epochs = (world: World): readonly number[] =>
  world.hosts.filter(({ removed }) => !removed).map(({ replica }) => replica.status().epoch);

it('one of five goes without anybody asking for it, and the others go on', () => {
  const world = worldOf(5);
  convict(world, 4);
  world.run(20_000);
  expect(world.host(4)).toMatchObject({ removed: true });
  expect(epochs(world)).toEqual([1, 1, 1, 1]);
  busy(world, 4, 1);
  world.run(20_000);
  expect(commitsAgree(world.hosts.slice(0, 4))).toBe(true);
  expect(world.host(0).epoch.committee.members).toHaveLength(4);
});

it('who is convicted in a committee of four stays, and no epoch ends', () => {
  const world = worldOf(4);
  convict(world, 3);
  world.run(20_000);
  expect(world.host(0).replica.status().evidence).toMatchObject([{ member: 3 }]);
  expect(epochs(world)).toEqual([0, 0, 0, 0]);
});

it('of two in a committee of seven both go, in one epoch or in two', () => {
  const world = worldOf(7);
  convict(world, 5);
  convict(world, 2);
  world.run(30_000);
  const { committee, links } = world.host(0).epoch;
  expect(committee.members).toHaveLength(5);
  expect(links.length).toBeLessThanOrEqual(2);
  expect(world.hosts.filter(({ removed }) => removed).map(({ index }) => index)).toEqual([2, 5]);
});

it('a member that restarts before its motion is in a commit moves again', () => {
  const world = worldOf(5);
  world.kill(3);
  convict(world, 4);
  world.run(50);
  for (const index of [0, 1]) {
    world.kill(index);
    world.restart(index);
  }
  world.restart(3);
  world.run(30_000);
  expect(epochs(world)).toEqual([1, 1, 1, 1]);
});
