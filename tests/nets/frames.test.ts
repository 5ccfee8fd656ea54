// Worlds in which a member sleeps until the blocks that it needs are gone everywhere (R29).
import { netByName, type Plan, runPlan } from '@fatty/testnet';
import { expect, test } from 'vitest';

const AWAY = 3;
const OPS = 60;

/** Replica 3 is down for most of the world; the others keep no more log than they need themselves. */
function sleepy(seed: number, power: boolean): Plan {
  return {
    // Narrow windows: the horizon is never far.
    seed: seed * 8,
    replicas: 4,
    signatures: false,
    rough: seed === 3,
    slowDisk: seed % 3 === 0,
    liars: [],
    faults: [
      { kind: 'crash', atMs: 600, forMs: 9_000, replica: AWAY, power },
      // Somebody else goes in the middle of the transfer.
      { kind: 'crash', atMs: 9_700 + 20 * seed, forMs: 500, replica: seed % 3, power: false },
      { kind: 'crash', atMs: 10_500 + 40 * seed, forMs: 300, replica: AWAY, power },
    ],
    clients: 2,
    clientLies: [],
    ops: Array.from({ length: OPS }, (_, i) => ({
      atMs: 150 * i,
      client: i % 2,
      what: i % 2,
      arg: i % 5,
    })),
  };
}

test('who has slept past what the others keep comes back by a frame, to the tip', () => {
  const net = { ...netByName('orswot'), tuning: { logKeptBytesMax: 0, syncLagRounds: 2 } };
  let synced = 0;
  for (const seed of [3, 5]) {
    const outcome = runPlan(net, sleepy(seed, seed > 1));
    expect(outcome.violations).toEqual([]);
    synced += outcome.reached['note.frameSynced'] ?? 0;
  }
  expect(synced).toBeGreaterThan(0);
});
