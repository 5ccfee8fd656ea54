import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
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

test.runIf(process.platform === 'linux')(
  'the LOCK file names a live owner even without its socket',
  async () => {
    const folder = await temporaryFolder();
    const other = await temporaryFolder();
    const holder = await contender(other);
    // As if the holder lived in another network namespace: its name is out of reach, its pid is not.
    await writeFile(join(folder, 'LOCK'), await readFile(join(other, 'LOCK')));
    expect(await codeOf(lockFolder(folder))).toBe('folder_locked');
    // The same number with another start is another process.
    const owner = JSON.parse(await readFile(join(other, 'LOCK'), 'utf8'));
    await writeFile(join(folder, 'LOCK'), JSON.stringify({ ...owner, startedAt: 'earlier' }));
    await (await lockFolder(folder)).release();
    await end(holder.child, 'SIGKILL');
  },
);
