// A cell whose clock goes only while something is awaited: as fast as this machine can, and the same each time.
import { afterEach } from 'vitest';
import type { Client } from '../src/index.ts';
import { startTestCell, type TestCell, type TestCellOptions } from '../src/testing/index.ts';

const STEP_MS = 20;
/** Nothing that is awaited here takes so long, ms of the cell. */
const WAIT_MS_MAX = 300_000;

const worlds: RecipeWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.end();
});

/** A cell, its clients, and what is true at every moment. */
export class RecipeWorld {
  readonly cell: TestCell;
  /** Looked at after every step of the clock. */
  always: () => void = () => undefined;

  #sleepers: { readonly untilMs: number; readonly resolve: () => void }[] = [];

  private constructor(cell: TestCell) {
    this.cell = cell;
  }

  static async start(options: TestCellOptions = {}): Promise<RecipeWorld> {
    const world = new RecipeWorld(await startTestCell({ ...options, clock: 'manual' }));
    worlds.push(world);
    return world;
  }

  client(): Promise<Client> {
    return this.run(this.cell.connect());
  }

  /** Lets the cell's time pass until this has settled. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    work.then(settle, settle);
    const untilMs = this.cell.nowMs + WAIT_MS_MAX;
    while (!isSettled) {
      if (this.cell.nowMs > untilMs) throw new Error('that takes too long');
      await this.#step();
    }
    return work;
  }

  /** So much of the cell's time. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await this.#step();
    }
  }

  /** Resolves when so much of the cell's time has passed; it has to be made to. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#sleepers.push({ untilMs: this.cell.nowMs + ms, resolve });
    });
  }

  async #step(): Promise<void> {
    await this.cell.advance(STEP_MS);
    const { nowMs } = this.cell;
    const due = this.#sleepers.filter(({ untilMs }) => untilMs <= nowMs);
    this.#sleepers = this.#sleepers.filter(({ untilMs }) => untilMs > nowMs);
    for (const { resolve } of due) resolve();
    this.always();
  }

  async end(): Promise<void> {
    this.cell.heal();
    await this.cell[Symbol.asyncDispose]();
  }
}
