// Runs a command under a lock, and ends it with the lock.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Lock } from '@fatty/client';
import { EXIT, ExitError } from '../terminal/io.ts';
import { type EndingSignal, type Stop, signalExit } from '../terminal/stop.ts';
import { endOwned, MARKS, type Owner, signalOwned } from './owned.ts';
import { Warden } from './warden-link.ts';

/** The command gets SIGTERM this long before the lease can no longer be proved, ms. */
const WARNING_MS = 2_000;
const POLL_MS = 100;
/** Time between SIGTERM and SIGKILL for what a command leaves behind, ms. */
const LEFT_GRACE_MS = 2_000;

/** What counts of a lock while a command runs under it. */
export type Held = Pick<Lock, 'held' | 'deadlineMs' | 'signal' | 'path' | 'token'>;

/** How a command ended. */
export interface Ending {
  /** Of the command itself, as shells count signals. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
  /** It was told to go because the lock could no longer be proved, or was lost. */
  readonly lost: boolean;
  /** Processes that outlived it, and were ended. */
  readonly left: number;
}

/** Whether somebody sits there who types, and whose Ctrl-C goes to our whole group. */
const isOnTerminal = (): boolean =>
  [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);

/**
 * Runs commands under locks, and owns what they start: nothing of it outlives the lock, or us. On a
 * terminal a command stays in our group, so that it can read; elsewhere it leads its own.
 */
export class Guard {
  readonly #mark = randomBytes(16).toString('hex');
  readonly #onTerminal = isOnTerminal();
  readonly #warden = new Warden(this.#mark, { onTerminal: this.#onTerminal });
  #isRunning = false;

  /** Resolves when nothing of it is left. @throws ExitError when it cannot be started */
  async run(command: readonly string[], lock: Held, stop: Stop): Promise<Ending> {
    await this.#warden.ready();
    if (!lock.held) throw lock.signal.reason;
    // Takes over before there is a child. It throws when we were told to end earlier.
    const back = stop.takeOver((reason) => {
      // A broken pipe of ours is no reason to end somebody's work.
      if (reason.kind === 'signal') void this.#forward(reason.signal, child);
    });
    this.#isRunning = true;
    const child = this.#spawn(command, lock);
    const watch = new Watch(lock, this.#warden, () => this.#owner(child));
    try {
      const { code, signal } = await ended(child);
      this.#warden.exited();
      const lost = watch.isOver;
      const left = await endOwned(this.#owner(child), {
        graceMs: LEFT_GRACE_MS,
        isUrgent: () => !lock.held,
      });
      this.#isRunning = false;
      const exitCode = signal === null ? (code ?? 0) : signalExit(signal);
      return { exitCode, signal: signal ?? undefined, lost, left };
    } finally {
      watch.close();
      back();
    }
  }

  #spawn([program = '', ...args]: readonly string[], { token, path }: Held): ChildProcess {
    const marks = [process.env[MARKS], this.#mark].filter(Boolean).join(' ');
    const env = { ...process.env, FATTY_TOKEN: token, FATTY_LOCK: path, [MARKS]: marks };
    const detached = !this.#onTerminal;
    const child = spawn(program, args, { stdio: 'inherit', env, detached });
    if (child.pid !== undefined) this.#warden.started(child.pid, detached);
    return child;
  }

  #owner({ pid = 0, exitCode, signalCode }: ChildProcess): Owner {
    const hasExited = pid === 0 || exitCode !== null || signalCode !== null;
    return { mark: this.#mark, pid, leadsGroup: pid !== 0 && !this.#onTerminal, hasExited };
  }

  /** What the terminal has sent to all of us is not sent again: one Ctrl-C is one Ctrl-C. */
  async #forward(signal: EndingSignal, child: ChildProcess): Promise<void> {
    if (this.#onTerminal && (await this.#warden.heard(signal))) return;
    signalOwned(this.#owner(child), signal);
  }

  /** Ends what a fault of ours may have left of a command. Safe at any time. */
  async close(): Promise<void> {
    if (this.#isRunning) this.#warden.leave();
    else await this.#warden.end();
  }
}

function ended(
  child: ChildProcess,
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new ExitError(EXIT.usage, `cannot run the command: ${error.message}`));
    });
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

/**
 * Asks everything under a lock to go while the lease can still be proved, and kills it when it no
 * longer can: it must not work on what somebody else may hold.
 */
class Watch {
  readonly #lock: Held;
  readonly #warden: Warden;
  readonly #owner: () => Owner;
  readonly #timer: NodeJS.Timeout;
  #isWarned = false;

  constructor(lock: Held, warden: Warden, owner: () => Owner) {
    this.#lock = lock;
    this.#warden = warden;
    this.#owner = owner;
    this.#timer = setInterval(this.#look, POLL_MS);
    lock.signal.addEventListener('abort', this.#look);
    this.#look();
  }

  get isOver(): boolean {
    return this.#isWarned || !this.#lock.held;
  }

  readonly #look = (): void => {
    const { held, deadlineMs } = this.#lock;
    this.#warden.deadline(deadlineMs);
    if (!held) {
      signalOwned(this.#owner(), 'SIGKILL');
      return;
    }
    if (this.#isWarned || deadlineMs - performance.now() > WARNING_MS) return;
    this.#isWarned = true;
    signalOwned(this.#owner(), 'SIGTERM');
  };

  close(): void {
    clearInterval(this.#timer);
    this.#lock.signal.removeEventListener('abort', this.#look);
  }
}
