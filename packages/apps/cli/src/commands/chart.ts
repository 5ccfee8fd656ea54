// `fatty chart`: draws recordings and worlds.
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { TraceEvent } from '@fatty/interface';
import { type ChartQuery, shownBy } from '@fatty/msc';
import { EXIT, ExitError, type Io, wholeNumber } from '../terminal/io.ts';
import { formatOf } from '../terminal/output.ts';
import {
  CHART_FORMATS,
  type ChartFormat,
  chartFormat,
  chosenOp,
  type Drawing,
  type DrawOptions,
  drawRun,
  opChoice,
  tellOps,
} from './chart-draw.ts';
import { readRun } from './chart-runs.ts';
import { type Register, withFormat } from './command.ts';

interface ChartFlags {
  readonly as?: string;
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
  readonly net?: string;
  readonly out?: string;
  readonly output?: string;
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

/** Of a picture `--op` lights one op; of rows it keeps those that are about such ops, or about one of them. */
function shownOf(
  run: readonly TraceEvent[],
  flags: ChartFlags,
  format: ChartFormat,
): Pick<DrawOptions, 'filter' | 'story'> {
  const { op, client, path, ...rest } = flags;
  const choice = op === undefined ? undefined : opChoice(op);
  if (choice === undefined || (format !== 'svg' && choice.number === undefined)) {
    return { filter: shownBy(queryOf(flags)) };
  }
  const about = {
    ...(client === undefined ? {} : { client }),
    ...(path === undefined ? {} : { path }),
  };
  return { filter: shownBy(queryOf(rest)), story: chosenOp(run, choice, about) };
}

/** `--from` and `--to` count from the first event, as the chart's own times do. */
function optionsOf(
  run: readonly TraceEvent[],
  title: string,
  flags: ChartFlags,
  format: ChartFormat,
): DrawOptions {
  const originMs = run.reduce((least, one) => Math.min(least, one.atMs), Infinity);
  const at = (name: string, value: number | string): number => {
    const ms = String(value).trim() === '' ? Number.NaN : Number(value);
    if (Number.isFinite(ms)) return originMs + ms;
    throw new ExitError(EXIT.usage, `${name}: expected milliseconds, got ${value}`);
  };
  const { window, from, to } = flags;
  const fromMs = from === undefined ? undefined : at('--from', from);
  const toMs = to === undefined ? undefined : at('--to', to);
  if (fromMs !== undefined && toMs !== undefined && toMs < fromMs) {
    throw new ExitError(EXIT.usage, `--to: expected at least --from, ${from}, got ${to}`);
  }
  return {
    title,
    originMs,
    window: window === undefined ? undefined : wholeNumber('--window', window, { min: 1 }),
    ...shownOf(run, flags, format),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
  };
}

/** Says what there is to who asked for what there is not. */
function tellNothing(run: readonly TraceEvent[], { originMs = 0 }: DrawOptions, io: Io): void {
  const lastMs = run.reduce((ms, one) => Math.max(ms, one.atMs), originMs) - originMs;
  const there = `it takes ${Math.ceil(lastMs)} ms, and ${tellOps(run)}`;
  io.err(`fatty: nothing in this run fits what was asked for: ${there}\n`);
}

async function draw(files: readonly string[], flags: ChartFlags, io: Io): Promise<number> {
  const json = formatOf(flags.output) === 'json';
  const format = chartFormat(flags.as, flags.out, flags.ascii ? 'ascii' : 'mermaid');
  const { events, title } = await readRun(files, flags.net, io);
  const name = flags.title ?? title ?? files.map((file) => basename(file)).join(' ');
  const options = optionsOf(events, name, flags, format);
  const drawing = drawRun(events, format, options);
  if (drawing.isEmpty) tellNothing(events, options, io);
  const { text, windows } = drawing;
  if (json) return write(JSON.stringify({ windows, [format]: text }), flags, io);
  tellParts(drawing, flags, io);
  return write(text, flags, io);
}

/** A long run has more than what is drawn; who asked for a part knows. */
function tellParts({ windows, window, index }: Drawing, flags: ChartFlags, io: Io): void {
  if (windows === 1 || flags.window !== undefined) return;
  const rows = index === undefined ? '' : `:\n${index}`;
  if (window !== undefined) {
    io.err(`fatty: the run fills ${windows} charts, this is the first (--window N)${rows}\n`);
  } else if (index === undefined) {
    io.err(
      `fatty: an overview; the run fills ${windows} charts (--window N, or --from and --to)\n`,
    );
  }
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
    cli.command('chart <...files>', 'Draw recorded runs (fatty up --record), or a world of a net'),
  )
    .option(
      '--as <format>',
      `${CHART_FORMATS.join(', ')}; default: by the ending of --out, else mermaid`,
    )
    .option('--ascii', 'for the terminal: --as ascii')
    .option('--title <text>', 'over the chart')
    .option('--from <ms>', 'begin here, counted from the first event')
    .option('--to <ms>', 'end here')
    .option('--client <name>', 'only what this client asked for; a name of the chart, or a key')
    .option('--path <path>', 'only ops on this node and below')
    .option(
      '--op <kind>',
      'only this kind of op: acquire, write, …; svg: lights the first up, acquire#2 the second',
    )
    .option('--round <n>', 'only these rounds: 7, or 7..20')
    .option('--brief', 'without empty rounds, deliveries and questions for blocks')
    .option('--notes', 'what replicas say of their own work, too')
    .option('--window <n>', 'which part of a long run; svg: default an overview, ascii: all of it')
    .option('--net <module>', 'of a world whose net is your own: ./mine.js')
    .option('--out <file>', 'write there instead of standard output')
    .action(run((files: string[], flags: ChartFlags) => draw(files, flags, io)));
};
