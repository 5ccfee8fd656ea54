import { missed, NETS, runNet } from '@fatty/testnet';
import { EXIT, ExitError, type Io, wholeNumber } from '../io.ts';
import { formatOf, show } from '../output.ts';
import { type Register, withFormat } from './command.ts';

interface NetFlags {
  readonly seed?: string | number;
  readonly runs?: string | number;
  readonly output?: string;
}

function runOne(name: string, flags: NetFlags, io: Io): number {
  const net = Object.hasOwn(NETS, name) ? NETS[name] : undefined;
  if (net === undefined) {
    throw new ExitError(EXIT.usage, `no net ${name}; there are ${Object.keys(NETS).join(', ')}`);
  }
  const seed = wholeNumber('--seed', flags.seed ?? Math.floor(Math.random() * 2 ** 31));
  const runs = wholeNumber('--runs', flags.runs ?? 20, { min: 1 });
  const report = runNet(net, { seed, runs });
  const notReached = missed(net, report);
  const { failure, reached } = report;
  const ok = failure === undefined && notReached.length === 0;
  const verdict = failure ? 'broken' : ok ? 'holds' : 'proved too little';
  show(io, formatOf(flags.output), {
    net: name,
    verdict,
    seed,
    runs: report.runs,
    ...(flags.output === 'json' ? { reached } : reached),
    ...(notReached.length > 0 ? { missed: notReached } : {}),
    ...(failure ? { violations: failure.violations, plan: failure.plan } : {}),
  });
  return ok ? EXIT.done : EXIT.refused;
}

/** net NAME. */
export const registerNet: Register = ({ cli, io, run }) => {
  withFormat(cli.command('net <name>', `Run a property net: ${Object.keys(NETS).join(', ')}`))
    .option('--seed <n>', 'begin here; default: a random one, printed')
    .option('--runs <n>', 'worlds to run; default 20')
    .action(run(async (name: string, flags: NetFlags) => runOne(name, flags, io)));
};
