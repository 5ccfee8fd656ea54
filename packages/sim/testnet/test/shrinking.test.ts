// Tests of shrinking.
import { expect, test } from 'vitest';
import { type Counterexample, type Net, netByName, runNet } from '../src/index.ts';

/** A net with a checker that no world pleases. */
const BROKEN: Net = (() => {
  const orswot = netByName('orswot');
  return {
    ...orswot,
    act: () => ({
      ...plain(orswot),
      finish: ({ world }) => [
        { rule: 'never', expected: '', actual: '', atMs: world.nowMs, replica: 0 },
      ],
    }),
  };
})();

function plain(net: Net): ReturnType<Net['act']> {
  const act = net.act();
  return {
    prepare: (scene) => act.prepare(scene),
    perform: (scene, op) => act.perform(scene, op),
    lie: (scene) => act.lie(scene),
  };
}

function broken(shrinkEventsMax: number): { told: Counterexample[]; size: number } {
  const told: Counterexample[] = [];
  const onFailure = (failure: Counterexample): void => void told.push(failure);
  const { failure } = runNet(BROKEN, { seed: 1, runs: 3, onFailure, shrinkEventsMax });
  return { told, size: failure?.plan.ops.length ?? -1 };
}

test('a failure is told once, as it was drawn, and shrunk no further than the bound', () => {
  const none = broken(0);
  expect(none.told.map(({ violations }) => violations[0]?.rule)).toEqual(['never']);
  const drawn = none.told[0]?.plan.ops.length;
  expect(none.size).toBe(drawn);
  const some = broken(20_000);
  expect(some.told).toEqual(none.told);
  expect(some.size).toBeLessThan(none.size);
});
