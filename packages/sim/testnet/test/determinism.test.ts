// Tests that one seed gives one run, byte by byte.
import { expect, test } from 'vitest';
import { type Plan, recordPlan } from '../src/index.ts';

/** A little of everything, and short: its trace is compared byte by byte. */
const WORLD: Omit<Plan, 'seed'> = {
  replicas: 4,
  signatures: false,
  rough: true,
  slowDisk: true,
  liars: [{ replica: 1, lie: 'equivocate' }],
  faults: [{ kind: 'lossy', atMs: 50, forMs: 200, lossPerMille: 200, duplicatePerMille: 100 }],
  clients: 2,
  clientLies: [{ atMs: 10, lie: 'twoFaces' }],
  ops: [0, 1, 2].map((i) => ({ atMs: 40 * i, client: i % 2, what: i, arg: i })),
};

const trace = (seed: number): string => JSON.stringify(recordPlan('orswot', { ...WORLD, seed }));

// The charts of tests/nets are played again as well, and compared to the byte.
test('the same seed gives the same trace bytes, another seed another trace', () => {
  const first = trace(3);
  expect(first.length).toBeGreaterThan(10_000);
  expect(trace(3)).toBe(first);
  expect(trace(4)).not.toBe(first);
});
