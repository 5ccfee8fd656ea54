// Reads the command line.
import { parseArgs } from 'node:util';
import type { CAC, Command } from 'cac';
import { EXIT, ExitError } from './io.ts';
import { didYouMean } from './similar.ts';

type Option = Command['options'][number];

/** As typed: what has a value is a text, whatever it looks like; the last of several counts. */
type Options = Record<string, string | boolean | readonly string[]>;

interface Parsed {
  readonly options: Options;
  readonly args: readonly string[];
}

/** `--lock-delay`, as it stands on the command line, for cac's `lockDelay`. */
const kebab = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const longName = ({ name, negated }: Option): string =>
  negated ? `no-${kebab(name)}` : kebab(name);

interface ParseConfig {
  readonly options: Record<
    string,
    { readonly type: 'string' | 'boolean'; readonly short?: string }
  >;
  readonly allowPositionals: true;
}

function parseConfig(options: readonly Option[]): ParseConfig {
  const entries = options.map((option) => {
    const short = option.names.find((name) => name.length === 1 && name !== option.name);
    const type = option.isBoolean ? ('boolean' as const) : ('string' as const);
    return [longName(option), short === undefined ? { type } : { type, short }] as const;
  });
  return { options: Object.fromEntries(entries), allowPositionals: true };
}

/** The words of a line up to `--`, and those after it. */
function splitAtDashes(line: readonly string[]): readonly [string[], readonly string[]] {
  const at = line.indexOf('--');
  return at < 0 ? [[...line], []] : [line.slice(0, at), line.slice(at + 1)];
}

function optionsOf(cli: CAC, command: Command | undefined): readonly Option[] {
  return [...cli.globalCommand.options, ...(command?.options ?? [])];
}

/** What an option has that is not given; cac gives every `--no-…` the default true. */
function defaultsOf(options: readonly Option[]): Options {
  return Object.fromEntries(
    options.flatMap(({ name, config }) =>
      config.default === undefined ? [] : [[name, config.default as string | boolean]],
    ),
  );
}

function parse(cli: CAC, line: readonly string[], command: Command | undefined): Parsed {
  const known = optionsOf(cli, command);
  const [own, rest] = splitAtDashes(line);
  const strict = command !== undefined && command.config.allowUnknownOptions !== true;
  const { values, positionals } = parseArgs({ ...parseConfig(known), args: own, strict });
  const options: Options = { ...defaultsOf(known), '--': rest };
  for (const option of known) {
    const value = values[longName(option)];
    if (value === undefined) continue;
    if (value === '')
      throw new ExitError(EXIT.usage, `option ${option.rawName}: a value is missing`);
    options[option.name] = option.negated ? false : (value as string | boolean);
  }
  const args =
    command?.config.allowUnknownOptions === true ? [] : positionals.slice(command ? 1 : 0);
  return { options, args };
}

/** The command whose name comes first when its own options are read as such. */
function commandOf(cli: CAC, line: readonly string[]): Command | undefined {
  const [own] = splitAtDashes(line);
  return cli.commands.find((command) => {
    const config = parseConfig(optionsOf(cli, command));
    const { positionals } = parseArgs({ ...config, args: own, strict: false });
    return positionals[0] !== undefined && command.isMatched(positionals[0]);
  });
}

/** Why Node's reader refuses a line; of an unknown option, what may have been meant. */
function whyNot(error: Error & { readonly code?: string }, known: readonly Option[]): string {
  const [, word] = /Unknown option '(--?[^']*)'/.exec(error.message) ?? [];
  if (error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || word === undefined) return error.message;
  const names = known.map((option) => `--${longName(option)}`);
  const hint = didYouMean(word, names) || ' "--help" behind the command lists what there is.';
  return `no option ${word}.${hint}`;
}

/**
 * Reads a command line into `cli`, which is to run it. Node's own `parseArgs` is the reader, for cac's
 * makes numbers of what looks like one (`--key 007` became a file descriptor), lists of what comes twice
 * and objects of dots.
 * @throws ExitError, exit code 2: unknown options, options without their value
 */
export function readLine(cli: CAC, line: readonly string[]): void {
  const command = commandOf(cli, line);
  if (command !== undefined) {
    cli.matchedCommand = command;
    cli.matchedCommandName = command.name;
  }
  try {
    Object.assign(cli, parse(cli, line, command));
  } catch (error) {
    if (error instanceof ExitError) throw error;
    throw new ExitError(EXIT.usage, whyNot(error as Error, optionsOf(cli, command)));
  }
}
