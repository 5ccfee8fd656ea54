import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EXIT, ExitError } from '../io.ts';
import type { EndingSignal } from '../stop.ts';
import { MARKS } from './owned.ts';

/** What `fatty lock` tells its warden. `atMs` on the monotonic clock of the machine. */
export type ToWarden =
  | { readonly kind: 'started'; readonly pid: number; readonly leadsGroup: boolean }
  | { readonly kind: 'exited' }
  | { readonly kind: 'deadline'; readonly atMs: number }
  | { readonly kind: 'ask'; readonly signal: EndingSignal };

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
  readonly #asked = new Map<EndingSignal, (isHeard: boolean) => void>();
  #deadlineMs: number | undefined;

  /** On a terminal it stays in our group, to hear what the terminal sends. */
  constructor(mark: string, { onTerminal }: { readonly onTerminal: boolean }) {
    // Whoever guards us may end what we start, and us; not who sees to it.
    const { [MARKS]: _, ...env } = process.env;
    const child = spawn(process.execPath, [MAIN, mark], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      detached: !onTerminal,
      env,
    });
    this.#child = child;
    this.#ready = new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        for (const answer of this.#asked.values()) answer(false);
        this.#asked.clear();
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

  /** Whether our whole group got this signal, as it does from a terminal, and not we alone. */
  heard(signal: EndingSignal): Promise<boolean> {
    if (!this.#child.connected) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#answer(signal, false);
      this.#asked.set(signal, resolve);
      this.#tell({ kind: 'ask', signal });
    });
  }

  #answer(signal: EndingSignal, isHeard: boolean): void {
    this.#asked.get(signal)?.(isHeard);
    this.#asked.delete(signal);
  }

  #tell(message: ToWarden): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** It looks once more whether anything is left, and ends. */
  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
