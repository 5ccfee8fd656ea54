// Tests of a replica whose machine is put back to a snapshot with its memory (R26).
import { describe, expect, it } from 'vitest';
import { Hearers } from '../src/cell/hearers.ts';
import { Machine, type Snapshot } from './put-back.ts';
import { watch } from './watch.ts';
import { batchesOf, Client, commitsAgree, makeCell, World } from './world.ts';

const VICTIM = 1;

interface Life {
  readonly world: World;
  readonly machine: Machine;
  readonly seen: ReturnType<typeof watch>;
  /** Own rounds that had left before the snapshot, and after it. */
  readonly kept: number;
  readonly forgotten: number;
  readonly snapshot: Snapshot;
}

/** Traffic, a snapshot in the middle of it, and a future that is to be forgotten. */
function live(seed: number, n: number, down: readonly number[], forgetMs: number): Life {
  const world = new World({
    cell: makeCell(n),
    seed,
    syncMs: (random) => 1 + random.below(4),
    delayMs: (random) => 1 + random.below(8),
  });
  const seen = watch(world);
  const machine = new Machine(world, VICTIM);
  world.start(down);
  const client = new Client(world.options.cell, 'before');
  const traffic = (forMs: number): void => {
    const endMs = world.nowMs + forMs;
    for (let k = 0; world.nowMs < endMs; k++) {
      const via = world.honest[k % world.honest.length]?.index ?? 0;
      world.submit(via, client.op(`${k}`));
      world.idle(Math.min(endMs - world.nowMs, 1 + world.random.below(60)));
    }
  };
  traffic(100 + world.random.below(400));
  const kept = world.host(VICTIM).replica.status().round;
  const snapshot = machine.snapshot();
  traffic(forgetMs);
  const forgotten = world.host(VICTIM).replica.status().round - kept;
  return { world, machine, seen, kept, forgotten, snapshot };
}

/** The machine goes on from its snapshot, is spoken to at once, and finds its links dead one by one. */
function putBack({ world, machine, snapshot }: Life): void {
  machine.putBack(snapshot);
  const client = new Client(world.options.cell, 'after');
  world.submit(VICTIM, client.op('0'));
  world.submit(0, new Client(world.options.cell, 'others').op('0'));
  for (const peer of world.honest.map(({ index }) => index).filter((one) => one !== VICTIM)) {
    const downMs = world.random.below(20);
    world.after(world.random.below(400), () => machine.relink(peer, downMs));
  }
  for (let k = 1; k < 8; k++) {
    world.idle(world.random.below(80));
    world.submit(k % 2 === 0 ? 0 : VICTIM, client.op(`${k}`));
  }
  world.run(6_000);
}

describe('a machine put back to a snapshot with its memory (R26)', () => {
  it('never contradicts what it has forgotten (S1), also with f others down', () => {
    const counts = { observer: 0, signs: 0 };
    for (let seed = 1; seed <= 24; seed++) {
      const [n, down] = seed % 3 === 0 ? [7, [3, 5]] : [4, seed % 3 === 1 ? [3] : []];
      const life = live(seed, n as number, down as number[], seed % 4 === 0 ? 0 : 12 * seed);
      putBack(life);
      const { world, seen, forgotten } = life;
      const name = `seed ${seed}: ${forgotten} rounds forgotten`;
      expect(
        seen.broken.filter((one) => one.startsWith('S1')),
        name,
      ).toEqual([]);
      expect(commitsAgree(world.hosts), name).toBe(true);
      const { observer } = world.host(VICTIM).replica.status();
      if (observer) counts.observer++;
      else counts.signs++;
      if (forgotten > 0) expect(observer?.code, name).toBe('own_key_heard');
      else if (observer === undefined) {
        world.submit(VICTIM, new Client(world.options.cell, 'last').op('1'));
        const before = batchesOf(world.host(0)).length;
        world.run(5_000);
        expect(batchesOf(world.host(0)).length, name).toBeGreaterThan(before);
      }
    }
    expect(counts.observer).toBeGreaterThan(12);
    expect(counts.signs).toBeGreaterThan(3);
  });

  it('takes for old what it had told, until a block made since is committed (R32b)', () => {
    const life = live(5, 4, [], 300);
    const host = life.world.host(VICTIM);
    expect(host.replica.isCurrent()).toBe(true);
    life.machine.putBack(life.snapshot);
    life.machine.relink(0, 5);
    life.world.idle(6);
    expect(host.replica.isCurrent()).toBe(false);
  });
});

describe('links that come and go while all is well', () => {
  it('cost a round trip, and no op', () => {
    for (const down of [[], [3]]) {
      const world = new World({ cell: makeCell(4), seed: 9, delayMs: () => 5 });
      const machine = new Machine(world, VICTIM);
      world.start(down);
      const client = new Client(world.options.cell, 'c');
      for (let k = 0; k < 20; k++) {
        world.submit(VICTIM, client.op(`${k}`));
        const flapping = k % 2 === 0 ? [0] : [0, 2];
        for (const peer of flapping) machine.relink(peer, 3);
        const has = (): boolean => batchesOf(world.host(0)).length > k;
        world.run(2_000, has);
        expect(has(), `op ${k}`).toBe(true);
      }
      expect(world.hosts.every(({ replica }) => replica.status().observer === undefined)).toBe(
        true,
      );
    }
  });

  it('a cell that starts all at once, one member down and one late, goes on at once', () => {
    const world = new World({ cell: makeCell(4), seed: 3 });
    world.start([3]);
    world.submit(0, new Client(world.options.cell, 'a').op('1'));
    world.run(500);
    for (const index of [0, 1, 2]) world.kill(index);
    for (const index of [0, 1, 2]) world.restart(index);
    world.submit(1, new Client(world.options.cell, 'b').op('1'));
    const has = (): boolean => batchesOf(world.host(2)).length === 2;
    world.run(500, has);
    expect(has()).toBe(true);
  });
});

describe('the links that own blocks may go over', () => {
  it('are those that came up before the newest words of q - 1 others', () => {
    const hearers = new Hearers(2);
    hearers.begin(5);
    for (const peer of [1, 2]) hearers.linkUp(peer);
    hearers.vouchedBy(1);
    expect([hearers.admit(), hearers.mayHear(1, 6), hearers.mayHear(3, 5)]).toEqual([
      [],
      false,
      true,
    ]);
    hearers.linkUp(3);
    hearers.vouchedBy(2);
    // Peer 3 came after the word of 1, so one word is fresh for it.
    expect(hearers.admit()).toEqual([1, 2]);
    expect([hearers.isIncomplete, hearers.count]).toEqual([true, 2]);
    hearers.vouchedBy(1);
    expect(hearers.admit()).toEqual([3]);
    hearers.linkDown(1);
    expect(hearers.mayHear(1, 6)).toBe(false);
    hearers.close();
    expect([hearers.mayHear(2, 6), hearers.mayHear(2, 5), hearers.admit()]).toEqual([
      false,
      true,
      [],
    ]);
  });

  it('count no word of a peer that has claimed since to know another own block', () => {
    const hearers = new Hearers(2);
    hearers.begin(5);
    for (const peer of [1, 2]) hearers.linkUp(peer);
    hearers.vouchedBy(1);
    hearers.doubtedBy(1);
    hearers.vouchedBy(2);
    expect(hearers.admit()).toEqual([]);
    hearers.vouchedBy(1);
    expect(hearers.admit()).toEqual([1, 2]);
  });
});
