// Tests of the folder's lock, with processes and containers.
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { lockFolder } from '../src/index.ts';
import { codeOf, temporaryFolder } from './place.ts';

const script = fileURLToPath(new URL('./fixtures/hold-lock.mjs', import.meta.url));

/** A process that tries the lock; what it says: 'locked' or an error code. */
async function contender(folder: string): Promise<{ child: ChildProcess; answer: string }> {
  const child = fork(script, [folder], { execArgv: [] });
  const [answer] = (await once(child, 'message')) as [string];
  return { child, answer };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

test('a folder is locked once per machine, also within one process, until released', async () => {
  const folder = await temporaryFolder();
  const lock = await lockFolder(folder);
  expect(await codeOf(lockFolder(folder))).toBe('folder_locked');
  const refused = await contender(folder);
  expect(refused.answer).toBe('folder_locked');
  await end(refused.child, 'SIGKILL');
  await lock.release();
  await (await lockFolder(folder)).release();
});

test('the lock of a process that was killed is taken over, that of a live one is not', async () => {
  const folder = await temporaryFolder();
  const { child, answer } = await contender(folder);
  expect(answer).toBe('locked');
  await expect(lockFolder(folder)).rejects.toThrow(`process ${child.pid}`);
  await end(child, 'SIGKILL');
  await (await lockFolder(folder)).release();
});

test('of many contenders for a dead lock exactly one wins', async () => {
  const folder = await temporaryFolder();
  const first = await contender(folder);
  await end(first.child, 'SIGKILL');
  const rivals = await Promise.all([1, 2, 3, 4].map(() => contender(folder)));
  expect(rivals.map(({ answer }) => answer).sort()).toEqual([
    'folder_locked',
    'folder_locked',
    'folder_locked',
    'locked',
  ]);
  for (const { child } of rivals) await end(child, 'SIGKILL');
});

const UNSHARE = 'unshare';
/** A container's view: processes, mounts of /proc and network of its own, on the same volume. */
const CONTAINER = ['--net', '--pid', '--fork', '--mount-proc', process.execPath, script];
const canUnshare = spawnSync(UNSHARE, [...CONTAINER.slice(0, 4), 'true']).status === 0;

test.runIf(canUnshare)(
  'a container that sees neither our processes nor our network is kept out, and keeps us out',
  async () => {
    const folder = await temporaryFolder();
    const lock = await lockFolder(folder);
    const refused = await contained(folder);
    expect(refused.answer).toBe('folder_locked');
    await end(refused.child, 'SIGKILL');
    await lock.release();
    const { child, answer } = await contained(folder);
    expect(answer).toBe('locked');
    expect(await codeOf(lockFolder(folder))).toBe('folder_locked');
    await end(child, 'SIGKILL');
  },
);

async function contained(folder: string): Promise<{ child: ChildProcess; answer: string }> {
  const child = spawn(UNSHARE, ['--kill-child', ...CONTAINER, folder], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [answer] = (await once(child, 'message')) as [string];
  return { child, answer };
}

test('what the LOCK file says decides nothing: whoever has the file has the folder', async () => {
  const folder = await temporaryFolder();
  for (const text of ['', 'junk', `{"pid":${process.pid}}`, '{"pid":1,"startedAt":"now"}']) {
    await writeFile(join(folder, 'LOCK'), text);
    await (await lockFolder(folder)).release();
  }
  const lock = await lockFolder(folder);
  await writeFile(join(folder, 'LOCK'), JSON.stringify({ pid: 7, host: 'elsewhere' }));
  await expect(lockFolder(folder)).rejects.toThrow('held by process 7 on elsewhere');
  await lock.release();
});
