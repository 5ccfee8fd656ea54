// Real processes: members come, go, sleep through it and are killed in the middle of it.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RunningCell } from '@fatty/cli';
import { toHex } from '@fatty/codec';
import { askAdmin, type MembersShown } from '@fatty/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  addressOf,
  endEverything,
  fetchText,
  member,
  metricOf,
  newCell,
  newClient,
  tidyUp,
  until,
} from './cell.ts';

const FATTY = fileURLToPath(new URL('../../packages/apps/cli/dist/main.js', import.meta.url));
const run = promisify(execFile);

let cell: RunningCell;
let joiner: ChildProcess | undefined;
let newDir: string;
let files = 0;
const written: string[] = [];

beforeAll(async () => {
  cell = await newCell();
  newDir = join(cell.dir, 'newcomer');
});
afterAll(endEverything);

const dirs = (...indices: readonly number[]): readonly string[] =>
  indices.map((index) => member(cell, index).dir);

/** `fatty …`, which has to succeed; its JSON. */
async function fatty(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(process.execPath, [FATTY, ...args, '-o', 'json']);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** `fatty …`, however it ends: a JSON value for each line. */
async function lines(...args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await run(process.execPath, [FATTY, ...args, '-o', 'json']).catch(
    (error: { stdout: string }) => error,
  );
  const said = stdout.split('\n').filter((line) => line !== '');
  return said.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** By a client that begins now, with the cell as it is written down now. */
async function write(count: number): Promise<void> {
  const client = await newClient(cell);
  for (let i = 0; i < count; i++) {
    const path = `/file-${files++}`;
    await client.put(path, path);
    written.push(path);
  }
}

/** What the replica in a folder says of members; undefined while it does not run. */
async function seenBy(dir: string): Promise<MembersShown | undefined> {
  const answer = await askAdmin<MembersShown>(dir, { kind: 'members' });
  return answer.ok ? answer.value : undefined;
}

/** All of these are in an epoch and at work. */
async function reach(folders: readonly string[], epoch: number): Promise<void> {
  await until(async () => {
    const seen = await Promise.all(folders.map(seenBy));
    return seen.every((one) => one?.epoch === epoch && one.state === 'active');
  });
}

const hexOf = (index: number): string => {
  const key = cell.cell.committee.members[index];
  return key === undefined ? '' : toHex(key);
};

function join5(): Promise<ChildProcess> {
  const from = new URL(addressOf(cell, 0).client).host;
  const args = ['--cell', toHex(cell.cell.cellId), '--from', from, '--dir', newDir];
  const child = spawn(process.execPath, [FATTY, 'join', ...args, '--free-ports', '-o', 'json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  tidyUp(async () => void child.kill('SIGTERM'));
  return Promise.resolve(child);
}

it('a machine joins by one command and a word of q members, while clients write and one member sleeps', async () => {
  await write(3);
  joiner = await join5();
  const key = await new Promise<string>((resolve) => {
    joiner?.stdout?.once('data', (line: Buffer) => {
      resolve((JSON.parse(line.toString()) as { key: string }).key);
    });
  });
  await until(async () => (await seenBy(newDir))?.state === 'joining');
  // One member sleeps through all of it.
  await member(cell, 3).stop();
  await write(1);
  const args = dirs(0, 1, 2).flatMap((dir) => ['--dir', dir]);
  const moved = await fatty('member', 'add', key, '--yes', ...args);
  expect(moved).toMatchObject({
    now: { members: 4, faultsMax: 1, quorum: 3 },
    after: { members: 5, faultsMax: 1, quorum: 4 },
  });
  const folders = [...dirs(0, 1, 2), newDir];
  await reach(folders, 1);
  // Gauges are set once a second.
  await until(async () => (await metricOf(cell, 0, 'fatty_epoch')) === 1);
  expect(await metricOf(cell, 0, 'fatty_members')).toBe(5);
  await write(2);
  const list = (await fatty('member', 'list', '--dir', newDir)) as unknown as MembersShown;
  expect(list).toMatchObject({ epoch: 1, members: 5, faultsMax: 1, quorum: 4, key });
  // Who has slept comes in by itself, and where the new one is everybody knows.
  await member(cell, 3).restart();
  await reach([...folders, ...dirs(3)], 1);
  await until(async () => {
    const seen = await seenBy(member(cell, 3).dir);
    return seen?.all.every(({ peer, isLinked }) => peer !== undefined && isLinked);
  });
});

it('one is removed, another is killed in the middle of it, and nothing written is lost', async () => {
  const gone = hexOf(2);
  const folders = [...dirs(0, 1, 3), newDir];
  const movers = folders.flatMap((dir) => ['--dir', dir]);
  await fatty('member', 'remove', gone, '--yes', ...movers);
  await member(cell, 1).kill();
  await member(cell, 1).restart();
  // What it had not said yet it says now; when the epoch is over there is nobody to remove any more.
  await fatty('member', 'remove', gone, '--yes', ...movers).catch(() => undefined);
  await reach(folders, 2);
  const out = await until(async () => {
    const seen = await seenBy(member(cell, 2).dir);
    return seen?.state === 'leaving' && seen;
  });
  expect(out).toMatchObject({ epoch: 2, members: 4 });
  expect(await fetchText(cell, 2, '/readyz')).toContain('[-] signing: removed');
  expect(JSON.parse(await fetchText(cell, 0, '/status'))).toMatchObject({ epoch: 2, members: 4 });
  await write(2);
  const client = await newClient(cell);
  for (const path of written) {
    const { content } = await client.get(path, { level: 'linearizable' });
    expect(new TextDecoder().decode(content)).toBe(path);
  }
  await operatorsSeeToday();
});

/** Commands that ask the cell, or its machines, show the members of epoch 2. */
async function operatorsSeeToday(): Promise<void> {
  const target = ['--cell', cell.cellPath];
  const key = (await seenBy(newDir))?.key ?? '';
  expect(await fatty('status', ...target)).toMatchObject({
    epoch: 2,
    replicas: 4,
    answering: 4,
    health: 'healthy',
  });
  const today = (await lines('members', ...target)).map((row) => row.key);
  expect(today).toContain(key.slice(0, 16));
  expect(today).not.toContain(hexOf(2).slice(0, 16));
  const [top] = await lines('top', '--once', ...target);
  expect(top).toMatchObject({ epoch: 2, answering: '4 of 4', health: 'healthy' });
  expect(await lines('evidence', ...target)).toEqual([]);
  const found = async (dir: string, name: string): Promise<string> => {
    const { verdict, detail } = (await lines('doctor', '--dir', dir)).find(
      (one) => one.name === name,
    ) as Record<string, string>;
    return `${verdict}: ${detail}`;
  };
  expect(await found(newDir, 'cell')).toMatch(/^good: .*epoch 2, member \d of 4$/);
  expect(await found(newDir, 'quorum')).toBe('good: 4 of 4 in reach, 3 needed: 1 more may fail');
  const epoch = `good: epoch 2, 4 members, quorum 3; epoch 0 ended with add ${key.slice(0, 16)}`;
  expect(await found(newDir, 'epoch')).toContain(epoch);
  expect(await found(member(cell, 2).dir, 'cell')).toMatch(
    /^bad: .*epoch 2: this key is no member since epoch 1 ended$/,
  );
}
