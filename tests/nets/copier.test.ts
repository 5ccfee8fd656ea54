// Worlds with a copier in each: it costs clients nothing.
import { planOf, runPlan } from '@fatty/testnet';
import { expect, test } from 'vitest';
import { sweep } from './check.ts';
import { netNamed } from './nets.ts';

/** Faults that leave every gateway up, so that a pipelining client never sends anything again. */
const CALM: ReadonlySet<string> = new Set(['partition', 'lossy', 'skew']);

test.each([
  ['orswot', 1, 8],
  ['namespace', 1, 5],
] as const)(
  '%s: a copier in every world costs pipelining clients nothing (R19)',
  (name, firstSeed, worlds) => {
    const net = netNamed(name);
    const sum: Record<string, number> = {};
    for (let seed = firstSeed; seed < firstSeed + sweep(worlds); seed++) {
      const plan = planOf(net, seed);
      const replica = seed % plan.replicas;
      const faults = plan.faults.filter(({ kind }) => CALM.has(kind)).slice(0, 1);
      const { violations, reached } = runPlan(net, {
        ...plan,
        liars: [{ replica, lie: 'copier' }],
        faults,
      });
      expect(violations, `seed ${seed}`).toEqual([]);
      for (const [what, count] of Object.entries(reached)) sum[what] = (sum[what] ?? 0) + count;
    }
    expect(sum.failovers ?? 0).toBe(0);
    expect(sum.pipelinedAnswers).toBe(sum.pipelined);
    expect(sum.copiesOutOfTurn).toBeGreaterThan(sweep(4));
  },
);
