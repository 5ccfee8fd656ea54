// Tests of `fatty bench`: its figures and verdicts, and its loads on a cell.
import { startTestCell } from '@fatty/client/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  figuresOf,
  LOADS,
  type Measured,
  measure,
  verdictsOf,
} from '../src/commands/bench-loads.ts';
import { EXIT } from '../src/terminal/io.ts';
import { fatty } from './fatty.ts';

const GOOD: Measured = {
  load: 'put',
  clients: 16,
  answered: 900,
  failed: 0,
  perSec: 300,
  p50Ms: 10,
  p90Ms: 20,
  p99Ms: 40,
  maxMs: 90,
  stddevMs: 9,
};
const failed = (...all: Measured[]): readonly string[] =>
  verdictsOf(all).flatMap(({ passed, text }) => (passed ? [] : [text]));

describe('the figures of a load', () => {
  it('are quantiles of what was measured', () => {
    const times = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(figuresOf(times, 2)).toEqual({
      answered: 100,
      perSec: 50,
      p50Ms: 50,
      p90Ms: 90,
      p99Ms: 99,
      maxMs: 100,
      stddevMs: 28.9,
    });
    expect(figuresOf([], 0)).toMatchObject({ answered: 0, perSec: 0, maxMs: 0, stddevMs: 0 });
  });

  it('are in order, and none is outside of what was measured', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5_000), { minLength: 1 }), (times) => {
        const { p50Ms, p90Ms, p99Ms, maxMs } = figuresOf(times, 1);
        expect([p50Ms, p90Ms, p99Ms]).toEqual([p50Ms, p90Ms, p99Ms].sort((a, b) => a - b));
        expect(maxMs).toBe(Math.max(...times));
        expect(times).toContain(p50Ms);
      }),
    );
  });
});

describe('the verdicts', () => {
  it('pass what is well, and name each bound that is broken', () => {
    expect(failed(GOOD)).toEqual([]);
    expect(failed({ ...GOOD, failed: 2 })).toEqual(['put, 16 clients: 900 answered, 2 failed']);
    expect(failed({ ...GOOD, answered: 0 })).toHaveLength(1);
    expect(failed({ ...GOOD, maxMs: 501 })).toEqual([
      'put, 16 clients: slowest request took 501 ms',
    ]);
    expect(failed({ ...GOOD, stddevMs: 101 })).toHaveLength(1);
    expect(failed({ ...GOOD, perSec: 134 })).toEqual([
      'put, 16 clients: throughput is 134 writes a second',
    ]);
  });

  it('ask for a rate of writes where most clients write, and of nothing else', () => {
    const one = { ...GOOD, clients: 1, perSec: 20 };
    expect(failed(one, GOOD)).toEqual([]);
    expect(failed({ ...GOOD, load: 'get', perSec: 3 })).toEqual([]);
  });
});

describe('a load', () => {
  it.each(Object.keys(LOADS))('%s asks a cell again and again, and nothing fails', async (load) => {
    await using cell = await startTestCell();
    const [one, two] = [await cell.connect(), await cell.connect()];
    for (const [i, client] of [one, two].entries())
      await client.put(`/b/${i}`, 'x', { parents: true });
    const clients = [[one, '/b/0'] as const, [two, '/b/1'] as const];
    const measured = await measure(load, clients, 100);
    expect(measured).toMatchObject({ load, clients: 2, failed: 0 });
    expect(measured.answered).toBeGreaterThanOrEqual(2);
  });

  it('that only fails is given up', async () => {
    await using cell = await startTestCell();
    const client = await cell.connect();
    const measured = await measure('get', [[client, '/nothing']], 600_000);
    expect([measured.answered, measured.failed]).toEqual([0, 5]);
  });
});

describe('fatty bench', () => {
  it.each([
    [['--clients', '0'], '--clients: expected a whole number 1 to 256'],
    [['--clients', '1,x'], '--clients'],
    [['--loads', 'put,fly'], '--loads: expected put, lock, get, got fly'],
    [['--for', '1e9'], '--for: expected a whole number 1 to 60000'],
  ])('refuses %j', async (words, said) => {
    const { code, err } = await fatty('bench', ...words);
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(said)]);
  });
});
