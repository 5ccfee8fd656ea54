// `fatty net`: runs a property net.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { nodeScheme } from '@fatty/codec/node';
import { chart, shownBy } from '@fatty/msc';
import {
  missed,
  NETS,
  type Net,
  type NetReport,
  planOf,
  recordPlan,
  runNet,
  useRealScheme,
} from '@fatty/testnet';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { formatOf, show } from '../terminal/output.ts';
import { type Register, withFormat } from './command.ts';
import { importNet, isModulePath } from './net-module.ts';

interface NetFlags {
  readonly seed?: string | number;
  readonly runs?: string | number;
  readonly chart?: string;
  readonly output?: string;
}

/** One of ours by name, or what a module exports. */
async function netOf(name: string): Promise<Net> {
  const net = Object.hasOwn(NETS, name) ? NETS[name] : undefined;
  if (net !== undefined) return net;
  if (isModulePath(name)) return importNet(name);
  const names = Object.keys(NETS).join(', ');
  throw new ExitError(EXIT.usage, `no net ${name}; there are ${names}, or a module: ./mine.js`);
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
function drawWorld(net: Net, { seed, failure }: NetReport, path: string, io: Io): void {
  const events = recordPlan(net, failure?.plan ?? planOf(net, seed));
  const title = `${net.name}, seed ${seed}${failure === undefined ? '' : ', shrunk'}`;
  const { windows } = chart(events, { title, filter: shownBy({ brief: true }) });
  const at = Math.max(
    0,
    windows.findIndex(({ broken }) => broken),
  );
  writeFileSync(path, windows[at]?.mermaid ?? '');
  if (windows.length > 1) {
    io.err(`fatty: the world fills ${windows.length} charts, ${path} is number ${at + 1}\n`);
  }
}

async function runOne(name: string, flags: NetFlags, io: Io): Promise<number> {
  const net = await netOf(name);
  const seed = wholeNumber('--seed', flags.seed ?? Math.floor(Math.random() * 2 ** 31));
  const runs = wholeNumber('--runs', flags.runs ?? 20, { min: 1 });
  if (flags.chart !== undefined) checkWritable(flags.chart);
  // The platform's hash and signatures: the same answers, sooner.
  useRealScheme(nodeScheme());
  const report = runNet(net, { seed, runs });
  if (flags.chart !== undefined) drawWorld(net, report, flags.chart, io);
  const notReached = missed(net, report);
  const { failure, reached } = report;
  const ok = failure === undefined && notReached.length === 0;
  const verdict = failure ? 'broken' : ok ? 'holds' : 'proved too little';
  show(io, formatOf(flags.output), {
    net: net.name,
    verdict,
    seed,
    runs: report.runs,
    ...(flags.output === 'json' ? { reached } : reached),
    ...(notReached.length > 0 ? { missed: notReached } : {}),
    ...(failure ? { violations: failure.violations, plan: failure.plan } : {}),
    ...(flags.chart === undefined ? {} : { chart: flags.chart }),
  });
  return ok ? EXIT.done : EXIT.refused;
}

/** net NAME. */
export const registerNet: Register = ({ cli, io, run }) => {
  const names = Object.keys(NETS).join(', ');
  withFormat(cli.command('net <name>', `Run a property net: ${names}, or your own: ./mine.js`))
    .option('--seed <n>', 'begin here; default: a random one, printed')
    .option('--runs <n>', 'worlds to run; default 20')
    .option('--chart <file>', 'draw the first world there, or the shrunk one that fails')
    .action(run(async (name: string, flags: NetFlags) => runOne(name, flags, io)));
};
