// The command `fatty`: all of its commands, and its exit code.
import { isFattyError } from '@fatty/client';
import { OPTIONS } from '@fatty/node/settings';
import { type CAC, cac } from 'cac';
import { registerAcl } from './commands/acl.ts';
import { registerBackup } from './commands/backup.ts';
import { registerBench } from './commands/bench.ts';
import { registerCairo } from './commands/cairo.ts';
import { registerCell } from './commands/cell.ts';
import { registerCert } from './commands/cert.ts';
import { registerChart } from './commands/chart.ts';
import type { Register } from './commands/command.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerConsole } from './commands/console.ts';
import { registerContext } from './commands/context.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerElect } from './commands/elect.ts';
import { registerEvidence } from './commands/evidence.ts';
import { registerExplain } from './commands/explain.ts';
import { registerFiles } from './commands/files.ts';
import { greet } from './commands/greeting.ts';
import { registerJob } from './commands/job.ts';
import { registerKey } from './commands/key.ts';
import { registerLock } from './commands/lock.ts';
import { registerMachine } from './commands/machine.ts';
import { registerMember } from './commands/member.ts';
import { registerNet } from './commands/net.ts';
import { registerOp } from './commands/op.ts';
import { registerProof } from './commands/proof.ts';
import { registerSession } from './commands/session.ts';
import { registerStatus } from './commands/status.ts';
import { registerTop } from './commands/top.ts';
import { registerTour } from './commands/tour.ts';
import { registerTxn } from './commands/txn.ts';
import { registerWait } from './commands/wait.ts';
import { registerWatch } from './commands/watch.ts';
import { readLine } from './terminal/arguments.ts';
import { addExamples, withGroups } from './terminal/help.ts';
import { EXIT, exitCodeOf, type Io } from './terminal/io.ts';
import { printable } from './terminal/output.ts';
import { didYouMean } from './terminal/similar.ts';

/** Every command of `fatty`. */
const COMMANDS: readonly Register[] = [
  registerCell,
  registerBackup,
  registerMember,
  registerFiles,
  registerAcl,
  registerKey,
  registerTxn,
  registerLock,
  registerElect,
  registerMachine,
  registerJob,
  registerOp,
  registerSession,
  registerCert,
  registerProof,
  registerCairo,
  registerChart,
  registerNet,
  registerExplain,
  registerTour,
  registerDemo,
  registerStatus,
  registerTop,
  registerEvidence,
  registerConsole,
  registerDoctor,
  registerBench,
  registerWait,
  registerWatch,
  registerContext,
  registerCompletion,
];

const VERSION = '0.1.0';

/** Every command, each of which tells `started` what it comes to. */
export function commandsOn(io: Io, started: (done: Promise<number>) => void): CAC {
  const cli = cac('fatty');
  const run =
    <A extends readonly unknown[]>(action: (...args: A) => Promise<number>) =>
    (...args: A): void =>
      started(action(...args));
  for (const register of COMMANDS) register({ cli, io, run });
  addExamples(cli);
  cli.help((sections) => [
    ...(cli.matchedCommand === undefined ? withGroups(cli, sections) : sections),
    ...(cli.matchedCommand?.name === 'node' ? [{ title: 'Options', body: nodeOptions() }] : []),
  ]);
  cli.version(VERSION);
  return cli;
}

/** Runs one command line and answers its exit code; never throws. */
export async function runCli(io: Io): Promise<number> {
  let done: Promise<number> = Promise.resolve(EXIT.done);
  const cli = commandsOn(io, (started) => {
    done = started;
  });
  try {
    if (io.argv.length <= 2 && io.isTerminal) return await greet(VERSION, io);
    readLine(cli, io.argv.slice(2));
    if (cli.options.help || cli.matchedCommand === undefined) return usage(cli, io);
    cli.runMatchedCommand();
    return await done;
  } catch (error) {
    const message = shown(error);
    if (message !== '') io.err(`fatty: ${message}\n`);
    if (isFattyError(error)) io.err(`fatty: ${error.advice}\n`);
    return exitCodeOf(error);
  }
}

/**
 * Our own messages may have several lines. What a cell says is put on one line, for others chose
 * the names in it.
 */
function shown(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return isFattyError(error) ? printable(text) : text.split('\n').map(printable).join('\n');
}

/** The options of the replica's own program, which `fatty node` hands on. */
function nodeOptions(): string {
  const width = Math.max(...Object.keys(OPTIONS).map((name) => name.length)) + 2;
  return Object.entries(OPTIONS)
    .map(([name, { about }]) => `  --${name.padEnd(width)}${about}`)
    .join('\n');
}

/** No command is to run: help or the version was asked for, or help is needed. */
function usage(cli: CAC, io: Io): number {
  const { options, args, matchedCommand } = cli;
  const [unknown] = matchedCommand === undefined ? args : [];
  if (options.version && !options.help) {
    cli.outputVersion();
    return EXIT.done;
  }
  if (unknown !== undefined && !options.help) {
    const names = cli.commands.map(({ name }) => name);
    const hint = didYouMean(unknown, names);
    io.err(`fatty: no command ${printable(unknown)}.${hint} "fatty --help" lists what there is.\n`);
    return EXIT.usage;
  }
  cli.outputHelp();
  return EXIT.done;
}
