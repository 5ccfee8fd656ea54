// The link between `fatty lock` and its warden.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EXIT, ExitError } from '../terminal/io.ts';
import type { EndingSignal } from '../terminal/stop.ts';
import { MARKS } from './owned.ts';

/** What `fatty lock` tells its warden. `atMs` on the monotonic clock of the machine. */
export type ToWarden =
  | { readonly kind: 'started'; readonly pid: number; readonly leadsGroup: boolean }
  | { readonly kind: 'exited' }
  | { readonly kind: 'deadline'; readonly atMs: number }
  | { readonly kind: 'ask'; readonly signal: EndingSignal };

/** What the warden tells `fatty lock`. */
export type FromWarden =
  | { readonly kind: 'ready' }
  | { readonly kind: 'heard'; readonly signal: EndingSignal; readonly isHeard: boolean };

/** src and dist are equally deep, so both find the built one. */
const MAIN = fileURLToPath(new URL('../../dist/lock/warden.js', import.meta.url));

/** The monotonic clock of the machine less that of this process, ms. */
const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The warden as `fatty lock` sees it. */
export class Warden {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #exited: Promise<void>;
  readonly #asked = new Map<EndingSignal, Question>();
  #deadlineMs: number | undefined;

  /** On a terminal it stays in our group, to hear what the terminal sends. */
  constructor(mark: string, { onTerminal }: { readonly onTerminal: boolean }) {
    // The mark is not passed on: whoever guards us may end us and what we start, but not the
    // warden.
    const { [MARKS]: _, ...env } = process.env;
    const child = spawn(process.execPath, [MAIN, mark], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      detached: !onTerminal,
      env,
    });
    this.#child = child;
    this.#ready = new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        for (const signal of this.#asked.keys()) this.#answer(signal, false);
        reject(new ExitError(EXIT.refused, `no process to guard the command: ${why}`));
      };
      child.on('message', (message: FromWarden) => {
        if (message.kind === 'ready') resolve();
        else this.#answer(message.signal, message.isHeard);
      });
      child.once('error', (error) => fail(error.message));
      child.once('exit', (code, signal) => fail(`it ended (${signal ?? `exit ${code}`})`));
    });
    this.#ready.catch(() => undefined);
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve()).once('error', () => resolve());
    });
    child.unref();
  }

  /** @throws ExitError when there is none */
  ready(): Promise<void> {
    return this.#ready;
  }

  started(pid: number, leadsGroup: boolean): void {
    this.#tell({ kind: 'started', pid, leadsGroup });
  }

  exited(): void {
    this.#tell({ kind: 'exited' });
  }

  /** `deadlineMs` on the clock of `performance.now()`. */
  deadline(deadlineMs: number): void {
    if (deadlineMs === this.#deadlineMs) return;
    this.#deadlineMs = deadlineMs;
    this.#tell({ kind: 'deadline', atMs: Math.max(0, deadlineMs + OFFSET_MS) });
  }

  /**
   * Whether our whole group got this signal, as it does from a terminal, and not we alone. What comes
   * before the answer is answered with it.
   */
  heard(signal: EndingSignal): Promise<boolean> {
    const asked = this.#asked.get(signal);
    if (asked !== undefined) return asked.answered;
    if (!this.#child.connected) return Promise.resolve(false);
    const question = newQuestion();
    this.#asked.set(signal, question);
    this.#tell({ kind: 'ask', signal });
    return question.answered;
  }

  #answer(signal: EndingSignal, isHeard: boolean): void {
    this.#asked.get(signal)?.answer(isHeard);
    this.#asked.delete(signal);
  }

  #tell(message: ToWarden): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** When nothing that we started is left. */
  async end(): Promise<void> {
    this.#child.ref();
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Leaves the warden alone with whatever is left; the warden ends it. */
  leave(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

interface Question {
  readonly answered: Promise<boolean>;
  readonly answer: (isHeard: boolean) => void;
}

function newQuestion(): Question {
  let answer: Question['answer'] = () => undefined;
  const answered = new Promise<boolean>((resolve) => {
    answer = resolve;
  });
  return { answered, answer };
}
