// One process of the fleet, as the demo sees it.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Orders, Told } from './messages.ts';

/** src and dist are equally deep, so both find the built one. */
const MAIN = fileURLToPath(new URL('../../dist/fleet/main.js', import.meta.url));
const STDERR_CHARS_MAX = 2_000;

/** A process that ends when we do: its channel to us is its life. */
export class Hand {
  readonly name: string;
  readonly orders: Orders;
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  #key = '';
  #hasExited = false;
  #stderr = '';

  /** `ended`: it went by itself, and what it said last. */
  constructor(
    name: string,
    orders: Orders,
    on: { told(hand: Hand, told: Told): void; ended(hand: Hand, why: string): void },
  ) {
    this.name = name;
    this.orders = orders;
    const child = spawn(process.execPath, [MAIN, JSON.stringify(orders)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_CHARS_MAX);
    });
    child.on('message', (told: Told) => {
      if (told.kind === 'up') this.#key = told.key;
      on.told(this, told);
    });
    this.exited = new Promise((resolve) => {
      child.once('error', () => resolve());
      child.once('close', () => {
        if (!this.#child.killed) on.ended(this, this.#stderr.trim());
        this.#hasExited = true;
        resolve();
      });
    });
  }

  /** Hex; empty until it is up. */
  get key(): string {
    return this.#key;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return !this.#hasExited && !this.#child.killed;
  }

  /** kill -9 */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}
