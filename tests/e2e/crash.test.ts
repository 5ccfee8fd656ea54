// Real processes: crashes.
import type { RunningCell } from '@fatty/cli';
import type { Client } from '@fatty/client/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  caughtUp,
  endEverything,
  fetchText,
  member,
  metricOf,
  newCell,
  newClient,
  statusOf,
  Traffic,
  until,
} from './cell.ts';

const others = (index: number): number[] => [0, 1, 2, 3].filter((one) => one !== index);

describe('a replica killed in mid-traffic', () => {
  let cell: RunningCell;
  let clients: Client[];
  let reader: Client;
  beforeAll(async () => {
    cell = await newCell();
    clients = await Promise.all([newClient(cell), newClient(cell)]);
    reader = await newClient(cell);
  });
  afterAll(endEverything);

  // Every replica leads each fourth round, so whichever dies is soon a leader that is missing.
  it.each([
    ['one', [2]],
    ['another', [0]],
    ['the same one twice in a row', [1, 1]],
  ])('%s: no acknowledged write is lost, it restarts and catches up', async (name, victims) => {
    const traffic = await Traffic.start(clients, `/${name.replaceAll(' ', '-')}`);
    await traffic.more(20);
    for (const index of victims) {
      const before = await statusOf(cell, index);
      expect(await member(cell, index).kill()).toMatchObject({ signal: 'SIGKILL' });
      await traffic.more(20);
      await member(cell, index).restart();
      const back = await caughtUp(cell, index, others(index));
      expect(back.observer).toBeUndefined();
      expect(back.commitIndex).toBeGreaterThan(before.commitIndex);
      // It signs again: its own rounds go on from where they were.
      await until(async () => (await statusOf(cell, index)).round > before.highestRound);
    }
    await traffic.more(20);
    await traffic.stop();
    await traffic.expectAllThere(reader);
    for (const index of [0, 1, 2, 3]) {
      expect(await metricOf(cell, index, 'fatty_equivocations_total')).toBe(0);
    }
  });

  it('shut down cleanly in mid-traffic it exits 0 and goes on where it was', async () => {
    const traffic = await Traffic.start(clients, '/rolling');
    for (const index of [0, 3]) {
      await traffic.more(5);
      expect(await member(cell, index).stop()).toEqual({ code: 0, signal: null });
      await traffic.more(5);
      await member(cell, index).restart();
      await caughtUp(cell, index, others(index));
      await until(async () => (await fetchText(cell, index, '/readyz')).endsWith('\nok\n'));
    }
    await traffic.stop();
    await traffic.expectAllThere(reader);
  });

  it('all four killed at once: everything acknowledged is still there', async () => {
    const traffic = await Traffic.start(clients, '/blackout');
    await traffic.more(20);
    await Promise.all(cell.replicas.map((replica) => replica.kill()));
    await Promise.all(cell.replicas.map((replica) => replica.restart()));
    await traffic.more(20);
    await traffic.stop();
    await traffic.expectAllThere(reader);
  });
});

describe('a replica down for longer than the horizon', () => {
  const HORIZON_ROUNDS = 60;
  let cell: RunningCell;
  let client: Client;
  beforeAll(async () => {
    const params = { horizonRounds: HORIZON_ROUNDS, supportRoundsMax: 20 };
    cell = await newCell({ params });
    client = await newClient(cell);
  });
  afterAll(endEverything);

  it('catches up by ranges of rounds that only disks still have', async () => {
    const traffic = await Traffic.start([client], '/long', 4);
    await traffic.more(5);
    const last = await statusOf(cell, 3);
    await member(cell, 3).kill();
    await until(async () => {
      const { horizon } = await statusOf(cell, 0);
      return horizon > last.highestRound + HORIZON_ROUNDS;
    });
    await traffic.stop();
    await member(cell, 3).restart();
    const back = await caughtUp(cell, 3, [0, 1, 2]);
    expect(back.observer).toBeUndefined();
    expect(back.horizon).toBeGreaterThan(last.highestRound);
    // Its voice counts again: with another one gone, nothing is decided without it.
    await member(cell, 0).kill();
    await client.put('/long/after', 'all');
    const own = await client.askReplica(3, { kind: 'stat', path: '/long/after' }, 'stat');
    expect(own.stat.sizeBytes).toBe(3);
  });
});
