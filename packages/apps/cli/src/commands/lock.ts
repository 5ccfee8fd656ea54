// `fatty lock`: holds a lock while a command runs.
import { type AcquireOptions, type Client, isFattyError, type Lock } from '@fatty/client';
import { type Ending, Guard } from '../lock/guard.ts';
import { EXIT, ExitError, type Io } from '../terminal/io.ts';
import { formatOf } from '../terminal/output.ts';
import type { Stop } from '../terminal/stop.ts';
import { type CellFlags, milliseconds, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';

interface LockFlags extends CellFlags {
  readonly shared?: boolean;
  readonly try?: boolean;
  readonly wait?: string;
  readonly lockDelay?: string;
  readonly '--'?: readonly string[];
}

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

async function lockCommand(path: string, flags: LockFlags, io: Io): Promise<number> {
  checkCommand(flags);
  return withClient(flags, io, (client, stop) => {
    const taken = async (): Promise<Lock> => {
      await ensureNode(client, path);
      return take(client, path, flags);
    };
    return whileHeld(taken, flags, io, stop);
  });
}

/** @throws ExitError, exit code 2: an empty command behind `--` */
export function checkCommand(flags: Pick<LockFlags, '--'>): void {
  if (flags['--']?.[0] !== '') return;
  throw new ExitError(EXIT.usage, 'expected a command behind --, got nothing');
}

/** Takes a lock, and holds it while the command behind `--` runs, or without one until told to stop. */
export async function whileHeld(
  taken: () => Promise<Lock>,
  flags: CellFlags & Pick<LockFlags, '--'>,
  io: Io,
  stop: Stop,
): Promise<number> {
  const command = flags['--'] ?? [];
  if (command.length === 0) return hold(await taken(), flags, io, stop);
  const guard = new Guard();
  try {
    const lock = await taken();
    const ending = await guard.run(command, lock, stop);
    tell(ending, command, lock, io);
    await giveBack(lock, io);
    return ending.lost ? EXIT.lost : ending.exitCode;
  } finally {
    await guard.close();
  }
}

/** What the exit code does not say. */
function tell(ending: Ending, [program = '']: readonly string[], lock: Lock, io: Io): void {
  const { signal, lost, left, exitCode } = ending;
  const how = signal === undefined ? `exited with code ${exitCode}` : `was ended by ${signal}`;
  const why = lock.signal.aborted ? String(lock.signal.reason) : 'it could not be proved in time';
  if (lost) io.err(`fatty: lost ${lock.path} (${why}); ${program} ${how}\n`);
  else if (signal !== undefined) io.err(`fatty: ${program} ${how}\n`);
  if (left > 0) io.err(`fatty: ended ${left} more that ${program} had started\n`);
}

/** The command has ended: whatever comes now, its code counts. */
async function giveBack(lock: Lock, io: Io): Promise<void> {
  try {
    await lock.release();
  } catch (error) {
    io.err(`fatty: ${lock.path} is not given back yet: ${String(error)}\n`);
  }
}

/** Without a command: prints the token and holds the lock until told to stop. */
async function hold(lock: Lock, flags: CellFlags, io: Io, stop: Stop): Promise<number> {
  const told = stop.takeOverOnce().then(() => EXIT.done);
  const { path, mode, token } = lock;
  if (formatOf(flags.output) === 'json') io.out(`${JSON.stringify({ path, mode, token })}\n`);
  else io.out(`${token}\n`);
  const code = await Promise.race([told, lock.lost.then(() => EXIT.lost)]);
  await giveBack(lock, io);
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
