// `fatty chart`: draws recordings.
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { TraceEvent } from '@fatty/interface';
import {
  alignClocks,
  asciiChart,
  type ChartOptions,
  type ChartQuery,
  type ChartWindow,
  chart,
  findBroken,
  mergeTraces,
  readTrace,
  shownBy,
} from '@fatty/msc';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { formatOf } from '../terminal/output.ts';
import { type Register, withFormat } from './command.ts';
import { readText } from './program.ts';

interface ChartFlags {
  readonly ascii?: boolean;
  readonly title?: string;
  readonly from?: number | string;
  readonly to?: number | string;
  readonly window?: number | string;
  readonly client?: string;
  readonly path?: string;
  readonly op?: string;
  readonly round?: string | number;
  readonly notes?: boolean;
  readonly brief?: boolean;
  readonly out?: string;
  readonly output?: string;
}

/** Events of all files on one clock, with a mark where they contradict each other. */
function readTraces(files: readonly string[], io: Io): readonly TraceEvent[] {
  const traces = files.map((file) => {
    const { events, badLines } = readTrace(readText(file));
    if (badLines.length > 0) io.err(`fatty: ${file}: ${badLines.length} lines hold no event\n`);
    return events;
  });
  const events = mergeTraces(traces);
  if (events.length === 0) throw new ExitError(EXIT.usage, 'no events in these files');
  return findBroken(alignClocks(events));
}

/** `7`, or `7..20`: both ends included. */
function roundsOf(text: string): NonNullable<ChartQuery['round']> {
  const [first, last, ...more] = text.split('..');
  const from = wholeNumber('--round', first);
  const to = last === undefined ? from : wholeNumber('--round', last, { min: from });
  if (more.length === 0) return { from, to };
  throw new ExitError(EXIT.usage, `--round: expected N or N..M, got ${text}`);
}

function queryOf({ client, path, op, round, notes, brief }: ChartFlags): ChartQuery {
  return {
    ...(client === undefined ? {} : { client }),
    ...(path === undefined ? {} : { path }),
    ...(op === undefined ? {} : { op }),
    ...(round === undefined ? {} : { round: roundsOf(String(round)) }),
    notes: notes === true,
    brief: brief === true,
  };
}

/** `--from` and `--to` count from the first event, as the chart's own times do. */
function optionsOf(
  flags: ChartFlags,
  files: readonly string[],
  events: readonly TraceEvent[],
): ChartOptions {
  const originMs = events.reduce((least, one) => Math.min(least, one.atMs), Infinity);
  const at = (name: string, value: number | string): number => {
    const ms = String(value).trim() === '' ? Number.NaN : Number(value);
    if (Number.isFinite(ms)) return originMs + ms;
    throw new ExitError(EXIT.usage, `${name}: expected milliseconds, got ${value}`);
  };
  return {
    title: flags.title ?? files.map((file) => basename(file)).join(' '),
    originMs,
    filter: shownBy(queryOf(flags)),
    ...(flags.from === undefined ? {} : { fromMs: at('--from', flags.from) }),
    ...(flags.to === undefined ? {} : { toMs: at('--to', flags.to) }),
  };
}

function draw(files: readonly string[], flags: ChartFlags, io: Io): number {
  const json = formatOf(flags.output) === 'json';
  const events = readTraces(files, io);
  const options = optionsOf(flags, files, events);
  const { windows, index } = chart(events, options);
  const number = wholeNumber('--window', flags.window ?? 1, { min: 1, max: windows.length });
  const chosen = windows[number - 1] as ChartWindow;
  if (chosen.rows === 0) io.err('fatty: nothing in this run fits what was asked for\n');
  if (flags.ascii) {
    const { firstRow, rows } = chosen;
    const part = flags.window === undefined ? {} : { firstRow, rowsMax: rows };
    const text = asciiChart(events, { ...options, ...part });
    return write(json ? JSON.stringify({ ascii: text }) : text, flags, io);
  }
  if (windows.length > 1 && flags.window === undefined && !json) {
    io.err(
      `fatty: the run fills ${windows.length} charts, this is the first (--window N):\n${index}\n`,
    );
  }
  const { mermaid } = chosen;
  const { length } = windows;
  return write(json ? JSON.stringify({ windows: length, mermaid }) : mermaid, flags, io);
}

function write(text: string, { out }: ChartFlags, io: Io): number {
  const whole = text.endsWith('\n') ? text : `${text}\n`;
  if (out === undefined) io.out(whole);
  else writeFileSync(out, whole);
  return EXIT.done;
}

/** chart FILES… */
export const registerChart: Register = ({ cli, io, run }) => {
  withFormat(
    cli.command('chart <...files>', 'Draw recorded runs (fatty up --record) as a sequence chart'),
  )
    .option('--ascii', 'for the terminal, instead of Mermaid')
    .option('--title <text>', 'over the chart')
    .option('--from <ms>', 'begin here, counted from the first event')
    .option('--to <ms>', 'end here')
    .option('--client <name>', 'only what this client asked for; a name of the chart, or a key')
    .option('--path <path>', 'only ops on this node and below')
    .option('--op <kind>', 'only this kind of op: acquire, write, granted, …')
    .option('--round <n>', 'only these rounds: 7, or 7..20')
    .option('--brief', 'without empty rounds, deliveries and questions for blocks')
    .option('--notes', 'what replicas say of their own work, too')
    .option('--window <n>', 'which part of a long run; --ascii: default all of it')
    .option('--out <file>', 'write there instead of standard output')
    .action(run(async (files: string[], flags: ChartFlags) => draw(files, flags, io)));
};
