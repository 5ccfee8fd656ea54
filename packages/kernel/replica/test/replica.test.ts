// Tests of a cell of replicas from end to end.
import { describe, expect, it } from 'vitest';
import { batchesOf, Client, commitsAgree, makeCell, World } from './world.ts';

describe('a healthy cell', () => {
  it('commits what clients say, everywhere alike, and comes to rest', () => {
    const cell = makeCell(4);
    const world = new World({ cell });
    world.start();
    const clients = [0, 1, 2, 3].map((i) => new Client(cell, `c${i}`));
    for (let k = 0; k < 20; k++) {
      for (const [i, client] of clients.entries()) world.submit(i, client.op(`${k}`));
      world.run(30);
    }
    expect(world.run(10_000)).toBe(true);
    for (const host of world.hosts) {
      expect(batchesOf(host)).toHaveLength(80);
      expect(host.replica.status().resting).toBe(true);
      expect(host.replica.machine.root()).toEqual(world.host(0).replica.machine.root());
    }
    expect(commitsAgree(world.hosts)).toBe(true);
    expect(world.host(0).count('leaderTimeout')).toBe(0);
  });

  it('commits one op within four steps from rest: one to the leader, and three', () => {
    const cell = makeCell(4);
    const world = new World({ cell });
    world.start();
    world.run(1_000);
    const client = new Client(cell, 'c');
    const steps: number[] = [];
    for (let k = 0; k < 40; k++) {
      const from = world.nowMs;
      world.submit(0, client.op(`${k}`));
      world.run(5_000, () => batchesOf(world.host(0)).length > k);
      // One step = one delay (1 ms) + one datasync (1 ms).
      steps.push((world.nowMs - from) / 2);
      world.run(20);
    }
    steps.shift();
    expect(Math.max(...steps)).toBeLessThanOrEqual(4);
  });
});
