// `fatty watch`.
import { showPosition } from '@fatty/api';
import type { WatchEvent, WatchOptions } from '@fatty/client';
import type { Position } from '@fatty/interface';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { type Format, formatOf, json, printable } from '../terminal/output.ts';
import { type CellFlags, withClient } from './client.ts';
import { type Register, withCell } from './command.ts';

interface WatchFlags extends CellFlags {
  readonly recursive?: boolean;
  readonly from?: string;
  readonly count?: string;
}

/** `COMMIT`, or `COMMIT.INDEX` as this command prints it. */
function fromOf(text: string | undefined): { readonly from?: Position } {
  if (text === undefined) return {};
  const [, commit, index = '0'] = /^0*(\d{1,15})(?:\.0*(\d{1,9}))?$/.exec(text) ?? [];
  if (commit !== undefined) return { from: { commit: Number(commit), index: Number(index) } };
  throw new ExitError(EXIT.usage, `--from: expected COMMIT or COMMIT.INDEX, got ${text}`);
}

/** One event: its place, kind and path, and what else it says. */
function say(event: WatchEvent, format: Format, io: Io): void {
  if (format === 'json') return io.out(`${json(event)}\n`);
  const { next, ...said } = event;
  if (!('position' in said)) {
    const place = showPosition(next);
    return io.out(`${said.kind}: events are missing; read the state, then go on from ${place}\n`);
  }
  const { kind, path, position, ...rest } = said;
  const more = Object.keys(rest).length === 0 ? '' : `  ${json(rest)}`;
  io.out(`${printable(`${showPosition(position)}  ${kind}  ${path}${more}`)}\n`);
}

/** Prints events until told to end, or until there were as many as asked for. */
async function watch(path: string, flags: WatchFlags, io: Io): Promise<number> {
  const format = formatOf(flags.output);
  const most = flags.count === undefined ? Number.POSITIVE_INFINITY : countOf(flags.count);
  const options: WatchOptions = { recursive: flags.recursive === true, ...fromOf(flags.from) };
  return withClient(flags, io, async (client, stop) => {
    const controller = new AbortController();
    void stop.takeOverOnce().then(() => controller.abort());
    let said = 0;
    for await (const event of client.watch(path, { ...options, signal: controller.signal })) {
      say(event, format, io);
      said += 1;
      if (said >= most) break;
    }
    return EXIT.done;
  });
}

const countOf = (text: string): number => wholeNumber('--count', text, { min: 1 });

/** watch. */
export const registerWatch: Register = ({ cli, io, run }) => {
  withCell(cli.command('watch <path>', 'Print what happens at a path, as it happens'))
    .option('-r, --recursive', 'and everywhere below it')
    .option('--from <commit.index>', 'begin here, as a line before said (next); default: now')
    .option('--count <n>', 'end after so many events')
    .action(run((path: string, flags: WatchFlags) => watch(path, flags, io)));
};
