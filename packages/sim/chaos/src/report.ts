// What a chaos run came to.
import type { Call, Judged } from '@fatty/judge';
import type { Kill } from './faults.ts';
import type { Spell } from './schedule.ts';

/** The outcome of a run. */
export interface ChaosReport {
  readonly seed: number;
  /** One line or text each; none: the run was good. */
  readonly failures: readonly string[];
  /** Histories and logs of a run that failed. */
  readonly dir: string;
  readonly tookMs: number;
  readonly spells: Readonly<Record<string, number>>;
  readonly kills: number;
  readonly liar: number | undefined;
  /** Calls by what was asked and what was heard, `acquire ok`. */
  readonly calls: Readonly<Record<string, number>>;
  readonly paths: number;
  /** Links through the proxy when the run began, between replicas and from clients. */
  readonly links: number;
  /** From a kill to the first acknowledgement of a change that was asked for after it, ms, sorted. */
  readonly pausesMs: readonly number[];
  /** One for each member that was replaced. */
  readonly epochs: readonly EpochChange[];
}

/** How the cell came into an epoch. */
export interface EpochChange {
  readonly epoch: number;
  /** From the moment in which members were asked to agree until all of them were in it, ms. */
  readonly tookMs: number;
  /** Longest time in that span, and a second behind it, in which no change was acknowledged, ms. */
  readonly pauseMs: number;
}

/** What a report is made of. */
export interface Findings {
  readonly seed: number;
  readonly dir: string;
  readonly tookMs: number;
  readonly spells: readonly Spell[];
  readonly kills: readonly Kill[];
  readonly liar: number | undefined;
  readonly pausesMs: readonly number[];
  readonly epochs: readonly EpochChange[];
  readonly calls: readonly Call[];
  readonly ended: readonly { readonly name: string; readonly exit: number | null }[];
  readonly judged: readonly Judged[];
  readonly links: number;
  /** Why the cell did not get through the schedule. */
  readonly broken: readonly string[];
}

/** Counts, and says what failed. */
export function tally(findings: Findings): ChaosReport {
  const { seed, dir, tookMs, liar, pausesMs, epochs, calls, judged, links } = findings;
  const heard = calls.map(({ op, outcome }) => {
    const code = outcome.kind === 'refused' ? outcome.code : outcome.kind;
    return `${op.kind} ${code}`;
  });
  return {
    seed,
    dir,
    tookMs,
    liar,
    pausesMs,
    epochs,
    failures: failuresIn(findings),
    spells: countOf(findings.spells.map(({ kind }) => kind)),
    kills: findings.kills.length,
    calls: countOf(heard),
    paths: judged.length,
    links,
  };
}

function failuresIn({ ended, judged, pausesMs, kills, broken }: Findings): readonly string[] {
  const unwell = ended.filter(({ exit }) => exit !== 0);
  return [
    ...broken,
    ...unwell.map(({ name, exit }) => `${name} ended with ${exit === null ? 'SIGKILL' : exit}`),
    ...judged.flatMap((one) => (one.kind === 'linearizable' ? [] : [one.text])),
    ...(pausesMs.length < kills.length ? ['no commit after the last kill'] : []),
  ];
}

function countOf(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of [...words].sort()) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** For each kill after which anything was acknowledged that was asked for later: how long that took, sorted. */
export function pausesAfter(calls: readonly Call[], kills: readonly Kill[]): readonly number[] {
  const changes = calls
    .filter(({ op, outcome }) => outcome.kind === 'ok' && op.kind !== 'read')
    .sort((a, b) => a.end - b.end);
  const pauses = kills.flatMap(({ atMs }) => {
    const next = changes.find(({ start }) => start >= atMs);
    return next === undefined ? [] : [next.end - atMs];
  });
  return pauses.sort((a, b) => a - b);
}

/** Acknowledgements behind the end of an epoch that still count to its pause, ms. */
const BEHIND_MS = 1_000;

/** What clients noticed of each replacement. */
export function epochsIn(calls: readonly Call[], kills: readonly Kill[]): readonly EpochChange[] {
  const ends = calls
    .filter(({ op, outcome }) => outcome.kind === 'ok' && op.kind !== 'read')
    .map(({ end }) => end)
    .sort((a, b) => a - b);
  return kills.flatMap(({ replaced }) => {
    if (replaced === undefined) return [];
    const { movedMs, doneMs, epoch } = replaced;
    const pauseMs = longestGap(ends, movedMs, doneMs + BEHIND_MS);
    return [{ epoch, tookMs: doneMs - movedMs, pauseMs }];
  });
}

/** The longest time between two moments, or a border, in a span; what is longer is cut there. */
function longestGap(ends: readonly number[], fromMs: number, toMs: number): number {
  let last = fromMs;
  let longest = 0;
  for (const end of [...ends.filter((one) => one > fromMs && one < toMs), toMs]) {
    longest = Math.max(longest, end - last);
    last = end;
  }
  return longest;
}

/** The value that a share of all sorted values does not exceed. */
export function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
