// Tests of commands under a lock.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Guard, type Held } from '../src/lock/guard.ts';
import { ENDING_SIGNALS, Stop, signalExit } from '../src/terminal/stop.ts';
import { folder, silentIo } from './fatty.ts';

const dir = folder();
const HOST = fileURLToPath(new URL('./guard-host.mjs', import.meta.url));
const TYPED_TO = fileURLToPath(new URL('./typed-to.mjs', import.meta.url));

/**
 * A shell that has started one child in its group, one with a session of its own and one with another
 * parent, none of which ends by itself; `after` is what it does then.
 */
const family = (pids: string, after: string): readonly string[] => [
  'sh',
  '-c',
  `sleep 600 & echo $! >> "$0"
   setsid sleep 600 & echo $! >> "$0"
   (sh -c 'sleep 600 & echo $! >> "$0"' "$0" &)
   while [ "$(wc -l < "$0")" -lt 3 ]; do sleep 0.05; done
   echo $$ >> "$0"
   ${after}`,
  pids,
];

/** One that ended and was not collected yet is not alive. */
function isAlive(pid: number): boolean {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
    return !state.startsWith('Z');
  } catch {
    return false;
  }
}

async function until(look: () => boolean): Promise<void> {
  while (!look()) await new Promise((resolve) => setTimeout(resolve, 50));
}

const pidsIn = (file: string): readonly number[] =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];

let families = 0;
const newFile = (): string => join(dir, `pids-${families++}`);

async function untilAllRun(file: string): Promise<void> {
  await until(() => pidsIn(file).length === 4);
  for (const pid of pidsIn(file)) expect(isAlive(pid)).toBe(true);
}

afterEach(() => {
  for (let i = 0; i < families; i++) {
    for (const pid of pidsIn(join(dir, `pids-${i}`)).filter(isAlive)) process.kill(pid, 'SIGKILL');
  }
});

/** A lock that a test takes away. */
class MadeUp implements Held {
  readonly path = '/made-up';
  readonly token = '1.0';
  readonly #controller = new AbortController();
  #isNearlyOver = false;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get held(): boolean {
    return !this.signal.aborted;
  }

  get deadlineMs(): number {
    if (!this.held) return Number.NEGATIVE_INFINITY;
    const provedMs = this.#isNearlyOver ? 1_900 : 60_000;
    this.#isNearlyOver = false;
    return performance.now() + provedMs;
  }

  /** For one look: a test that stands still for two seconds shall not lose it. */
  nearlyEnd(): void {
    this.#isNearlyOver = true;
  }

  lose(): void {
    this.#controller.abort(new Error('taken away'));
  }
}

async function guarded(command: readonly string[], lock: Held): ReturnType<Guard['run']> {
  const guard = new Guard();
  const stop = new Stop(silentIo([]));
  try {
    return await guard.run(command, lock, stop);
  } finally {
    stop.close();
    await guard.close();
  }
}

describe('a command under a lock', () => {
  it('is killed with everything that it started when the lock is lost', async () => {
    const file = newFile();
    const lock = new MadeUp();
    // None of them goes when it is asked to.
    const running = guarded(family(file, 'trap "" TERM; while :; do sleep 1; done'), lock);
    await untilAllRun(file);
    lock.lose();
    expect(await running).toMatchObject({ signal: 'SIGKILL', lost: true });
    expect(pidsIn(file).filter(isAlive)).toEqual([]);
  });

  it('is asked to go while the lock can still be proved, and may say how it ended', async () => {
    const file = newFile();
    const lock = new MadeUp();
    const running = guarded(family(file, 'trap "exit 7" TERM; while :; do sleep 0.1; done'), lock);
    await untilAllRun(file);
    lock.nearlyEnd();
    expect(await running).toMatchObject({ exitCode: 7, signal: undefined, lost: true });
    expect(pidsIn(file).filter(isAlive)).toEqual([]);
  });

  it('leaves nothing behind when it ends by itself', async () => {
    const file = newFile();
    const ending = await guarded(family(file, 'exit 3'), new MadeUp());
    expect(ending).toEqual({ exitCode: 3, signal: undefined, lost: false, left: 3 });
    expect(pidsIn(file).filter(isAlive)).toEqual([]);
    const alone = await guarded(['sh', '-c', 'kill -KILL $$'], new MadeUp());
    expect(alone).toEqual({ exitCode: 137, signal: 'SIGKILL', lost: false, left: 0 });
  });

  it('that cannot be started, or whose lock is lost by then, is told of', async () => {
    const lock = new MadeUp();
    await expect(guarded(['/nowhere/at-all'], lock)).rejects.toThrow('cannot run the command');
    lock.lose();
    await expect(guarded(['true'], lock)).rejects.toThrow('taken away');
  });
});

interface Host {
  readonly pid: number;
  readonly exit: Promise<number | NodeJS.Signals | null>;
}

function host(deadlineMs: number, command: readonly string[]): Host {
  const args = [HOST, String(deadlineMs), ...command];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exit = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  return { pid: child.pid ?? 0, exit };
}

describe('whoever guards a command', () => {
  it.each(ENDING_SIGNALS)('passes %s on, and ends when nothing is left', async (signal) => {
    const file = newFile();
    const { pid, exit } = host(600_000, family(file, 'wait'));
    await untilAllRun(file);
    process.kill(pid, signal);
    expect(await exit).toBe(signalExit(signal));
    expect(pidsIn(file).filter(isAlive)).toEqual([]);
  });

  const stubborn = (file: string): readonly string[] =>
    family(file, 'trap "" TERM; while :; do sleep 1; done');
  const guardedBelow = (file: string): readonly string[] => [
    process.execPath,
    HOST,
    '600000',
    ...stubborn(file),
  ];

  it.each([
    ['it', stubborn],
    ['it, and what it guards,', guardedBelow],
  ])('takes %s along when it is killed itself', async (_, command) => {
    const file = newFile();
    const { pid, exit } = host(600_000, command(file));
    await untilAllRun(file);
    process.kill(pid, 'SIGKILL');
    expect(await exit).toBe('SIGKILL');
    await until(() => !pidsIn(file).some(isAlive));
  });

  it('is stopped, and the command ends by the deadline all the same', async () => {
    const file = newFile();
    const { pid, exit } = host(20_000, stubborn(file));
    await untilAllRun(file);
    process.kill(pid, 'SIGSTOP');
    await until(() => !pidsIn(file).some(isAlive));
    process.kill(pid, 'SIGCONT');
    expect(await exit).toBe(5);
  });
});

/** Gives a command a terminal. */
const SCRIPT = 'script';

/**
 * On a terminal of its own; what is typed goes to it. With `exec`: a shell that stays between hears the
 * Ctrl-C as well, and some shells then end with 130, however the command ended.
 */
function onTerminal(command: readonly string[]): {
  readonly exit: Promise<number | null>;
  type(text: string): void;
} {
  const words = [process.execPath, HOST, '600000', ...command];
  const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const child = spawn(SCRIPT, ['-qec', `exec ${line}`, '/dev/null'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { exit, type: (text) => void child.stdin.write(text) };
}

describe('on a terminal', () => {
  it('a command reads what is typed, and one Ctrl-C is one', async () => {
    const file = newFile();
    const heard = join(dir, 'heard');
    const { exit, type } = onTerminal([process.execPath, TYPED_TO, heard, file]);
    const lines = (): readonly string[] =>
      existsSync(heard) ? readFileSync(heard, 'utf8').trim().split('\n') : [];
    type('hello\n');
    await until(() => existsSync(`${heard}.host`) && lines().includes('hello'));
    type('\u0003');
    await until(() => lines().includes('once'));
    expect(lines()).toEqual(['hello', 'INT', 'once']);
    // Sent to the guard alone, it is passed on.
    process.kill(Number(readFileSync(`${heard}.host`, 'utf8')), 'SIGINT');
    expect(await exit).toBe(9);
    expect(lines()).toEqual(['hello', 'INT', 'once', 'INT']);
    expect(pidsIn(file).filter(isAlive)).toEqual([]);
  });
});
