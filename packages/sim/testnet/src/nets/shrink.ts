// Runs many worlds of a net, and shrinks one that fails.
import fc from 'fast-check';
import type { Violation } from '../world/observation.ts';
import { type AnyNet, netByName, runPlan } from './index.ts';
import { type Plan, planArbitrary } from './plan.ts';
import { mayReach } from './promise.ts';

/** One failing world, shrunk: enough to run it again. */
export interface Counterexample {
  readonly net: string;
  readonly plan: Plan;
  readonly violations: readonly Violation[];
}

/** What came of the worlds of a net. */
export interface NetReport {
  readonly net: string;
  readonly seed: number;
  /** Worlds run, without those of shrinking. */
  readonly runs: number;
  /** Coverage counters, summed over the worlds. */
  readonly reached: Readonly<Record<string, number>>;
  readonly failure: Counterexample | undefined;
  /** Virtual time of these worlds, ms. */
  readonly simulatedMs: number;
}

/** A small counterexample is worth seconds, not minutes. */
const SHRINK_EVENTS_MAX = 100_000;

/** Plans that are drawn at most, for each world that may be run: drawing one costs next to nothing. */
const DRAWS_PER_WORLD = 4;

/** Which worlds to run. */
export interface NetRuns {
  readonly seed: number;
  /** Worlds to run. */
  readonly runs: number;
  /**
   * So many at most, when `runs` did not reach all that the net wants; default: `runs`. Of the worlds behind
   * the first `runs`, those are left out whose plan has nothing of what is still missing.
   */
  readonly runsMax?: number;
  /** Told of the first broken world as it was drawn, before shrinking begins. */
  readonly onFailure?: (failure: Counterexample) => void;
  /** Shrinking stops after so many events of the simulation; default: some seconds' worth. */
  readonly shrinkEventsMax?: number;
}

/**
 * Runs worlds of a net; the first broken property is shrunk and answered as data. What the net's own
 * code throws is thrown.
 */
export function runNet(net: AnyNet | string, options: NetRuns): NetReport {
  const { seed, runs, runsMax = runs, onFailure, shrinkEventsMax = SHRINK_EVENTS_MAX } = options;
  const chosen = typeof net === 'string' ? netByName(net) : net;
  const reached: Record<string, number> = {};
  let worlds = 0;
  let simulatedMs = 0;
  let shrinkEvents = 0;
  let failure: Counterexample | undefined;
  const isLeftOut = (plan: Plan): boolean => {
    if (worlds < runs) return false;
    const missing = missingOf(chosen, reached);
    return worlds >= runsMax || missing.length === 0 || !mayReach(plan, missing);
  };
  const holds = (plan: Plan): boolean => {
    if (failure === undefined && isLeftOut(plan)) return true;
    if (failure !== undefined && shrinkEvents >= shrinkEventsMax) return true;
    const outcome = runPlan(chosen, plan);
    if (failure === undefined) {
      worlds += 1;
      simulatedMs += outcome.simulatedMs;
      for (const [what, count] of Object.entries(outcome.reached)) {
        reached[what] = (reached[what] ?? 0) + count;
      }
    } else shrinkEvents += outcome.events;
    if (outcome.violations.length === 0) return true;
    const isFirst = failure === undefined;
    failure = { net: chosen.name, plan, violations: outcome.violations };
    if (isFirst) onFailure?.(failure);
    return false;
  };
  const numRuns = runsMax > runs ? DRAWS_PER_WORLD * runsMax : runs;
  const run = fc.check(fc.property(planArbitrary(chosen.size), holds), { seed, numRuns });
  // Nothing was reported and still it failed: the net's own code has thrown.
  if (run.failed && failure === undefined) throw run.errorInstance;
  return { net: chosen.name, seed, runs: worlds, reached, failure, simulatedMs };
}

/** Which of a net's wishes its runs did not come up to, in words; empty when it proved something. */
export function missed(net: AnyNet, report: Pick<NetReport, 'reached'>): readonly string[] {
  const { reached } = report;
  return missingOf(net, reached).map(
    (what) => `${what}: ${reached[what] ?? 0} of at least ${net.wants[what]}`,
  );
}

/** The counters of a net that have not come to what it wants. */
function missingOf({ wants }: AnyNet, reached: NetReport['reached']): readonly string[] {
  const named = Object.entries(wants).filter(([what, least]) => (reached[what] ?? 0) < least);
  return named.map(([what]) => what);
}
