// Tests of a cell of four processes.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, connect, isFattyError } from '@fatty/client/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningCell, startCell } from '../src/index.ts';

const FATTY = fileURLToPath(new URL('../bin/fatty.js', import.meta.url));

function fatty(
  cell: RunningCell,
  ...args: string[]
): Promise<{ code: number | null; out: string }> {
  const env = { ...process.env, FATTY_CELL: cell.cellPath };
  const child = spawn(process.execPath, [FATTY, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out })));
}

/** Real processes, sockets and disks: one small cell for all. */
describe('a cell of four processes', () => {
  let cell: RunningCell;
  let client: Client;
  beforeAll(async () => {
    // What a README reader has exported for another cell.
    process.env.FATTY_CELL = '/elsewhere/cell.json';
    cell = await startCell().finally(() => delete process.env.FATTY_CELL);
    client = await connect(cell.cellPath);
  });
  afterAll(async () => {
    await client.close();
    await cell.close();
    await cell.close();
    expect(existsSync(cell.dir)).toBe(false);
    expect(cell.replicas.map((one) => one.alive)).toEqual([false, false, false, false]);
  });

  it('keeps files, and says no with exit code 1', async () => {
    expect(await fatty(cell, 'put', '-p', '/a/b', 'hello')).toEqual({ code: 0, out: '' });
    expect(await fatty(cell, 'get', '/a/b')).toEqual({ code: 0, out: 'hello' });
    expect((await client.get('/a/b', { level: 'linearizable' })).text()).toBe('hello');
    const missing = await fatty(cell, 'get', '/none');
    expect(missing.code).toBe(1);
    expect(missing.out).toContain('not_found');
    expect((await fatty(cell, 'put', '/a/b', '--', '-5')).code).toBe(0);
    expect(await fatty(cell, 'get', '/a/b')).toEqual({ code: 0, out: '-5' });
    const folder = await fatty(cell, 'get', '/a');
    expect(folder.code).toBe(1);
    expect(folder.out).toContain('not_a_file');
  });

  it('runs a child under a lock with its fencing token, and passes its exit code on', async () => {
    const script = 'echo "$FATTY_LOCK $FATTY_TOKEN"; exit 7';
    const first = await fatty(cell, 'lock', '/job', '--', 'sh', '-c', script);
    const second = await fatty(cell, 'lock', '/job', '--', 'sh', '-c', script);
    expect([first.code, second.code]).toEqual([7, 7]);
    const [one = '', two = ''] = [first, second].map(({ out }) => out.trim().split(' ')[1]);
    expect([one.length, two > one]).toEqual([27, true]);
    await using lock = await client.acquire('/job');
    expect(lock.held).toBe(true);
    const busy = await fatty(cell, 'lock', '/job', '--try', '--', 'true');
    expect(busy.code).toBe(1);
    expect(busy.out).toContain('lock_held');
  });

  it('kills the child when the lock is taken away', async () => {
    const started = join(cell.dir, 'doomed-started');
    const script = 'touch "$0"; sleep 50';
    const running = fatty(cell, 'lock', '/doomed', '--', 'sh', '-c', script, started);
    while (!existsSync(started)) await new Promise((resolve) => setTimeout(resolve, 50));
    await client.remove('/doomed');
    expect((await running).code).toBe(5);
  });

  it('goes on without a killed replica, which comes back where it was', async () => {
    const victim = cell.replicas[2];
    if (victim === undefined) throw new Error('four replicas');
    const before = cell.cell.addresses;
    expect((await victim.kill()).signal).toBe('SIGKILL');
    expect(victim.alive).toBe(false);
    await client.put('/a/b', 'without you');
    await victim.restart();
    expect(cell.cell.addresses).toEqual(before);
    await client.linked(4);
    await client.put('/a/b', 'with you');
    expect((await client.get('/a/b')).text()).toBe('with you');
    const busy = await startCell({ dir: cell.dir }).catch((error: unknown) => error);
    expect(String(busy)).toContain('folder_locked');
  });

  it('prints what happens at a path, in order, while a replica is killed', async () => {
    const { commit } = await client.read({ kind: 'stat', path: '/a' }, 'stat');
    const from = String(commit + 1);
    const line = ['watch', '/a/', '-r', '--from', from, '--count', '3', '-o', 'json'];
    const watching = fatty(cell, ...line);
    const [victim] = cell.replicas;
    await client.put('/a/w', 'one');
    await victim?.kill();
    await client.put('/a/w', 'two');
    await client.remove('/a/w');
    const { code, out } = await watching;
    await victim?.restart();
    const events = out
      .trim()
      .split('\n')
      .map((one) => JSON.parse(one));
    expect(code).toBe(0);
    expect(events.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'added /a/w',
      'modified /a/w',
      'removed /a/w',
    ]);
    const again = await fatty(cell, 'watch', '/a', '--from', events[0].next, '--count', '1');
    expect(again.out).toContain(`${events[1].position}  modified  /a/w`);
  });

  it('knows an error from another copy of the package', async () => {
    const error = await client.stat('/none').catch((reason: unknown) => reason);
    expect(isFattyError(error, 'not_found')).toBe(true);
  });
});

describe('a cell with a broken replica', () => {
  it('runs when the others are a quorum, and says who is out and why; with two it does not', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fatty-broken-'));
    let cell = await startCell({ dir });
    let client = await connect(cell.cellPath);
    await client.put('/before', 'all well');
    await client.close();
    await cell.close();
    const log = join(dir, 'replica-2', 'log', '000001.log');
    const bytes = readFileSync(log);
    bytes[3_000] = (bytes[3_000] ?? 0) ^ 64;
    writeFileSync(log, bytes);
    cell = await startCell({ dir });
    expect(cell.out).toHaveLength(1);
    expect(cell.out[0]?.index).toBe(2);
    expect(cell.out[0]?.why).toMatch(/log_corrupt: expected .* byte \d+$/);
    client = await connect(cell.cellPath);
    await client.put('/after', 'three of four');
    expect((await client.get('/before')).text()).toBe('all well');
    await client.close();
    await cell.close();
    rmSync(join(dir, 'replica-3'), { recursive: true });
    const none = await startCell({ dir }).catch((error: unknown) => error);
    expect(String(none)).toContain('log_corrupt');
    expect(String(none)).toContain('bad_key_file');
    rmSync(dir, { recursive: true, force: true });
  });
});
