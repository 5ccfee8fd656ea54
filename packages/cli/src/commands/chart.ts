import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { TraceEvent } from '@fatty/interface';
import {
  asciiChart,
  type ChartOptions,
  type ChartWindow,
  chart,
  mergeTraces,
  readTrace,
} from '@fatty/msc';
import { EXIT, ExitError, type Io, wholeNumber } from '../io.ts';
import { formatOf } from '../output.ts';
import { type Register, withFormat } from './command.ts';
import { readText } from './program.ts';

interface ChartFlags {
  readonly ascii?: boolean;
  readonly title?: string;
  readonly from?: number | string;
  readonly to?: number | string;
  readonly window?: number | string;
  readonly out?: string;
  readonly output?: string;
}

function readTraces(files: readonly string[], io: Io): TraceEvent[] {
  const traces = files.map((file) => {
    const { events, badLines } = readTrace(readText(file));
    if (badLines.length > 0) io.err(`fatty: ${file}: ${badLines.length} lines hold no event\n`);
    return events;
  });
  const events = mergeTraces(traces);
  if (events.length === 0) throw new ExitError(EXIT.usage, 'no events in these files');
  return [...events];
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
    .option('--window <n>', 'which part of a long run; --ascii: default all of it')
    .option('--out <file>', 'write there instead of standard output')
    .action(run(async (files: string[], flags: ChartFlags) => draw(files, flags, io)));
};
