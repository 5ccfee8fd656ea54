// Tests of how commands end.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, connect, isFattyError } from '@fatty/client/node';
import { asSessionId, fromHex } from '@fatty/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningCell, startCell } from '../src/index.ts';
import { EXIT } from '../src/terminal/io.ts';
import { signalExit } from '../src/terminal/stop.ts';
import { folder } from './fatty.ts';

const dir = folder();
const FATTY = fileURLToPath(new URL('../bin/fatty.js', import.meta.url));
const TICK = fileURLToPath(new URL('../../../cairo/prove/machines/tick.casm', import.meta.url));

/** A running `fatty`. */
class Running {
  readonly child: ChildProcess;
  readonly exit: Promise<number | string | null>;
  out = '';
  err = '';

  constructor(args: readonly string[], { cell = '', stdout = 'pipe' as 'pipe' | number } = {}) {
    const env = { ...process.env, FATTY_CELL: cell };
    const stdio = ['ignore', stdout, 'pipe'] as const;
    this.child = spawn(process.execPath, [FATTY, ...args], { env, stdio: [...stdio] });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString();
    });
    this.exit = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve(code ?? signal));
    });
  }

  /** Whoever reads its output leaves. */
  leave(): void {
    this.child.stdout?.destroy();
  }
}

async function until(look: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await look())) await new Promise((resolve) => setTimeout(resolve, 50));
}

describe('output that nobody takes', () => {
  it('is no fault when the reader has left', async () => {
    for (const args of [['cairo', 'disasm', TICK], ['cairo', 'asm', TICK], ['--help']]) {
      const running = new Running(args);
      running.leave();
      expect([await running.exit, running.err], args.join(' ')).toEqual([EXIT.done, '']);
    }
  });

  it('is one when the disk is full, told in one line', async () => {
    const full = openSync('/dev/full', 'w');
    const running = new Running(['cairo', 'disasm', TICK], { stdout: full });
    expect(await running.exit).toBe(EXIT.refused);
    expect(running.err).toMatch(/^fatty: cannot write to standard output: ENOSPC.*\n$/);
    closeSync(full);
  });

  it('ends no cell', async () => {
    const up = new Running(['up', '--dir', join(dir, 'up')]);
    await until(() => up.out.includes('\n'));
    up.leave();
    const client = await connect(join(dir, 'up', 'cell.json'));
    await client.put('/a', 'still up');
    await client.close();
    up.child.kill('SIGQUIT');
    expect(await up.exit).toBe(EXIT.done);
    expect(up.err).toContain('SIGQUIT, stopping');
  });
});

describe('a cell in the foreground', () => {
  it('tells of a replica that ends while the others go on', async () => {
    const up = new Running(['up', '--dir', join(dir, 'losing')]);
    await until(() => up.out.includes('Ctrl-C stops it'));
    const [, pid] = /^2 +(\d+)/m.exec(up.out) ?? [];
    process.kill(Number(pid), 'SIGKILL');
    await until(() => up.err.includes('replica 2 ended (SIGKILL)'));
    up.child.kill('SIGINT');
    expect(await up.exit).toBe(EXIT.done);
    expect(up.err.match(/ended/g)).toHaveLength(1);
  });
});

describe('a command that is told to end', () => {
  let cell: RunningCell;
  let client: Client;
  const fatty = (...args: string[]): Running => new Running(args, { cell: cell.cellPath });
  beforeAll(async () => {
    cell = await startCell();
    client = await connect(cell.cellPath);
  });
  afterAll(async () => {
    await client.close();
    await cell.close();
  });

  const queue = async (path: string): Promise<readonly [number, number]> => {
    const { holders, waiters } = await client.lockState(path, { level: 'linearizable' });
    return [holders.length, waiters.length];
  };

  it('leaves the queue at once', async () => {
    await client.create('/queue');
    await using lock = await client.acquire('/queue');
    const waiter = fatty('lock', '/queue', '--', 'true');
    await until(async () => (await queue('/queue'))[1] === 1);
    waiter.child.kill('SIGINT');
    expect(await waiter.exit).toBe(signalExit('SIGINT'));
    expect(await queue('/queue')).toEqual([1, 0]);
    expect(lock.held).toBe(true);
    expect([waiter.out, waiter.err]).toEqual(['', '']);
  });

  it.each(['SIGHUP', 'SIGQUIT'] as const)('by %s gives its lock back', async (signal) => {
    const path = `/held-${signal}`;
    await client.create(path);
    const holder = fatty('lock', path, '--', 'sh', '-c', 'echo started; exec sleep 600');
    await until(() => holder.out === 'started\n');
    expect(await queue(path)).toEqual([1, 0]);
    holder.child.kill(signal);
    expect(await holder.exit).toBe(signalExit(signal));
    expect(holder.err).toBe(`fatty: sh was ended by ${signal}\n`);
    expect(await queue(path)).toEqual([0, 0]);
  });

  it('closes its session when its reader leaves', async () => {
    const watcher = fatty('session', '-o', 'json');
    await until(() => /"session":"[0-9a-f]{64}"/.test(watcher.out));
    const [, id = ''] = /"session":"([0-9a-f]{64})"/.exec(watcher.out) ?? [];
    watcher.leave();
    expect([await watcher.exit, watcher.err]).toEqual([EXIT.done, '']);
    const session = asSessionId(fromHex(id) ?? new Uint8Array());
    const found = await client
      .read({ kind: 'session', id: session }, 'session', { level: 'linearizable' })
      .catch((error: unknown) => error);
    expect(isFattyError(found, 'session_unknown')).toBe(true);
  });

  it('gives its machine back when its reader leaves', async () => {
    const declared = fatty('machine', 'declare', '/worker', TICK);
    expect(await declared.exit).toBe(EXIT.done);
    const worker = fatty('machine', 'run', '/worker', TICK, '--every', '100', '-o', 'json');
    await until(() => worker.out.includes('"how":"taken"'));
    worker.leave();
    expect([await worker.exit, worker.err]).toEqual([EXIT.done, '']);
    const { value } = await client.read({ kind: 'machine', path: '/worker' }, 'machine', {
      level: 'linearizable',
    });
    expect(value.lessee).toBe(undefined);
  });
});
