// Worlds whose events are recorded, for charts.
import type { TraceEvent } from '@fatty/interface';
import fc from 'fast-check';
import { type AnyNet, netByName, runPlan } from './index.ts';
import { type Plan, planArbitrary } from './plan.ts';

/** The first world of a seed. */
export function planOf(net: AnyNet | string, seed: number): Plan {
  const chosen = typeof net === 'string' ? netByName(net) : net;
  const [plan] = fc.sample(planArbitrary(chosen.size), { seed, numRuns: 1 });
  if (plan === undefined) throw new RangeError('a sample of one has one');
  return plan;
}

/** Everything that happens in one world, for charts. Same seed, same events. */
export function recordedRun(net: AnyNet | string, seed: number): TraceEvent[] {
  return recordPlan(net, planOf(net, seed));
}

/** Everything that happens in the world of a plan, for charts. */
export function recordPlan(net: AnyNet | string, plan: Plan): TraceEvent[] {
  const chosen = typeof net === 'string' ? netByName(net) : net;
  const events: TraceEvent[] = [];
  runPlan(chosen, plan, { trace: (event) => void events.push(event) });
  return events;
}
