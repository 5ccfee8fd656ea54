// `fatty net`: runs a property net.
import { CHART_FORMATS } from './chart-draw.ts';
import { type Register, withFormat } from './command.ts';
import type { NetFlags } from './net-run.ts';

/** Nets that have a name here. Written out: to be asked for them, the simulator would have to be loaded. */
export const NET_NAMES: readonly string[] = [
  'orswot',
  'namespace',
  'locks',
  'bank',
  'machines',
  'members',
  'jobs',
  'paxos',
  'multi-paxos',
  'raft',
];
/** What `--misbehave` knows. */
export const LIE_NAMES: readonly string[] = [
  'equivocate',
  'fork',
  'withhold',
  'badSignature',
  'wrongTime',
  'inventParents',
  'garbage',
  'silent',
  'selective',
  'copier',
  'late',
  'twins',
  'mutate',
];

/** net NAME, net --all. */
export const registerNet: Register = ({ cli, io, run }) => {
  const names = NET_NAMES.join(', ');
  withFormat(cli.command('net [name]', `Run a property net: ${names}, or your own: ./mine.js`))
    .option('--seed <n>', 'begin here; default: a random one, printed')
    .option('--runs <n>', 'worlds to run; default 20')
    .option('--chart <file>', 'draw the first world there, or the shrunk one that fails')
    .option('--as <format>', `how: ${CHART_FORMATS.join(', ')}; default: by the file's ending`)
    .option(
      '--misbehave <liars>',
      `who lies, as r2=equivocate,r3=withhold: ${LIE_NAMES.join(', ')}`,
    )
    .option('--all', 'every net by name, on all cores; a world that fails is written here')
    .option('--seeds <n>', 'with --all: worlds in all; default 500')
    .action(
      run(async (name: string | undefined, flags: NetFlags) => {
        const { runAny } = await import('./net-run.ts');
        return runAny(name, flags, io);
      }),
    );
};
