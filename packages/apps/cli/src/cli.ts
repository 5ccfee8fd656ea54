// The command `fatty`: one command line, and its exit code.
import { isFattyError } from '@fatty/client';
import { OPTIONS } from '@fatty/node/settings';
import { type CAC, cac } from 'cac';
import type { Register } from './commands/command.ts';
import { greet } from './commands/greeting.ts';
import { commandsFor } from './first-word.ts';
import { readLine } from './terminal/arguments.ts';
import { addExamples, withGroups } from './terminal/help.ts';
import { EXIT, exitCodeOf, type Io } from './terminal/io.ts';
import { printable } from './terminal/output.ts';
import { didYouMean } from './terminal/similar.ts';

const VERSION = '0.1.0';

/** These commands, each of which tells `started` what it comes to. */
export function makeCli(
  io: Io,
  started: (done: Promise<number>) => void,
  commands: readonly Register[],
): CAC {
  const cli = cac('fatty');
  const run =
    <A extends readonly unknown[]>(action: (...args: A) => Promise<number>) =>
    (...args: A): void =>
      started(action(...args));
  for (const register of commands) register({ cli, io, run });
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
  const started = (one: Promise<number>): void => {
    done = one;
  };
  const cli = makeCli(io, started, await commandsFor(io.argv[2]));
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
