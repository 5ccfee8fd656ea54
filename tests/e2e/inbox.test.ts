// Real processes: a machine with an inbox.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Assembled, assemble, idOfProgram } from '@fatty/cairo';
import type { RunningCell } from '@fatty/cli';
import type { Client } from '@fatty/client/node';
import { runMachine, type WorkerClient, type WorkerEvent } from '@fatty/client/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, endEverything, newCell, newClient, tidyUp, until } from './cell.ts';

/** Far longer than a proof takes: a busy machine must not cost the lease. */
const PERIOD_MS = 30_000;
/** Short enough to watch it pass. */
const SHORT_MS = 6_000;

const BIN = fileURLToPath(new URL('../../packages/apps/cli/bin/fatty.js', import.meta.url));

let cell: RunningCell;
let worker: Client;
let poster: Client;
let till: Assembled;

beforeAll(async () => {
  const url = new URL('../../packages/cairo/prove/machines/till.casm', import.meta.url);
  const program = assemble(await readFile(url, 'utf8'));
  if (!program.ok) throw new Error(program.failure.code);
  till = program.value;
  cell = await newCell();
  [worker, poster] = await Promise.all([newClient(cell), newClient(cell)]);
});
afterAll(endEverything);

const declare = (path: string, periodMs: number) =>
  worker.machine(path).declare({
    programId: idOfProgram(till, 'plain'),
    t: 0n,
    s: 100n,
    inbox: { window: 4 },
    outputs: 2,
    periodMs,
  });

/** A worker on the embedded prover; answers how to stop it. */
function work(path: string, onProgress: (event: WorkerEvent) => void): () => Promise<unknown> {
  const stop = new AbortController();
  const end = worker.machine(path).run({ program: till, signal: stop.signal, onProgress });
  const ended = async (): Promise<unknown> => {
    stop.abort();
    return end;
  };
  tidyUp(ended);
  return ended;
}

/** The exit code of `fatty`, and the JSON that it printed. */
function fatty(...args: string[]): Promise<{ readonly code: number; readonly row: unknown }> {
  const line = [BIN, ...args, '-o', 'json', '--cell', cell.cellPath];
  return new Promise((resolve) => {
    execFile(process.execPath, line, (error, out) => {
      const row: unknown = out === '' ? undefined : JSON.parse(out);
      resolve({ code: Number(error?.code ?? 0), row });
    });
  });
}

/** A worker's client that never sees an entry. */
function deaf(client: Client): WorkerClient {
  const machine: WorkerClient['machine'] = (path) => {
    const heard = client.machine(path);
    return {
      take: (proofs, options) => heard.take(proofs, options),
      resume: (proofs, options) => heard.resume(proofs, options),
      async stat(options) {
        const { inbox, ...state } = await heard.stat(options);
        return { ...state, inbox: inbox && { ...inbox, pending: [] } };
      },
    };
  };
  return { key: client.key, cell: client.cell, machine };
}

describe('a machine with an inbox', () => {
  const PATH = '/till';

  it('consumes what was posted with its next proofs, in order, and shows its outputs', async () => {
    await declare(PATH, PERIOD_MS);
    const held: WorkerEvent[] = [];
    const stop = work(PATH, (event) => {
      if (event.kind === 'held') held.push(event);
    });
    await until(async () => held.length > 0);
    const numbers = [];
    for (const amount of [5n, 6n, 7n]) {
      numbers.push((await poster.machine(PATH).post(amount)).number);
    }
    expect(numbers).toEqual([1, 2, 3]);
    const state = await until(async () => {
      const now = await poster.machine(PATH).stat();
      return now.inbox?.consumed === 3 ? now : undefined;
    });
    expect(state.s).toBe(118n);
    expect(state.inbox).toMatchObject({ pending: [], neglectedSince: undefined });
    const taken = held.map((event) => (event.kind === 'held' ? event.entries : 0));
    expect(taken.reduce((a, b) => a + b, 0)).toBe(3);
    // The last statement says what came in with it.
    const [paid = 0n, count = 0n] = state.outputs;
    expect([5n, 6n, 7n].slice(-Number(count)).reduce((a, b) => a + b, 0n)).toBe(paid);
    await stop();
  });

  it('goes on from where another worker stopped', async () => {
    await poster.machine(PATH).post(10n);
    const before = await poster.machine(PATH).stat();
    const stop = work(PATH, () => undefined);
    const state = await until(async () => {
      const now = await poster.machine(PATH).stat();
      return now.inbox?.consumed === 4 ? now : undefined;
    });
    expect(state.s).toBe(128n);
    expect(state.t).toBeGreaterThan(before.t);
    await stop();
  });

  it('can be asked and posted to from the command line', async () => {
    const [shown, posted] = await Promise.all([
      fatty('machine', 'stat', PATH),
      fatty('machine', 'post', PATH, '0x10', '11'),
    ]);
    expect(shown).toMatchObject({ code: 0, row: { s: '128', outputCount: 2, window: 4 } });
    expect(posted).toMatchObject({ code: 0, row: { entries: ['16', '11'], isConsumed: false } });
    expect(await fatty('machine', 'post', PATH, '1', '--await', '0')).toMatchObject({ code: 1 });
    expect(await fatty('machine', 'stat', '/none')).toEqual({ code: 1, row: undefined });
  });

  it('that ignores its inbox past its period is seen to, however well it renews', async () => {
    await declare('/deaf', SHORT_MS);
    const renewed: bigint[] = [];
    const stop = new AbortController();
    const end = runMachine(deaf(worker), {
      path: '/deaf',
      program: till,
      transitions: { everyMs: SHORT_MS / 4 },
      signal: stop.signal,
      onProgress: (event) => {
        if (event.kind === 'held') renewed.push(event.t);
      },
    });
    tidyUp(() => end);
    await until(async () => renewed.length > 0);
    await poster.machine('/deaf').post(1n);
    const fresh = await poster.machine('/deaf').stat();
    expect(fresh.inbox).toMatchObject({ consumed: 0, pending: [{ value: 1n }] });
    expect(fresh.inbox?.neglectedSince).toBeUndefined();
    const state = await until(async () => {
      const now = await poster.machine('/deaf').stat();
      return now.inbox?.neglectedSince === undefined ? undefined : now;
    });
    const postedAt = fresh.inbox?.pending[0]?.postedAt ?? 0;
    expect(state.inbox).toMatchObject({ consumed: 0, neglectedSince: postedAt + SHORT_MS });
    expect(state.t).toBeGreaterThan(fresh.t);
    expect(await codeOf(poster.machine('/deaf').post(0n))).toBe('bad_entry');
    stop.abort();
  });
});
