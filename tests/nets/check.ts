// Test helper: runs a net, and files a world that fails.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nodeScheme } from '@fatty/codec/node';
import { chart } from '@fatty/msc';
import {
  type Counterexample,
  missed,
  type NetReport,
  recordPlan,
  runNet,
  useRealScheme,
} from '@fatty/testnet';
import { expect } from 'vitest';
import { netNamed } from './nets.ts';

useRealScheme(nodeScheme());

const regressions = fileURLToPath(new URL('../regressions/', import.meta.url));

/** Writes a failing world as a file that the regression test runs from now on, and its chart. */
export function file(failure: Counterexample): string {
  const text = `${JSON.stringify(failure, null, 2)}\n`;
  const name = `${failure.net}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
  mkdirSync(regressions, { recursive: true });
  writeFileSync(`${regressions}${name}.json`, text);
  const { windows } = chart(recordPlan(netNamed(failure.net), failure.plan));
  const told = windows.find(({ broken }) => broken) ?? windows[0];
  writeFileSync(`${regressions}${name}.mmd`, told?.mermaid ?? '');
  return `${regressions}${name}.json`;
}

/** `FATTY_SWEEP=small` quarters every sweep: for a second run of the same tests on another Node. */
const isSmall = process.env.FATTY_SWEEP === 'small';

/** How often to do what is to be done `times` times. */
export function sweep(times: number): number {
  return isSmall ? Math.ceil(times / 4) : times;
}

/** A seed that proves too little goes on until it has, but not for ever. */
const PATIENCE = 5;

/** A failing world in one sentence. */
export function inWords(seed: number, { net, violations }: Counterexample): string {
  const [first] = violations;
  const where = `${net}, seed ${seed}: ${first?.rule} at r${first?.replica}`;
  return `${where}: expected ${first?.expected}, got ${first?.actual}`;
}

/** Before shrinking: whoever stops the run by then knows what broke. */
function tell(seed: number, failure: Counterexample): void {
  process.stderr.write(`${inWords(seed, failure)}; shrinking\n`);
}

/** Runs a net and fails with everything needed to run the same world again. */
export function checkNet(name: string, seed: number, runs: number): NetReport {
  const net = netNamed(name);
  const atLeast = sweep(runs);
  const runsMax = isSmall ? atLeast : PATIENCE * runs;
  const report = runNet(net, { seed, runs: atLeast, runsMax, onFailure: (one) => tell(seed, one) });
  expect(report.runs).toBeGreaterThanOrEqual(report.failure === undefined ? atLeast : 0);
  if (report.failure !== undefined) {
    const path = file(report.failure);
    expect.fail(`${inWords(seed, report.failure)}; filed as ${path}`);
  }
  if (!isSmall) expect(missed(net, report), JSON.stringify(report.reached)).toEqual([]);
  return report;
}

/** Every world that once broke something. */
export function filed(): readonly { readonly name: string; readonly world: Counterexample }[] {
  if (!existsSync(regressions)) return [];
  return readdirSync(regressions)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({ name, world: JSON.parse(readFileSync(`${regressions}${name}`, 'utf8')) }));
}
