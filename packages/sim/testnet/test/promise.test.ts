// Tests that a net goes on with the worlds that have what it has not met yet.
import { expect, test } from 'vitest';
import { missed, netByName, planOf, runNet } from '../src/index.ts';
import { mayReach } from '../src/nets/promise.ts';

const ORSWOT = netByName('orswot');

test('a plan may reach what is planned only if it says so', () => {
  const plan = { ...planOf(ORSWOT, 1), liars: [], faults: [], clientLies: [] };
  const aimed = { kind: 'aimed', aim: 'leaders', replica: 0, atMs: 1, forMs: 50 } as const;
  const twins = { replica: 3, lie: 'twins' } as const;
  expect(mayReach(plan, ['aim.leaders'])).toBe(false);
  expect(mayReach({ ...plan, faults: [aimed] }, ['aim.leaders'])).toBe(true);
  expect(mayReach({ ...plan, faults: [aimed] }, ['aim.one', 'fault.crash'])).toBe(false);
  expect(mayReach({ ...plan, faults: [aimed] }, ['aim.one', 'fault.aimed'])).toBe(true);
  expect(mayReach({ ...plan, liars: [twins] }, ['lie.twins', 'aim.leaders'])).toBe(true);
  expect(mayReach({ ...plan, clientLies: [{ atMs: 1, lie: 'gap' }] }, ['clientLie.gap'])).toBe(
    true,
  );
  expect(mayReach({ ...plan, liars: [twins] }, ['twinsBoth'])).toBe(true);
  expect(mayReach({ ...plan, liars: [{ ...twins, lie: 'fork' }] }, ['twinsBoth'])).toBe(false);
  expect(mayReach({ ...plan, liars: [{ ...twins, lie: 'fork' }] }, ['lies'])).toBe(true);
  expect(mayReach(plan, ['note.convicted', 'lies'])).toBe(false);
  // What is left to chance, any world may reach; next to what is planned it waits for its turn.
  expect(mayReach(plan, ['commits'])).toBe(true);
  expect(mayReach(plan, ['commits', 'lie.twins'])).toBe(false);
});

test('behind the first worlds, none is run that has nothing of what is missing', () => {
  const size = { ...ORSWOT.size, opsMin: 1, opsMax: 3, busyMs: 500 };
  const net = { ...ORSWOT, size, wants: { 'aim.leaders': 1, 'clientLie.forged': 1 } };
  const report = runNet(net, { seed: 5, runs: 2, runsMax: 40 });
  expect(report.failure).toBeUndefined();
  expect(missed(net, report)).toEqual([]);
  // Two as they come, and one for each of the two that they did not have.
  expect(report.runs).toBeLessThanOrEqual(4);
  // As many as were asked for, when nothing is missing.
  expect(runNet({ ...net, wants: {} }, { seed: 5, runs: 1, runsMax: 40 }).runs).toBe(1);
  // No more than were asked for, however much is missing.
  const vain = { ...net, wants: { never: 1 } };
  expect(runNet(vain, { seed: 5, runs: 1, runsMax: 2 }).runs).toBe(2);
});
