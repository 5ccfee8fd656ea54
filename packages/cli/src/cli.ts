import { OPTIONS } from '@fatty/node';
import { cac } from 'cac';
import { registerCairo } from './commands/cairo.ts';
import { registerCell } from './commands/cell.ts';
import { registerChart } from './commands/chart.ts';
import type { Register } from './commands/command.ts';
import { registerFiles } from './commands/files.ts';
import { registerLock } from './commands/lock.ts';
import { registerMachine } from './commands/machine.ts';
import { registerNet } from './commands/net.ts';
import { registerProof } from './commands/proof.ts';
import { registerSession } from './commands/session.ts';
import { registerTour } from './commands/tour.ts';
import { EXIT, exitCodeOf, type Io } from './io.ts';

/** Every command of `fatty`. */
const COMMANDS: readonly Register[] = [
  registerCell,
  registerFiles,
  registerLock,
  registerMachine,
  registerSession,
  registerProof,
  registerCairo,
  registerChart,
  registerNet,
  registerTour,
];

const VERSION = '0.1.0';

/** Runs one command line and answers its exit code; never throws. */
export async function runCli(io: Io): Promise<number> {
  const cli = cac('fatty');
  let done: Promise<number> = Promise.resolve(EXIT.done);
  const run =
    <A extends readonly unknown[]>(action: (...args: A) => Promise<number>) =>
    (...args: A): void => {
      done = action(...args);
    };
  for (const register of COMMANDS) register({ cli, io, run });
  cli.help((sections) => [
    ...sections,
    ...(cli.matchedCommand?.name === 'node' ? [{ title: 'Options', body: nodeOptions() }] : []),
  ]);
  cli.version(VERSION);
  try {
    cli.parse([...io.argv], { run: false });
    if (cli.matchedCommand === undefined)
      return usage(cli.options, cli.args, io, () => cli.outputHelp());
    cli.runMatchedCommand();
    return await done;
  } catch (error) {
    io.err(`fatty: ${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodeOf(error);
  }
}

/** Those of the replica's own program, which this command hands on. */
function nodeOptions(): string {
  const width = Math.max(...Object.keys(OPTIONS).map((name) => name.length)) + 2;
  return Object.entries(OPTIONS)
    .map(([name, { about }]) => `  --${name.padEnd(width)}${about}`)
    .join('\n');
}

/** No command: help was asked for, or is needed. */
function usage(
  options: Readonly<Record<string, unknown>>,
  args: readonly string[],
  io: Io,
  help: () => void,
): number {
  if (options.help || options.version) return EXIT.done;
  const [unknown] = args;
  if (unknown !== undefined) io.err(`fatty: no command ${unknown}\n`);
  help();
  return unknown === undefined ? EXIT.done : EXIT.usage;
}
