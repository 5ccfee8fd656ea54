// Tests of what the README says of an algorithm of one's own.
import { readFileSync } from 'node:fs';
import { decode, u53 } from '@fatty/codec';
import type { Source } from '@fatty/interface';
import { type Act, type Checker, effects, missed, type Net, runNet, staged } from '@fatty/testnet';
import { describe, expect, test } from 'vitest';
import { Highest } from './highest.ts';
import { highestNet } from './highest-net.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** Looks right, and is not: two concurrent ops do not commute. */
class Last extends Highest {
  override deliver(_source: Source, said: number): void {
    this.value = said;
  }
}

/** The host answers its clients, the same everywhere; its author has to hear of it all the same. */
class Throwing extends Highest {
  readonly #method: 'apply' | 'deliver';

  constructor(method: 'apply' | 'deliver') {
    super();
    this.#method = method;
  }

  override deliver(source: Source, said: number): void {
    if (this.#method === 'deliver' && said > 0) throw new RangeError(`${said} is too much`);
    super.deliver(source, said);
  }

  override apply(_source: Source, said: number): Uint8Array {
    if (this.#method === 'apply' && said > 0) throw new RangeError(`${said} is too much`);
    this.value = Math.max(this.value, said);
    return this.snapshot();
  }
}

describe('bring your own algorithm', () => {
  test('what the READMEs show is what runs here', () => {
    expect(read('../../../../README.md')).toContain(read('./highest.ts'));
    expect(read('../README.md')).toContain(read('./highest-net.ts'));
  });

  test('it holds, under liars and faults', () => {
    const report = runNet(highestNet, { seed: 1, runs: 6, runsMax: 30 });
    expect(report.failure).toBeUndefined();
    expect(missed(highestNet, report)).toEqual([]);
  });

  test('an algorithm whose ops do not commute is found out', () => {
    const net: Net = { ...highestNet, machine: (context) => staged(() => new Last(), context) };
    const { failure, runs } = runNet(net, { seed: 1, runs: 30, shrinkEventsMax: 1 });
    expect(failure?.violations.map(({ rule }) => rule)).toContain('S15');
    expect(runs).toBeLessThan(30);
  });

  test('its checkers see ops, what it read in them, and answers in its own words', () => {
    const seen = { ops: 0, wrong: 0 };
    const see: Checker['see'] = (observation) => {
      if (observation.kind !== 'committed') return [];
      for (const { batch, receipt } of effects(observation)) {
        for (const [i, bytes] of batch.ops.entries()) {
          const answer = decode(u53, receipt.results[i] ?? new Uint8Array(), 9);
          const [op, said] = [decode(u53, bytes, 9), batch.opened[i]];
          const isRight = op.ok && op.value === said && answer.ok && answer.value >= op.value;
          seen.ops += 1;
          seen.wrong += isRight ? 0 : 1;
        }
      }
      return [];
    };
    const checkers: Act['checkers'] = () => [{ rules: [], see, finish: () => [] }];
    const net: Net = { ...highestNet, act: () => ({ ...highestNet.act(), checkers }) };
    expect(runNet(net, { seed: 1, runs: 1 }).failure).toBeUndefined();
    expect(seen.ops).toBeGreaterThan(10);
    expect(seen.wrong).toBe(0);
  });

  test('one whose apply answers no bytes does not hold', () => {
    const mute = (): Highest => Object.assign(new Highest(), { apply: () => undefined });
    const net: Net = { ...highestNet, machine: (context) => staged(mute, context) };
    const { failure } = runNet(net, { seed: 1, runs: 3, shrinkEventsMax: 1 });
    const [first] = failure?.violations ?? [];
    expect(first).toMatchObject({ rule: 'no throw', expected: "the algorithm's apply answers" });
    expect(first?.actual).toContain('expected a Uint8Array as its answer, got undefined');
  });

  test.each(['apply', 'deliver'] as const)('one whose %s throws does not hold', (method) => {
    const machine: Net['machine'] = (context) => staged(() => new Throwing(method), context);
    const net: Net = { ...highestNet, machine };
    const { failure } = runNet(net, { seed: 1, runs: 3, shrinkEventsMax: 1 });
    const [first] = failure?.violations ?? [];
    expect(first).toMatchObject({
      rule: 'no throw',
      expected: `the algorithm's ${method} answers`,
    });
    expect(first?.actual).toMatch(
      /^RangeError: \d+ is too much at [^\n]*readme\.test\.ts:\d+[^\n]*$/,
    );
  });
});
