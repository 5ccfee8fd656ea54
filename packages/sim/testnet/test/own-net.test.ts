// Tests of nets whose worlds are no cells: they are drawn, counted, shrunk and told like all others.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  Clockwork,
  COMMON_FAULTS,
  missed,
  type OwnNet,
  planArbitrary,
  planOf,
  recordPlan,
  runNet,
} from '../src/index.ts';

const SIZE = {
  replicas: [3],
  clients: 2,
  opsMin: 0,
  opsMax: 20,
  busyMs: 1_000,
  faultsMax: 6,
  realSignaturesOneIn: 1,
  kinds: 1,
  crashOnly: true,
};

/** Its worlds break when a client says a number of 1,000 or more. */
const small: OwnNet = {
  name: 'small',
  size: SIZE,
  wants: { said: 1 },
  play(plan, tracer) {
    const world = new Clockwork(0);
    for (const { atMs, client, arg } of plan.ops) {
      world.after(atMs, () => {
        world.count('said');
        tracer?.trace({ atMs: world.elapsedMs, who: `c${client}`, kind: 'note', label: `${arg}` });
        if (arg < 1_000) return;
        const broken = { rule: 'small', expected: 'less than 1000', actual: `${arg}` };
        world.violations.push({ ...broken, atMs: world.nowMs, replica: -1 });
      });
    }
    world.run(SIZE.busyMs);
    const { violations, reached, events, elapsedMs } = world;
    return { violations, reached, events, simulatedMs: elapsedMs };
  },
};

test('where nobody lies no plan has a liar, nor a fault that not every process may have', () => {
  const plans = fc.sample(planArbitrary(SIZE), { seed: 1, numRuns: 200 });
  const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
  expect(kinds).toEqual(new Set(COMMON_FAULTS));
  expect(plans.flatMap(({ liars, clientLies }) => [...liars, ...clientLies])).toEqual([]);
});

test('a net with worlds of its own is shrunk to what breaks it', () => {
  const { failure } = runNet(small, { seed: 1, runs: 20 });
  expect(failure?.plan.ops.map(({ arg }) => arg)).toEqual([1_000]);
  expect(failure?.plan.faults).toEqual([]);
  expect(recordPlan(small, failure?.plan ?? planOf(small, 1))).toMatchObject([{ label: '1000' }]);
});

test('a net with worlds of its own proves nothing when it reaches nothing', () => {
  const idle = { ...small, size: { ...SIZE, opsMax: 0 } };
  const report = runNet(idle, { seed: 1, runs: 3 });
  expect([report.failure, missed(idle, report)]).toEqual([undefined, ['said: 0 of at least 1']]);
});
