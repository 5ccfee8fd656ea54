// What a plan promises to meet, before its world is run.
import { LIES } from '../liars/index.ts';
import { AIMS } from '../world/aims.ts';
import { CLIENT_LIES } from '../world/client.ts';
import { FAULTS } from '../world/faults.ts';
import type { Plan } from './plan.ts';

/** Counters that only liars make grow. */
const OF_LIARS = ['lies', 'convicted', 'note.convicted', 'note.equivocation'] as const;
const OF_TWINS = ['twinsBoth', 'twinsRefused'] as const;

/** Counters that only a world can reach whose plan says so. */
const PLANNED: ReadonlySet<string> = new Set([
  ...FAULTS.map((kind) => `fault.${kind}`),
  ...AIMS.map((aim) => `aim.${aim}`),
  ...LIES.map((lie) => `lie.${lie}`),
  ...CLIENT_LIES.map((lie) => `clientLie.${lie}`),
  ...OF_LIARS,
  ...OF_TWINS,
]);

function promisedBy({ faults, liars, clientLies }: Plan): ReadonlySet<string> {
  return new Set([
    ...faults.map(({ kind }) => `fault.${kind}`),
    ...faults.flatMap((fault) => (fault.kind === 'aimed' ? [`aim.${fault.aim}`] : [])),
    ...liars.map(({ lie }) => `lie.${lie}`),
    ...clientLies.map(({ lie }) => `clientLie.${lie}`),
    ...(liars.length > 0 ? OF_LIARS : []),
    ...(liars.some(({ lie }) => lie === 'twins') ? OF_TWINS : []),
  ]);
}

/**
 * Whether a world of this plan may reach any of the counters that are still missing. Where some of them are
 * planned, only a plan that has one of these may; else every plan may.
 */
export function mayReach(plan: Plan, missing: readonly string[]): boolean {
  const planned = missing.filter((what) => PLANNED.has(what));
  if (planned.length === 0) return true;
  const promised = promisedBy(plan);
  return planned.some((what) => promised.has(what));
}
