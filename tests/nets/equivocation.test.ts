// Worlds with f replicas that contradict themselves all the time.
import { type Lie, netByName, type Plan, runPlan } from '@fatty/testnet';
import { expect, test } from 'vitest';

interface Case {
  readonly lie: Lie;
  readonly replicas: number;
  readonly liars: readonly number[];
  readonly rough: boolean;
}

/** f replicas of a cell contradict themselves all the time, within a slot or beside their chain. */
function planOf({ lie, replicas, liars, rough }: Case, seed: number): Plan {
  return {
    seed,
    replicas,
    rough,
    signatures: false,
    slowDisk: false,
    liars: liars.map((replica) => ({ replica, lie })),
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

const cases = (['equivocate', 'fork'] as const).flatMap((lie) =>
  [[0], [2], [0, 3]].flatMap((liars) =>
    [false, true].map((rough) => ({ lie, replicas: 3 * liars.length + 1, liars, rough })),
  ),
);

test.each(cases)('$lie: n = $replicas, liars $liars, rough: $rough', (one) => {
  let lies = 0;
  let caught = 0;
  for (let seed = 0; seed < (one.replicas === 4 ? 4 : 1); seed++) {
    const { violations, reached } = runPlan(netByName('orswot'), planOf(one, seed));
    expect(violations).toEqual([]);
    lies += reached[`lie.${one.lie}`] ?? 0;
    caught += reached.convicted ?? 0;
  }
  expect(lies).toBeGreaterThan(3);
  expect(caught).toBeGreaterThan(3);
});
