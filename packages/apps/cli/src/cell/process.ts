// One replica as a process.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addressesFromJson, type SignedAddresses } from '@fatty/protocol';

/** The program of an honest replica: the built one, also for those who run from sources. */
export const REPLICA_MAIN: string = fileURLToPath(import.meta.resolve('@fatty/node/main'));

/** One line per state of a replica process. */
export type ProcessState = 'starting' | 'ready' | 'stopping' | 'exited';

/** Which replica, and how it starts. */
export interface ReplicaProcessOptions {
  /** DIR/replica-i. */
  readonly dir: string;
  readonly index: number;
  /** Another program than the honest one, for a test cell: a liar lives in its own file. */
  readonly main?: string;
  /** Further `--name value` arguments. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** ms without a sign of progress until a replica that is not ready counts as failed. */
  readonly readyMsMax: number;
  /** Told how many records of its log it has replayed, while it does. */
  readonly onReplay?: (records: number) => void;
}

/** How a replica process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Time between SIGTERM and SIGKILL, ms. */
const STOP_MS_MAX = 5_000;
const STDERR_CHARS_MAX = 4_000;

/** An option of the user's shell (`FATTY_CELL` of another cell, say) is none of this cell's. */
function withoutOptions(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('FATTY_')));
}

/**
 * One replica as an OS process with an IPC channel: it exits when the channel closes, so that it
 * never outlives us, and ignores SIGINT, so that Ctrl-C is ordered by the launcher.
 */
export class ReplicaProcess {
  readonly index: number;
  readonly exited: Promise<Exit>;
  readonly ready: Promise<SignedAddresses>;
  readonly #child: ChildProcess;
  #state: ProcessState = 'starting';
  #stderr = '';

  constructor(options: ReplicaProcessOptions) {
    this.index = options.index;
    const { dir, main = REPLICA_MAIN, args = [] } = options;
    const child = spawn(process.execPath, [main, '--dir', dir, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...withoutOptions(process.env), ...options.env },
    });
    this.#child = child;
    const log = createWriteStream(join(dir, 'replica.log'), { flags: 'a' });
    // A full disk costs its words, not the cell.
    log.on('error', () => child.stdout?.resume());
    child.stdout?.pipe(log);
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_CHARS_MAX);
      log.write(chunk);
    });
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#state = 'exited';
        log.end();
        resolve({ code, signal });
      });
      // A program that cannot be started never closes.
      child.once('error', () => resolve({ code: null, signal: null }));
    });
    this.ready = this.#whenReady(options);
    this.tell({ kind: 'progress' });
    this.ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** A long log is no failure: the time runs from the last sign of progress. */
  #whenReady({ readyMsMax, onReplay }: ReplicaProcessOptions): Promise<SignedAddresses> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer);
        const last = this.#stderr.trim();
        reject(new Error(`replica ${this.index} ${why}${last === '' ? '' : `:\n${last}`}`));
      };
      const silent = (): void => fail(`is not ready, and did nothing for ${readyMsMax} ms`);
      let timer = setTimeout(silent, readyMsMax);
      this.#child.on('message', (message) => {
        const records = replayedRecords(message);
        if (records !== undefined && this.#state === 'starting') {
          clearTimeout(timer);
          timer = setTimeout(silent, readyMsMax);
          onReplay?.(records);
        }
        const addresses = readyAddresses(message);
        if (addresses === undefined) return;
        clearTimeout(timer);
        if (this.#state === 'starting') this.#state = 'ready';
        resolve(addresses);
      });
      void this.exited.then(({ code, signal }) =>
        fail(`ended before it was ready (${signal ?? `exit ${code}`})`),
      );
    });
  }

  /** Tells the replica something over IPC; silently too late when it is gone. */
  tell(message: { readonly kind: string }): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Every message the program sends besides `ready`. */
  onMessage(heard: (message: unknown) => void): void {
    this.#child.on('message', heard);
  }

  /** SIGKILL: no goodbye, no flush. */
  kill(): Promise<Exit> {
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  /** SIGTERM, then SIGKILL if it does not go. */
  async stop(): Promise<Exit> {
    if (this.#state === 'exited') return this.exited;
    this.#state = 'stopping';
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  /** SIGSTOP and SIGCONT: a replica that is alive and says nothing. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }
}

/** `{kind: 'replaying', records}` */
function replayedRecords(message: unknown): number | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { kind, records } = message as { kind?: unknown; records?: unknown };
  return kind === 'replaying' && typeof records === 'number' ? records : undefined;
}

/** `{kind: 'ready', addresses: {key, peer, client, http, sig}}`, bytes as hex. */
function readyAddresses(message: unknown): SignedAddresses | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { kind, addresses } = message as { kind?: unknown; addresses?: unknown };
  if (kind !== 'ready' || typeof addresses !== 'object' || addresses === null) return undefined;
  return addressesFromJson(addresses);
}
