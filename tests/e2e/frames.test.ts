// Real processes: members that come back by a frame of the others, and what their disks have lost.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningCell } from '@fatty/cli';
import type { Client } from '@fatty/client/node';
import { askAdmin } from '@fatty/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  caughtUp,
  endEverything,
  fetchText,
  member,
  metricOf,
  newCell,
  newClient,
  type Status,
  statusOf,
  Traffic,
  until,
} from './cell.ts';

const SMALL_FRAMES = fileURLToPath(
  new URL('../../packages/apps/cli/dist/small-frames.js', import.meta.url),
);
const FALSE_CHUNKS = fileURLToPath(
  new URL('../../packages/apps/cli/dist/false-chunks.js', import.meta.url),
);

/** It serves frames whose chunks are other bytes. The three that are left are a quorum. */
const LIAR = 0;
const VICTIM = 3;
const OTHERS = [0, 1, 2];

let cell: RunningCell;
let clients: Client[];
beforeAll(async () => {
  const params = { horizonRounds: 21, supportRoundsMax: 20 };
  cell = await newCell({ params, main: SMALL_FRAMES });
  await member(cell, LIAR).restart({ main: FALSE_CHUNKS });
  clients = await Promise.all([newClient(cell), newClient(cell)]);
});
afterAll(endEverything);

/** Numbers of the segments of a log, ascending. */
async function segmentsOf(index: number): Promise<readonly number[]> {
  const names = await readdir(join(member(cell, index).dir, 'log'));
  return names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
}

/** The victim is down until the others have no block any more that it needs next. */
async function whileTheLogGoes(traffic: Traffic, maltreat: () => Promise<void>): Promise<void> {
  await member(cell, VICTIM).kill();
  await maltreat();
  // What comes next after its death is in the newest segment, or in the one after it.
  const then = await Promise.all(OTHERS.map(segmentsOf));
  await until(async () => {
    const now = await Promise.all(OTHERS.map(segmentsOf));
    return now.every(([first = 0], i) => first > (then[i]?.at(-1) ?? 0) + 1);
  });
  await traffic.more(5);
}

/** By the word of all others, said until they are in this epoch. */
async function endEpoch(next: number): Promise<void> {
  await until(async () => {
    const now = await Promise.all(OTHERS.map((index) => statusOf(cell, index)));
    const behind = OTHERS.filter((_, i) => (now[i]?.epoch ?? 0) < next);
    const change = { kind: 'renew' as const };
    for (const index of behind) await askAdmin(member(cell, index).dir, { kind: 'move', change });
    return behind.length === 0;
  });
}

/** Restarts the victim, and waits until it stands behind a frame of the others and is level. */
async function comeBack(): Promise<Status> {
  await member(cell, VICTIM).restart();
  await until(async () => (await metricOf(cell, VICTIM, 'fatty_frame_syncs_total')) > 0);
  const back = await caughtUp(cell, VICTIM, OTHERS);
  expect(back.fetching).toBeUndefined();
  expect(await metricOf(cell, VICTIM, 'fatty_frame_sync_chunks')).toBe(0);
  return back;
}

/** What the liar's chunks came to here. */
async function wrongChunks(): Promise<number> {
  const text = await fetchText(cell, VICTIM, '/metrics');
  const line = text.split('\n').find((one) => one.includes('code="wrong_chunk"'));
  return Number(line?.slice(line.lastIndexOf(' ')) ?? 0);
}

describe('a member whose blocks are gone everywhere, in a cell that takes writes', () => {
  it('comes back by a frame, one liar serving false chunks, and is a full member', async () => {
    const traffic = await Traffic.start(clients, '/slept');
    const sleep = async (): Promise<Status> => {
      await whileTheLogGoes(traffic, async () => undefined);
      return comeBack();
    };
    let back = await sleep();
    // The liar is asked only while the frame that it has is the one that is fetched: not every time.
    while ((await wrongChunks()) === 0) back = await sleep();
    expect(back.observer).toBeUndefined();
    await until(async () => (await statusOf(cell, VICTIM)).round > back.round);
    await traffic.stop();
    // Its voice counts: with another one gone, nothing is decided without it.
    await member(cell, 1).stop();
    await clients[0]?.put('/slept/after', 'all');
    await member(cell, 1).restart();
    await caughtUp(cell, 1, [0, 2, 3]);
    await traffic.expectAllThere(await newClient(cell), ['after']);
  });

  it('that slept through three epochs comes back in the newest one, and is a full member', async () => {
    const traffic = await Traffic.start(clients, '/epochs');
    const { epoch } = await statusOf(cell, VICTIM);
    await whileTheLogGoes(traffic, async () => {
      for (let next = epoch + 1; next <= epoch + 3; next++) await endEpoch(next);
    });
    const back = await comeBack();
    expect(back.observer).toBeUndefined();
    expect(back.epoch).toBeGreaterThanOrEqual(epoch + 3);
    await until(async () => (await statusOf(cell, VICTIM)).round > back.round);
    await traffic.stop();
    // Its voice counts here, too.
    await member(cell, 1).stop();
    await clients[0]?.put('/epochs/after', 'all');
    await member(cell, 1).restart();
    await caughtUp(cell, 1, [0, 2, 3]);
    await traffic.expectAllThere(await newClient(cell), ['after']);
  });

  it('and has nothing left but its key follows and answers, and signs nothing', async () => {
    const traffic = await Traffic.start(clients, '/wiped');
    await whileTheLogGoes(traffic, async () => {
      const { dir } = member(cell, VICTIM);
      const kept = new Set(['key.pem', 'config.json']);
      for (const name of await readdir(dir)) {
        if (!kept.has(name)) await rm(join(dir, name), { recursive: true });
      }
    });
    const back = await comeBack();
    expect(back.observer).toMatchObject({ code: 'log_behind_mark' });
    await traffic.more(5);
    await traffic.stop();
    const later = await caughtUp(cell, VICTIM, OTHERS);
    expect(later.round).toBe(0);
    expect(await fetchText(cell, VICTIM, '/readyz')).toContain('[-] signing: log_behind_mark');
    const [path] = traffic.acked;
    const found = await clients[0]?.askReplica(
      VICTIM,
      { kind: 'stat', path: `/wiped/${path}` },
      'stat',
    );
    expect(found?.stat.sizeBytes).toBe(path?.length);
    await traffic.expectAllThere(await newClient(cell));
    for (const index of OTHERS) {
      expect(await metricOf(cell, index, 'fatty_equivocations_total')).toBe(0);
    }
  });
});
