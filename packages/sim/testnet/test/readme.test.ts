// Tests of what the README says of an algorithm of one's own.
import { readFileSync } from 'node:fs';
import type { Source } from '@fatty/interface';
import { missed, type Net, runNet, staged } from '@fatty/testnet';
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
});
