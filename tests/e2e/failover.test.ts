// Real processes: replicas that die, stop or lie, as clients see it.
import type { RunningCell } from '@fatty/cli';
import type { Client } from '@fatty/client/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caughtUp, endEverything, member, metricOf, newCell, newClient } from './cell.ts';

const ALL = [0, 1, 2, 3];

let cell: RunningCell;
let client: Client;
let witness: Client;
beforeAll(async () => {
  cell = await newCell();
  [client, witness] = await Promise.all([newClient(cell), newClient(cell)]);
});
afterAll(endEverything);

/** Batches that each replica has taken from clients and seen applied, since its start. */
const taken = (): Promise<number[]> =>
  Promise.all(
    ALL.map(async (index) => {
      if (!member(cell, index).alive) return 0;
      return metricOf(cell, index, 'fatty_commit_latency_seconds_count');
    }),
  );

/** The replica that this client hands its batches to. */
async function gatewayOf(one: Client): Promise<number> {
  const before = await taken();
  for (let i = 0; i < 10; i++) await one.put('/probe', String(i));
  const more = (await taken()).map((count, index) => count - (before[index] ?? 0));
  return more.indexOf(Math.max(...more));
}

describe('a client whose gateway dies', () => {
  it.each(['first', 'second'])(
    'keeps session and lock; what was pending is settled: %s',
    async (time) => {
      await client.put('/lock', 'x');
      const lock = await client.acquire('/lock');
      const { session } = client.session;
      const gateway = await gatewayOf(client);
      const folder = `/pending-${time}`;
      await client.create(folder, { node: 'directory' });
      const pending = Array.from({ length: 50 }, (_, i) =>
        client.create(`${folder}/${i}`, { content: `${i}` }),
      );
      await member(cell, gateway).kill();
      const settled = await Promise.allSettled(pending);
      // One applied batch, one receipt: sent again through others, nothing is done twice.
      expect(settled.filter(({ status }) => status === 'rejected')).toEqual([]);
      const entries = await witness.ls(folder, { level: 'linearizable' });
      expect(entries).toHaveLength(50);
      expect(client.session.session).toEqual(session);
      expect([lock.held, lock.signal.aborted]).toEqual([true, false]);
      const { holders } = await witness.lockState('/lock', { level: 'linearizable' });
      expect(holders).toHaveLength(1);
      expect(await gatewayOf(client)).not.toBe(gateway);
      await lock.release();
      await member(cell, gateway).restart();
      await caughtUp(
        cell,
        gateway,
        ALL.filter((index) => index !== gateway),
      );
    },
  );

  it('reads on while one replica is silent rather than gone', async () => {
    await client.put('/quiet', 'please');
    member(cell, 3).process.pause();
    try {
      await client.put('/quiet', 'thanks');
      expect((await client.get('/quiet', { level: 'linearizable' })).text()).toBe('thanks');
    } finally {
      member(cell, 3).process.resume();
    }
    await caughtUp(cell, 3, [0, 1, 2]);
  });
});
