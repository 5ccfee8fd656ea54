// Tests of the metrics of a process.
import { collectDefaultMetrics, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { collectProcessMetrics, parts } from '../src/process-metrics.ts';

/** Samples that come with what a process happens to hold: their names alone count. */
async function kindsOf(registry: Registry): Promise<readonly string[]> {
  const all = await registry.getMetricsAsJSON();
  return all.map(({ name, type }) => `${name} ${type}`).sort();
}

test('every default metric of prom-client is there, under its name', async () => {
  const theirs = new Registry();
  collectDefaultMetrics({ register: theirs });
  const ours = new parts.Registry();
  collectProcessMetrics(ours);
  expect(await kindsOf(ours)).toEqual(await kindsOf(theirs));
});

test('the CPU of the process is all it has used, and the three counters agree', async () => {
  const registry = new parts.Registry();
  collectProcessMetrics(registry);
  const read = async (): Promise<Record<string, number>> => {
    const all = await registry.getMetricsAsJSON();
    const cpu = all.filter(({ name }) => name.startsWith('process_cpu'));
    return Object.fromEntries(cpu.map(({ name, values }) => [name, values[0]?.value ?? -1]));
  };
  for (let i = 0; i < 2; i++) {
    const { user, system } = process.cpuUsage();
    const found = await read();
    const both = found.process_cpu_seconds_total ?? -1;
    expect(both).toBeGreaterThanOrEqual((user + system) / 1e6);
    const { process_cpu_user_seconds_total: u, process_cpu_system_seconds_total: s } = found;
    expect((u ?? -1) + (s ?? -1)).toBeCloseTo(both, 6);
  }
});
