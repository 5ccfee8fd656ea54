// One client of a chaos run as a process.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Which client, and where what it writes goes. */
export interface ClientProcessOptions {
  readonly name: string;
  readonly seed: number;
  /** cell.json */
  readonly cell: string;
  /** Folder of its history, `NAME.jsonl`, and its words, `NAME.log`. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A client that writes its history until it is told to end; it ends with us. */
export class ClientProcess {
  readonly name: string;
  readonly history: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;

  constructor({ name, seed, cell, dir, env }: ClientProcessOptions) {
    this.name = name;
    this.history = join(dir, `${name}.jsonl`);
    const log = openSync(join(dir, `${name}.log`), 'a');
    this.#child = spawn(process.execPath, [MAIN, cell, name, String(seed), this.history], {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, ...env },
    });
    closeSync(log);
    this.#exited = new Promise((resolve) => this.#child.once('exit', (code) => resolve(code)));
  }

  /** Resolves when it is linked. @throws Error when it ends instead */
  async ready(): Promise<void> {
    const told = new Promise<void>((resolve) => this.#child.once('message', () => resolve()));
    const early = this.#exited.then((code) => {
      throw new Error(`client ${this.name} ended before it was ready (exit ${code})`);
    });
    await Promise.race([told, early]);
  }

  /** SIGSTOP and SIGCONT: it stands still, and its leases run out. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /**
   * Lets it finish what it has begun. Answers its exit code; null: it had to be killed after `msMax`. Safe to
   * call twice.
   */
  async end(msMax: number): Promise<number | null> {
    // A client that stands still hears of nothing.
    this.resume();
    if (this.#child.connected) this.#child.send({ kind: 'end' }, () => undefined);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), msMax);
    const code = await this.#exited;
    clearTimeout(timer);
    return code;
  }
}
