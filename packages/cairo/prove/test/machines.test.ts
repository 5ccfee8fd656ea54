// The machines that are shipped: what each computes, and what it refuses.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { P } from '../../air/src/felt/felt.ts';
import { readLease, readStatement } from '../../verify/src/statement/statement.ts';
import { type Assembled, assemble, type Run, runProgram } from '../src/index.ts';

const machine = (name: string): Assembled => {
  const text = readFileSync(new URL(`../machines/${name}.casm`, import.meta.url), 'utf8');
  const made = assemble(text);
  if (!made.ok) throw new Error(JSON.stringify(made.failure));
  return made.value;
};

const inputs = (values: Readonly<Record<string, bigint>>) => new Map(Object.entries(values));

const run = (program: Assembled, values: Readonly<Record<string, bigint>>): Run => {
  const outcome = runProgram(program, { inputs: inputs(values), provable: true });
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.value;
};

/** The lease statement as a replica reads it from the public input. */
const lease = (made: Run, extra: number) => readLease(readStatement(made.publicInput), extra);

describe('the worked machines state their transitions as a replica reads them', () => {
  it('tick: n transitions of (t + 1, s² + t)', () => {
    const made = run(machine('tick'), { binding: 77n, tFrom: 10n, sFrom: 3n, n: 10n });
    let s = 3n;
    for (let t = 10n; t < 20n; t++) s = (s * s + t) % P;
    const expected = { binding: 77n, tFrom: 10n, sFrom: 3n, n: 10n, tTo: 20n, sTo: s, extra: [] };
    expect(lease(made, 0)).toEqual(expected);
    expect(made.publicInput.nSteps).toBe(64);
  });

  it('counter: adds, up to its limit', () => {
    const values = { binding: 1n, tFrom: 5n, sFrom: 11n, n: 9n, by: 1n };
    expect(lease(run(machine('counter'), values), 1)).toMatchObject({
      tTo: 14n,
      sTo: 20n,
      extra: [1n],
    });
    const idle = run(machine('counter'), { ...values, by: 0n });
    expect(lease(idle, 1)).toMatchObject({ tTo: 14n, sTo: 11n });
  });

  it.each([
    ['over the limit', { sFrom: 12n, by: 1n }, 'step_limit'],
    ['below zero', { sFrom: P - 1n, by: 1n }, 'step_limit'],
    ['in twos', { sFrom: 0n, by: 2n }, 'assert_failed'],
  ])('counter: no run %s', (_, change, code) => {
    const values = { binding: 1n, tFrom: 5n, n: 9n, ...change };
    const outcome = runProgram(machine('counter'), { inputs: inputs(values), stepsMax: 4096 });
    expect(outcome.ok ? outcome.value : outcome.failure.code).toBe(code);
  });

  it('store: one write changes the hash as its definition says', () => {
    const [sFrom, key, value] = [5n, 7n, 9n];
    const made = run(machine('store'), { binding: 1n, tFrom: 0n, sFrom, n: 1n, key, value });
    const digits = 'PI = (?<pi>[0-9]+)[^]*STEP = (?<step>[0-9]+)';
    const text = readFileSync(new URL('../machines/store.casm', import.meta.url), 'utf8');
    const { pi = '', step = '' } = new RegExp(digits).exec(text)?.groups ?? {};
    let c = key + BigInt(pi);
    let x = value;
    for (let i = 0; i < 160; i++, c = (c * BigInt(step)) % P) x = (x + sFrom + c) ** 3n % P;
    expect(lease(made, 2)).toMatchObject({
      tTo: 1n,
      sTo: (x + value + sFrom) % P,
      extra: [key, value],
    });
    expect(made.publicInput.nSteps).toBe(2048);
  });

  it.each([
    [1n, [5n, 6n, 0n, 0n], 2n],
    [12n, [5n, 5n, P - 5n, 1n], 4n],
    [3n, [0n, 0n, 0n, 0n], 0n],
  ])('till: %i ticks take what was posted into s, and say how much it was', (n, entries, count) => {
    const [e1 = 0n, e2 = 0n, e3 = 0n, e4 = 0n] = entries;
    const values = { binding: 1n, tFrom: 10n, sFrom: 100n, n, in: 77n, e1, e2, e3, e4 };
    const made = run(machine('till'), values);
    const paid = entries.reduce((a, b) => a + b) % P;
    expect(lease(made, 7)).toMatchObject({
      tTo: 10n + n,
      sTo: (100n + paid) % P,
      extra: [77n, ...entries, paid, count],
    });
    expect([made.stepsUsed, made.publicInput.nSteps]).toEqual([34 + 2 * Number(n), 64]);
  });

  it.each(['tick', 'counter', 'store', 'till'])('%s: results are asserted, not claimed', (name) => {
    const values = { binding: 1n, tFrom: 5n, sFrom: 3n, n: 1n, by: 1n, key: 1n, value: 2n };
    const posted = { in: 1n, e1: 2n, e2: 0n, e3: 0n, e4: 0n };
    const program = machine(name);
    const inputs = Object.entries({ ...values, ...posted });
    const given = inputs.filter(([key]) => program.cells.includes(key));
    const results = ['tTo', 'sTo', 'paid', 'count'];
    for (const cell of results.filter((one) => program.cells.includes(one))) {
      const claimed = new Map([...given, [cell, 99n] as const]);
      const outcome = runProgram(program, { inputs: claimed });
      expect(outcome.ok ? outcome.value : outcome.failure.code).toBe('assert_failed');
    }
  });

  it('take the steps that the guide says', () => {
    const one = { binding: 0n, tFrom: 0n, sFrom: 0n };
    const steps = [10n, 100n].map((n) => run(machine('tick'), { ...one, n }).stepsUsed);
    expect(steps).toEqual([60, 510]);
    const counted = run(machine('counter'), { ...one, n: 9n, by: 1n });
    expect(counted.stepsUsed).toBeLessThan(128);
  });
});
