// R32b: who has started again is current only when it has all that it ever told.
import { describe, expect, it } from 'vitest';
import { Client, makeCell, World } from './world.ts';

const VICTIM = 2;

/** A cell under traffic whose slow disk loses what was not yet written when the victim is killed. */
function cellOf(seed: number): { world: World; say: () => void } {
  const world = new World({
    cell: makeCell(4),
    seed,
    syncMs: (random) => 1 + random.below(30),
    delayMs: (random) => 1 + random.below(8),
  });
  const clients = [0, 1, 3].map((at) => ({ at, client: new Client(world.options.cell, `c${at}`) }));
  const say = (): void => {
    for (const { at, client } of clients) world.submit(at, client.op(`${world.nowMs}`));
  };
  world.start();
  return { world, say };
}

describe('current (R32b)', () => {
  it('not before everything that was told in the life before is applied again', () => {
    const seen = { forgot: 0, isCurrent: 0, wasBehind: 0 };
    for (let seed = 1; seed <= 20; seed++) {
      const { world, say } = cellOf(seed);
      const victim = world.host(VICTIM);
      for (let k = 0; k < 4; k++) {
        say();
        world.idle(20 + world.random.below(60));
      }
      const told = victim.committed.at(-1)?.commit.index ?? 0;
      world.kill(VICTIM);
      world.idle(world.random.below(40));
      world.restart(VICTIM);
      expect(victim.replica.isCurrent()).toBe(false);
      if (victim.commitIndex < told) seen.forgot += 1;
      for (let ms = 0; ms < 1_500; ms++) {
        if (ms % 100 === 50) say();
        world.idle(1);
        if (!victim.replica.isCurrent()) {
          seen.wasBehind += Number(victim.commitIndex < told);
          continue;
        }
        expect(victim.commitIndex).toBeGreaterThan(told);
      }
      seen.isCurrent += Number(victim.replica.isCurrent());
    }
    expect(seen.forgot).toBeGreaterThan(3);
    expect(seen.wasBehind).toBeGreaterThan(3);
    expect(seen.isCurrent).toBe(20);
  });

  it('not once its epoch has ended: others may have gone on in the next one', () => {
    const world = new World({
      cell: makeCell(4, { checkpointCommits: 2, supportRoundsMax: 8, horizonRounds: 12 }),
      seed: 1,
      copying: { bytesMin: 1, chunkBytes: 256 },
      delayMs: (random) => 5 + random.below(20),
    });
    const client = new Client(world.options.cell, 'c');
    world.start();
    for (let i = 0; i < 3; i++) {
      world.submit(0, client.op(`${i}`));
      world.run(1_000);
    }
    for (const host of world.hosts) {
      world.event(host, { kind: 'move', change: { kind: 'renew' }, tag: 0 });
    }
    const seen: { commit: number; isCurrent: boolean }[] = [];
    for (let ms = 0; ms < 5_000 && world.host(0).epoch.committee.epoch === 0; ms++) {
      const { replica, commitIndex: commit } = world.host(0);
      seen.push({ commit, isCurrent: replica.isCurrent() });
      world.idle(1);
    }
    const last = world.host(0).epoch.origin.index;
    const ended = seen.filter(({ commit }) => commit === last);
    expect(ended.length).toBeGreaterThan(0);
    expect(ended.filter(({ isCurrent }) => isCurrent)).toEqual([]);
    expect(seen.filter(({ isCurrent }) => isCurrent).length).toBeGreaterThan(0);
  });

  it('in its first life once a block of its own is committed; an observer never', () => {
    const { world, say } = cellOf(1);
    const { replica } = world.host(VICTIM);
    expect(replica.isCurrent()).toBe(false);
    say();
    world.idle(400);
    expect(replica.isCurrent()).toBe(true);

    const victim = world.host(VICTIM);
    world.kill(VICTIM);
    // Its log is gone, its mark is not.
    victim.log = [];
    world.restart(VICTIM);
    for (let k = 0; k < 8; k++) {
      say();
      world.idle(100);
    }
    expect(victim.replica.status().observer?.code).toBe('log_behind_mark');
    expect(victim.commitIndex).toBeGreaterThan(3);
    expect(victim.replica.isCurrent()).toBe(false);
  });
});
