// Real processes: how cells and commands end.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connect } from '@fatty/client/node';
import { afterAll, describe, expect, it } from 'vitest';
import { endEverything, lives, tidyUp, until } from './cell.ts';

const fileAt = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const LAUNCHER = fileAt('./launcher.mjs');
const FATTY = fileAt('../../packages/apps/cli/bin/fatty.js');

interface Launched {
  readonly child: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly dir: string;
  readonly cellPath: string;
  /** Replicas and whatever else must be gone in the end. */
  readonly pids: readonly number[];
}

/** In a process group of its own, as a shell would start it. */
async function launch(command: string, args: readonly string[]): Promise<Launched> {
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited: Launched['exited'] = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const pids: number[] = [];
  tidyUp(async () => {
    for (const pid of pids) if (lives(pid)) process.kill(pid, 'SIGKILL');
    child.kill('SIGKILL');
    await exited;
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [said] = await Promise.race([
    new Promise<string[]>((resolve) => lines.once('line', (line) => resolve([line]))),
    exited.then(({ code }) => {
      throw new Error(`the launcher ended with ${code}`);
    }),
  ]);
  const hello = JSON.parse(said ?? '') as Pick<Launched, 'dir' | 'cellPath' | 'pids'>;
  pids.push(...hello.pids);
  expect(hello.pids).toHaveLength(4);
  expect(hello.pids.every(lives)).toBe(true);
  return { child, exited, ...hello };
}

const gone = (pids: readonly number[]): Promise<true> =>
  until(async () => !pids.some(lives) || undefined);

afterAll(endEverything);

describe('however a cell ends, no process is left', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s: exit 0, folder removed', async (signal) => {
    const { child, exited, dir, pids } = await launch(process.execPath, [LAUNCHER]);
    expect(existsSync(dir)).toBe(true);
    // Ctrl-C reaches the whole group; the replicas leave it to their launcher.
    process.kill(signal === 'SIGINT' ? -(child.pid ?? 0) : (child.pid ?? 0), signal);
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(pids.some(lives)).toBe(false);
    expect(existsSync(dir)).toBe(false);
  });

  it('SIGKILL of the launcher: the replicas notice and go', async () => {
    const { child, exited, dir, cellPath, pids } = await launch(process.execPath, [LAUNCHER]);
    const client = await connect(cellPath);
    tidyUp(() => client.close());
    await client.put('/last', 'words');
    child.kill('SIGKILL');
    await exited;
    await gone(pids);
    expect(existsSync(dir)).toBe(true);
    rmSync(dir, { recursive: true });
  });

  it('SIGKILL of what started the launcher: it winds up as if told to', async () => {
    const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
    // Two commands, so that the shell stays; its death leaves the launcher without a signal.
    const script = `${quote(process.execPath)} ${quote(LAUNCHER)}; true`;
    const { child, exited, dir, pids } = await launch('/bin/sh', ['-c', script]);
    child.kill('SIGKILL');
    await exited;
    await gone(pids);
    await until(async () => !existsSync(dir) || undefined);
  });
});

describe('npm start', () => {
  const groupLives = (pgid: number): boolean => lives(-pgid);

  /** Runs it in a process group of its own until it has said `words`. */
  async function startUntil(words: string): Promise<{ npm: ChildProcess; folder: string }> {
    const folder = mkdtempSync(join(tmpdir(), 'fatty-start-'));
    tidyUp(async () => rmSync(folder, { recursive: true }));
    const npm = spawn('npm', ['start'], {
      cwd: fileAt('../..'),
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: folder },
    });
    const pgid = npm.pid ?? 0;
    tidyUp(async () => {
      if (groupLives(pgid)) process.kill(-pgid, 'SIGKILL');
    });
    let said = '';
    npm.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await until(async () => said.includes(words) || npm.exitCode !== null);
    expect(said).toContain(words);
    return { npm, folder };
  }

  it.each([
    ['Ctrl-C', 'SIGINT', 'Now the worker stalls.'],
    ['TERM of npm', 'SIGTERM', '(a)'],
    ['KILL of npm', 'SIGKILL', 'kill -9 of r1'],
  ] as const)(
    '%s in mid-tour: no process of it is left, nor the cell',
    async (_, signal, words) => {
      const { npm, folder } = await startUntil(words);
      const pgid = npm.pid ?? 0;
      process.kill(signal === 'SIGINT' ? -pgid : pgid, signal);
      await until(async () => !groupLives(pgid));
      const left = readdirSync(folder).filter((name) => name.startsWith('fatty-'));
      // The traces of the tour stay.
      expect(left.filter((name) => !name.startsWith('fatty-tour-'))).toEqual([]);
    },
  );
});

describe('fatty up', () => {
  it('keeps its data on Ctrl-C and goes on with it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fatty-up-'));
    tidyUp(async () => rmSync(dir, { recursive: true, force: true }));
    const up = async (work: (cellPath: string) => Promise<void>): Promise<void> => {
      const args = [FATTY, 'up', '--dir', dir, '--output', 'json'];
      const child = spawn(process.execPath, args, {
        detached: true,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = new Promise((resolve) => child.once('exit', resolve));
      tidyUp(async () => {
        child.kill('SIGKILL');
        await exited;
      });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const rows = await until(async () => parsed(said));
      await work(join(dir, 'cell.json'));
      process.kill(-(child.pid ?? 0), 'SIGINT');
      expect(await exited).toBe(0);
      expect(rows.map(({ pid }) => lives(pid))).toEqual([false, false, false, false]);
    };
    await up(async (cellPath) => {
      const client = await connect(cellPath);
      await client.put('/kept', 'over night');
      await client.close();
    });
    await up(async (cellPath) => {
      const client = await connect(cellPath);
      expect((await client.get('/kept', { level: 'linearizable' })).text()).toBe('over night');
      await client.close();
    });
  });
});

/** A line for each of four replicas. */
function parsed(text: string): readonly { readonly pid: number }[] | undefined {
  const lines = text.split('\n').slice(0, -1);
  return lines.length < 4 ? undefined : lines.map((line) => JSON.parse(line) as { pid: number });
}
