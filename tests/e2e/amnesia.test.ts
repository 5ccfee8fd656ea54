// Real processes: a replica that has forgotten something.
import { spawn } from 'node:child_process';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { REPLICA_MAIN, type RunningCell } from '@fatty/cli';
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
  type Status,
  statusOf,
  Traffic,
  until,
} from './cell.ts';

/** The replica whose disk these tests maltreat; the other three are a quorum. */
const VICTIM = 2;

let cell: RunningCell;
let client: Client;
let files = 0;
beforeAll(async () => {
  cell = await newCell();
  client = await newClient(cell);
});
afterAll(endEverything);

const logOf = (): string => join(member(cell, VICTIM).dir, 'log');
const copyOf = (name: string): string => join(cell.dir, name);

async function write(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await client.put(`/file-${files++}`, 'kept');
}

/** Stops the victim, lets `maltreat` do its worst, starts it again. */
async function whileDown(maltreat: () => Promise<void>): Promise<void> {
  await member(cell, VICTIM).stop();
  await maltreat();
  await member(cell, VICTIM).restart();
}

/** It follows and answers, and signs nothing; the cell goes on without its voice. */
async function expectObserver(code: string): Promise<void> {
  const own = await until(async (): Promise<Status | undefined> => {
    const status = await statusOf(cell, VICTIM);
    return status.observer && status;
  });
  expect(own.observer?.code).toBe(code);
  await write(5);
  const later = await caughtUp(cell, VICTIM, [0, 1, 3]);
  expect(later.round).toBe(own.round);
  expect(later.commitIndex).toBeGreaterThan(0);
  expect(await fetchText(cell, VICTIM, '/readyz')).toContain(`[-] signing: ${code}`);
  const last = `/file-${files - 1}`;
  const found = await client.askReplica(VICTIM, { kind: 'stat', path: last }, 'stat');
  expect(found.stat.sizeBytes).toBe(4);
}

async function expectNoContradiction(): Promise<void> {
  for (const index of [0, 1, 3]) {
    expect(await metricOf(cell, index, 'fatty_equivocations_total')).toBe(0);
  }
}

describe('a replica that has forgotten what it signed', () => {
  it('rolled back to an old copy of its log only watches; with the right log it signs again', async () => {
    await write(5);
    await whileDown(() => cp(logOf(), copyOf('old-log'), { recursive: true }));
    await caughtUp(cell, VICTIM, [0, 1, 3]);
    const before = await statusOf(cell, VICTIM);
    await until(async () => {
      await write(1);
      // The mark tells of a copy that is one own block old (R26).
      return (await statusOf(cell, VICTIM)).round > before.round;
    });
    await whileDown(async () => {
      await cp(logOf(), copyOf('good-log'), { recursive: true });
      await rm(logOf(), { recursive: true });
      await cp(copyOf('old-log'), logOf(), { recursive: true });
    });
    await expectObserver('log_behind_mark');
    await whileDown(async () => {
      await rm(logOf(), { recursive: true });
      await cp(copyOf('good-log'), logOf(), { recursive: true });
    });
    const back = await caughtUp(cell, VICTIM, [0, 1, 3]);
    expect(back.observer).toBeUndefined();
    await until(async () => {
      await write(1);
      return (await statusOf(cell, VICTIM)).round > back.round;
    });
    await expectNoContradiction();
  });

  it('without its log, but with its signer mark, only watches', async () => {
    await whileDown(() => rm(logOf(), { recursive: true }));
    await expectObserver('log_behind_mark');
    await expectNoContradiction();
  });

  it('without anything but its key learns from the others that it has signed before', async () => {
    const traffic = await Traffic.start([client], '/traffic');
    await traffic.more(5);
    await whileDown(async () => {
      const { dir } = member(cell, VICTIM);
      const kept = new Set(['key.pem', 'config.json']);
      for (const name of await readdir(dir)) {
        if (!kept.has(name)) await rm(join(dir, name), { recursive: true });
      }
    });
    await traffic.more(5);
    await expectObserver('own_key_heard');
    expect((await statusOf(cell, VICTIM)).round).toBe(0);
    await traffic.more(5);
    await traffic.stop();
    await traffic.expectAllThere(client);
    await expectNoContradiction();
  });

  it('given the log of another replica only watches', async () => {
    await member(cell, 3).stop();
    await member(cell, VICTIM).stop();
    await rm(logOf(), { recursive: true });
    await cp(join(member(cell, 3).dir, 'log'), logOf(), { recursive: true });
    await Promise.all([member(cell, 3).restart(), member(cell, VICTIM).restart()]);
    await expectObserver('foreign_log');
    await expectNoContradiction();
  });
});

describe('a second process on the same folder', () => {
  it('is refused with exit code 1 and leaves the first alone', async () => {
    const { dir, process: first } = member(cell, 0);
    const second = spawn(process.execPath, [REPLICA_MAIN, '--dir', dir], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    second.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const code = await new Promise((resolve) => second.once('close', resolve));
    expect(code).toBe(1);
    expect(said).toContain('folder_locked');
    expect(said).toContain(String(first.pid));
    await write(3);
    expect(first.state).toBe('ready');
  });
});
