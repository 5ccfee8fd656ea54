// What `fatty net` does. It brings the simulator along, so it is loaded when it is asked for.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { preparedRun, shownBy } from '@fatty/msc';
import {
  type AnyNet,
  misbehaving,
  missed,
  type NetReport,
  planOf,
  readLiars,
  recordPlan,
} from '@fatty/testnet';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { formatOf, show } from '../terminal/output.ts';
import { chartFormat, drawRun } from './chart-draw.ts';
import { netOf } from './named-nets.ts';
import { runAll } from './net-all.ts';
import { keepFailure } from './net-failure.ts';
import { type Measured, measureNet, prepareProcess } from './net-share.ts';

/** As they were given. */
export interface NetFlags {
  readonly seed?: string | number;
  readonly runs?: string | number;
  readonly chart?: string;
  readonly as?: string;
  readonly misbehave?: string;
  readonly all?: boolean;
  readonly seeds?: string | number;
  readonly output?: string;
}

/** A run may take minutes, so a file that cannot be written is refused before it begins. */
function checkWritable(path: string): void {
  try {
    closeSync(openSync(path, 'a'));
  } catch (error) {
    throw new ExitError(EXIT.usage, `unwritable: ${(error as Error).message}`);
  }
}

/** The first world, or the shrunk one that fails: the part of it where the invariant breaks. */
function drawWorld(
  net: AnyNet,
  { seed, failure }: NetReport,
  { chart: path = '', as }: NetFlags,
  io: Io,
): void {
  const run = preparedRun(recordPlan(net, failure?.plan ?? planOf(net, seed)));
  const title = `${net.name}, seed ${seed}${failure === undefined ? '' : ', shrunk'}`;
  const options = { title, filter: shownBy({ brief: true }), atBroken: true };
  const { text, windows, window } = drawRun(run, chartFormat(as, path), options);
  writeFileSync(path, text);
  if (windows === 1) return;
  const which = window === undefined ? 'shows all of them' : `is number ${window}`;
  io.err(`fatty: the world fills ${windows} charts, ${path} ${which}\n`);
}

/** The net with the liars that somebody picked by hand. */
function pickLiars(net: AnyNet, picks: string | undefined): AnyNet {
  if (picks === undefined) return net;
  if ('play' in net) throw new ExitError(EXIT.usage, `--misbehave: nobody lies in ${net.name}`);
  const liars = readLiars(picks);
  const picked = liars.ok ? misbehaving(net, liars.value) : liars;
  if (picked.ok) return picked.value;
  const { code, expected, actual } = picked.failure;
  const wrong = `--misbehave: ${code}: expected ${expected}, got ${JSON.stringify(actual)}`;
  throw new ExitError(EXIT.usage, wrong);
}

const seedOf = ({ seed }: NetFlags): number =>
  wholeNumber('--seed', seed ?? Math.floor(Math.random() * 2 ** 31));

/** Runs the net of this name, or all; answers the exit code. */
export async function runAny(name: string | undefined, flags: NetFlags, io: Io): Promise<number> {
  const { all, seeds, runs, chart: path, misbehave } = flags;
  if (all !== true) {
    if (name === undefined) throw new ExitError(EXIT.usage, 'which net? a name, or --all');
    if (seeds !== undefined) throw new ExitError(EXIT.usage, '--seeds goes with --all');
    return runOne(name, flags, io);
  }
  if ([name, runs, path, misbehave].some((one) => one !== undefined)) {
    throw new ExitError(EXIT.usage, '--all goes with --seeds, --seed and -o only');
  }
  const worlds = wholeNumber('--seeds', seeds ?? 500, { min: 1 });
  return runAll({ worlds, seed: seedOf(flags), format: formatOf(flags.output) }, io);
}

/** Runs the worlds, and says when it has begun to shrink one. @throws ExitError, exit code 1, if one throws */
function measured(net: AnyNet, seed: number, runs: number, io: Io): Measured {
  try {
    return measureNet(net, seed, runs, () =>
      io.err('fatty: a world breaks a rule; looking for the smallest\n'),
    );
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [where = ''] = /^ +at .*$/mu.exec(error.stack ?? '') ?? [];
    const said = `a world of ${net.name}, seed ${seed}, threw: ${error.message}`;
    throw new ExitError(EXIT.refused, where === '' ? said : `${said}\n${where}`);
  }
}

async function runOne(name: string, flags: NetFlags, io: Io): Promise<number> {
  const net = pickLiars(await netOf(name), flags.misbehave);
  const seed = seedOf(flags);
  const runs = wholeNumber('--runs', flags.runs ?? 20, { min: 1 });
  chartFormat(flags.as, flags.chart);
  if (flags.chart !== undefined) checkWritable(flags.chart);
  prepareProcess();
  const { report, cpuMs } = measured(net, seed, runs, io);
  if (flags.chart !== undefined) drawWorld(net, report, flags, io);
  const notReached = missed(net, report);
  const { failure, reached, simulatedMs } = report;
  const ok = failure === undefined && notReached.length === 0;
  const verdict = failure ? 'broken' : ok ? 'holds' : 'proved too little';
  show(io, formatOf(flags.output), {
    net: net.name,
    verdict,
    seed,
    runs: report.runs,
    simulatedMs,
    cpuMs,
    ...(flags.output === 'json' ? { reached } : reached),
    ...(notReached.length > 0 ? { missed: notReached } : {}),
    ...(failure ? { violations: failure.violations, plan: failure.plan } : {}),
    ...(flags.chart === undefined ? {} : { chart: flags.chart }),
  });
  if (failure) io.err(keepFailure(failure, name));
  else if (!ok)
    io.err(`fatty: nothing broke, and too little was tried: give it --runs ${2 * runs}\n`);
  return ok ? EXIT.done : EXIT.refused;
}
