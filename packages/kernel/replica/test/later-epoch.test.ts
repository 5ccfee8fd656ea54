// A cell whose epoch begins behind another (R31): it goes on from there, and comes back from frame and log.
import { asDigest, hash, toHex, utf8 } from '@fatty/codec';
import { expect, it } from 'vitest';
import { busy } from './traffic.ts';
import { type Cell, commitsAgree, makeCell, World } from './world.ts';

const WINDOWS = { checkpointCommits: 2, supportRoundsMax: 8, horizonRounds: 12 };
const root = hash('frame', utf8('final'));
const origin = {
  root,
  index: 500,
  digest: asDigest(hash('commit', utf8('500'))),
  leaseClock: 40_000,
};

function laterCell(): Cell {
  const cell = makeCell(4, WINDOWS);
  return { ...cell, committee: { ...cell.committee, epoch: 7 }, origin };
}

const worldOf = (cell: Cell): World =>
  new World({
    cell,
    tuning: { logKeptBytesMin: 0 },
    copying: { bytesMin: 1, chunkBytes: 512 },
    delayMs: (random) => 1 + random.below(4),
  });

it('counts on from the commit that ended the epoch before', () => {
  const world = worldOf(laterCell());
  const before = world.host(0).replica.status();
  expect([before.commitIndex, before.leaseClock]).toEqual([500, 40_000]);
  world.start();
  busy(world, 12);
  world.run(20_000);
  expect(commitsAgree(world.hosts)).toBe(true);
  const [first] = world.host(2).committed;
  expect(first?.commit).toMatchObject({ index: 501, prevDigest: origin.digest });
  expect(first?.input.epoch).toBe(7);
  for (const { commit } of world.host(2).committed) {
    expect(commit.leaseClock - origin.leaseClock).toBeLessThanOrEqual(
      commit.commitTs - world.options.cell.committee.genesisTs,
    );
  }
  for (const { replica } of world.hosts)
    expect(replica.status().certifiedCommit).toBeGreaterThan(500);
});

it('a replica of it comes back behind its frame, and with its log alone', () => {
  const world = worldOf(laterCell());
  world.start();
  busy(world, 25);
  world.run(30_000);
  const host = world.host(1);
  expect(host.frames.length).toBeGreaterThan(1);
  const { commitIndex } = host;
  for (const frames of [host.frames, []]) {
    world.kill(1);
    host.frames = frames;
    if (frames.length === 0) host.log = [...host.wholeLog];
    world.restart(1);
    expect(host.commitIndex).toBe(commitIndex);
    expect(host.replica.status().observer).toBeUndefined();
    expect(toHex(host.replica.machine.root())).toBe(toHex(world.host(0).replica.machine.root()));
  }
});

it('no block of another beginning counts, though epoch, members and cell are the same', () => {
  const cell = laterCell();
  const other = worldOf({ ...cell, origin: { ...origin, root: hash('frame', utf8('other')) } });
  const world = worldOf(cell);
  for (const one of [world, other]) {
    one.start();
    busy(one, 3);
    one.run(5_000);
  }
  const foreign = other.host(1).wholeLog.filter(({ type }) => type === 1);
  expect(foreign.length).toBeGreaterThan(4);
  const fresh = world.fresh(0);
  fresh.restore(foreign);
  expect(fresh.status()).toMatchObject({ commitIndex: 500, highestRound: 0 });
});
