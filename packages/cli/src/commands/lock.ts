import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { type AcquireOptions, type Client, isFattyError, type Lock } from '@fatty/client';
import { EXIT, ExitError, type Io } from '../io.ts';
import { formatOf } from '../output.ts';
import { type CellFlags, milliseconds, withClient } from '../session.ts';
import { type Register, withCell } from './command.ts';

interface LockFlags extends CellFlags {
  readonly shared?: boolean;
  readonly try?: boolean;
  readonly wait?: string;
  readonly lockDelay?: string;
  readonly '--'?: readonly string[];
}

/** The child gets SIGTERM this long before the lease can no longer be proved, ms. */
const WARNING_MS = 2_000;
const POLL_MS = 100;

/** A lock needs a node to hang on: an empty file is made where there is none. */
async function ensureNode(client: Client, path: string): Promise<void> {
  try {
    await client.stat(path);
  } catch (error) {
    if (!isFattyError(error, 'not_found')) throw error;
    await client.create(path, { exclusive: false, parents: true });
  }
}

async function take(client: Client, path: string, flags: LockFlags): Promise<Lock> {
  const delay = flags.lockDelay === undefined ? 0 : milliseconds('--lock-delay', flags.lockDelay);
  const options: AcquireOptions = {
    mode: flags.shared ? 'shared' : 'exclusive',
    lockDelayMs: delay,
  };
  if (flags.try) return client.tryAcquire(path, options);
  if (flags.wait === undefined) return client.acquire(path, options);
  return client.acquire(path, { ...options, maxWaitMs: milliseconds('--wait', flags.wait) });
}

/** The exit code of a child, as shells count signals. */
function childExit(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new ExitError(EXIT.usage, `cannot run the command: ${error.message}`));
    });
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/**
 * Runs the child under the lock. It is asked to go while the lease can still be proved, and killed
 * when it no longer can: it must not work on what somebody else may hold.
 */
async function guard(child: ChildProcess, lock: Lock): Promise<number> {
  let ended = false;
  const lost = (): void => void child.kill('SIGKILL');
  const look = (): void => {
    if (!lock.held) return lost();
    if (ended || lock.deadlineMs - performance.now() > WARNING_MS) return;
    ended = true;
    child.kill('SIGTERM');
  };
  const timer = setInterval(look, POLL_MS);
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  lock.signal.addEventListener('abort', lost);
  look();
  process.on('SIGINT', forward).on('SIGTERM', forward);
  try {
    const code = await childExit(child);
    return ended || lock.signal.aborted ? EXIT.lost : code;
  } finally {
    clearInterval(timer);
    lock.signal.removeEventListener('abort', lost);
    process.off('SIGINT', forward).off('SIGTERM', forward);
  }
}

async function lockCommand(path: string, flags: LockFlags, io: Io): Promise<number> {
  const [program, ...args] = flags['--'] ?? [];
  return withClient(flags, io, async (client) => {
    await ensureNode(client, path);
    const lock = await take(client, path, flags);
    if (program === undefined) return hold(lock, flags, io);
    if (!lock.held) throw lock.signal.reason;
    const env = { ...process.env, FATTY_TOKEN: lock.token, FATTY_LOCK: path };
    const child = spawn(program, args, { stdio: 'inherit', env });
    const code = await guard(child, lock);
    if (lock.signal.aborted) io.err(`fatty: lost ${path} (${String(lock.signal.reason)})\n`);
    await lock.release();
    return code;
  });
}

/** Without a command: prints the token and holds the lock until interrupted. */
async function hold(lock: Lock, flags: LockFlags, io: Io): Promise<number> {
  const { path, mode, token } = lock;
  if (formatOf(flags.output) === 'json') io.out(`${JSON.stringify({ path, mode, token })}\n`);
  else io.out(`${token}\n`);
  const interrupted = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => resolve(EXIT.done));
    }
  });
  const code = await Promise.race([interrupted, lock.lost.then(() => EXIT.lost)]);
  await lock.release();
  return code;
}

/** lock PATH [-- command]. */
export const registerLock: Register = ({ cli, io, run }) => {
  withCell(cli.command('lock <path>', 'Hold a lock while a command runs: fatty lock PATH -- cmd'))
    .option('--shared', 'a shared lock')
    .option('--try', 'fail at once if somebody holds it')
    .option('--wait <ms>', 'longest wait, as the cell counts it; default: for ever')
    .option('--lock-delay <ms>', 'pause before others may have it if we fail')
    .action(run((path: string, flags: LockFlags) => lockCommand(path, flags, io)));
};
