import { netByName, type Plan, runPlan } from '@fatty/testnet';
import { expect, test } from 'vitest';

/** f replicas of a cell say one thing to one half and another to the other, all the time. */
function planOf(replicas: number, liars: readonly number[], rough: boolean, seed: number): Plan {
  return {
    seed,
    replicas,
    rough,
    signatures: false,
    slowDisk: false,
    liars: liars.map((replica) => ({ replica, lie: 'equivocate' })),
    faults: [],
    clients: 3,
    clientLies: [],
    ops: Array.from({ length: 20 }, (_, i) => ({
      atMs: i * 100,
      client: i % 3,
      what: i % 7,
      arg: i,
    })),
  };
}

for (const [replicas, liars] of [
  [4, [0]],
  [4, [2]],
  [7, [0, 3]],
] as const) {
  for (const rough of [false, true]) {
    test(`n = ${replicas}, liars ${liars.join(' ')}, ${rough ? 'rough' : 'calm'} network`, () => {
      let lies = 0;
      let caught = 0;
      for (let seed = 0; seed < (replicas === 4 ? 4 : 1); seed++) {
        const plan = planOf(replicas, liars, rough, seed);
        const { violations, reached } = runPlan(netByName('orswot'), plan);
        expect(violations).toEqual([]);
        lies += reached['lie.equivocate'] ?? 0;
        caught += reached['note.equivocation'] ?? 0;
      }
      expect(lies).toBeGreaterThan(3);
      expect(caught).toBeGreaterThan(3);
    });
  }
}
