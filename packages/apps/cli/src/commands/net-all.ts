// `fatty net --all`: every net of ours.
import { type AnyNet, type Counterexample, missed } from '@fatty/testnet';
import { EXIT, type Io } from '../terminal/io.ts';
import { type Format, type Row, show } from '../terminal/output.ts';
import { NAMED_NETS } from './named-nets.ts';
import { keepFailure } from './net-failure.ts';
import { type RunShare, runShares, type Share, type ShareReport, sharesOf } from './net-pool.ts';

const HOUR_MS = 3_600_000;

/** What to run, and how to tell of it. */
export interface AllNets {
  /** Worlds in all. */
  readonly worlds: number;
  readonly seed: number;
  readonly format: Format;
  /** Default: a process of its own for each share. */
  readonly run?: RunShare;
}

type Done = readonly (Share & ShareReport)[];

/** Runs worlds of every net, and prints a table; the exit code says whether all held and proved enough. */
export async function runAll({ worlds, seed, format, run }: AllNets, io: Io): Promise<number> {
  const done = await runShares(sharesOf(Object.keys(NAMED_NETS), worlds, seed), run);
  const rows = Object.values(NAMED_NETS).map((net) => rowOf(net, done, format));
  const failure = failureOf(done);
  if (failure === undefined) show(io, format, rows);
  else {
    const words = keepFailure(failure, failure.net);
    show(io, format, rows);
    io.err(words);
  }
  return rows.every(({ verdict }) => verdict === 'holds') ? EXIT.done : EXIT.refused;
}

function rowOf(net: AnyNet, all: Done, format: Format): Row {
  const done = all.filter((one) => one.net === net.name);
  const sum = (of: (one: ShareReport) => number): number =>
    done.reduce((total, one) => total + of(one), 0);
  const reached = sumOf(done);
  const notReached = missed(net, { reached });
  const wants = Object.keys(net.wants).length;
  const seeds = done.map((one) => one.seed);
  const isBroken = done.some(({ plan }) => plan !== undefined);
  const runs = sum((one) => one.runs);
  return {
    net: net.name,
    verdict: isBroken ? 'broken' : notReached.length > 0 ? 'proved too little' : 'holds',
    worlds: runs,
    seeds: seeds.length === 0 ? '' : `${Math.min(...seeds)} to ${Math.max(...seeds)}`,
    worldsPerCpuSecond: rounded(runs / (sum(({ cpuMs }) => cpuMs) / 1e3)),
    simulatedHours: rounded(sum(({ simulatedMs }) => simulatedMs) / HOUR_MS),
    reached: format === 'json' ? reached : `${wants - notReached.length} of ${wants} wants`,
    missed: format === 'json' ? notReached : notReached.join(', '),
  };
}

const rounded = (value: number): number => (Number.isFinite(value) ? Number(value.toFixed(2)) : 0);

function sumOf(done: Done): Record<string, number> {
  const reached: Record<string, number> = {};
  for (const one of done) {
    for (const [what, count] of Object.entries(one.reached)) {
      reached[what] = (reached[what] ?? 0) + count;
    }
  }
  return reached;
}

function failureOf(done: Done): Counterexample | undefined {
  for (const { net, plan, violations } of done) {
    if (plan !== undefined) return { net, plan, violations: violations ?? [] };
  }
  return undefined;
}
