// Draws a run in any of the formats that there are.
import type { TraceEvent } from '@fatty/interface';
import {
  asciiChart,
  type ChartOptions,
  chart,
  findOps,
  type OpStory,
  otlpTrace,
  perfettoTrace,
  shivizLog,
  svgChart,
} from '@fatty/msc';
import { EXIT, ExitError, wholeNumber } from '../terminal/io.ts';

/** How a run may be shown, by the ending that files of it have. */
const ENDINGS = {
  svg: 'svg',
  ascii: 'txt',
  mermaid: 'mmd',
  shiviz: 'log',
  perfetto: 'perfetto.json',
  otlp: 'otlp.json',
} as const;

/** A format of charts. */
export type ChartFormat = keyof typeof ENDINGS;

/** Every format, for help and completion. */
export const CHART_FORMATS = Object.keys(ENDINGS) as readonly ChartFormat[];

const isFormat = (name: string): name is ChartFormat => Object.hasOwn(ENDINGS, name);

/** What was asked for, else what the file's name says, else `other`. @throws ExitError, exit code 2 */
export function chartFormat(
  as: string | undefined,
  out: string | undefined,
  other: ChartFormat = 'mermaid',
): ChartFormat {
  if (as === undefined) {
    return CHART_FORMATS.find((format) => out?.endsWith(`.${ENDINGS[format]}`)) ?? other;
  }
  if (isFormat(as)) return as;
  throw new ExitError(EXIT.usage, `--as: expected ${CHART_FORMATS.join(', ')}, got ${as}`);
}

/** What of a run is drawn. */
export interface DrawOptions extends ChartOptions {
  /** Which part of a long run, from 1. */
  readonly window?: number | undefined;
  /** With no window: of the part in which an invariant breaks, if there is one. */
  readonly atBroken?: boolean;
  /** One op: a picture lights it up, the others show nothing else. */
  readonly story?: OpStory | undefined;
}

/** A run, drawn. */
export interface Drawing {
  readonly text: string;
  /** Parts that the run would fill. */
  readonly windows: number;
  /** Which of them this is; undefined: all of it. */
  readonly window: number | undefined;
  /** Markdown table of the parts. */
  readonly index: string | undefined;
  /** Nothing fits what was asked for. */
  readonly isEmpty: boolean;
}

/** `acquire`, or `acquire#2` for the second of the run. */
export interface OpChoice {
  readonly kind: string;
  readonly number: number | undefined;
}

/** @throws ExitError, exit code 2 */
export function opChoice(text: string): OpChoice {
  const [kind = '', number, ...more] = text.split('#');
  if (kind === '' || more.length > 0) {
    throw new ExitError(EXIT.usage, `--op: expected KIND or KIND#N, got ${text}`);
  }
  return {
    kind,
    number: number === undefined ? undefined : wholeNumber('--op', number, { min: 1 }),
  };
}

/** The op of this number among those that fit. @throws ExitError, exit code 2, when there are not so many */
export function chosenOp(
  run: readonly TraceEvent[],
  { kind, number = 1 }: OpChoice,
  about: { readonly client?: string; readonly path?: string },
): OpStory {
  const stories = findOps(run, { ...about, op: kind });
  const story = stories[number - 1];
  if (story !== undefined) return story;
  const there = stories.length === 0 ? 'none' : `${stories.length}`;
  throw new ExitError(
    EXIT.usage,
    `--op: expected op ${number} of kind ${kind}, got ${there} of it; ${tellOps(run)}`,
  );
}

/** What ops a run has, for who asked for others. */
export function tellOps(run: readonly TraceEvent[]): string {
  const counts = new Map<string, number>();
  for (const { op } of findOps(run, {})) counts.set(op.kind, (counts.get(op.kind) ?? 0) + 1);
  const told = [...counts].map(([kind, count]) => `${kind} (${count})`);
  return told.length === 0 ? 'the run has no ops' : `the run has ${told.join(', ')}`;
}

/** Draws a prepared run. @throws ExitError, exit code 2, for a window that there is not */
export function drawRun(
  run: readonly TraceEvent[],
  format: ChartFormat,
  options: DrawOptions,
): Drawing {
  if (format === 'svg') return drawSvg(run, options);
  const shown = only(options);
  if (format === 'mermaid' || format === 'ascii') return drawRows(run, format, shown);
  const { fromMs = -Infinity, toMs = Infinity, filter = () => true, originMs } = shown;
  const events = run.filter((one) => one.atMs >= fromMs && one.atMs <= toMs && filter(one));
  const write = { shiviz: shivizLog, perfetto: perfettoTrace, otlp: otlpTrace }[format];
  // A trace is of an op: of a run without ops nothing is left.
  const isEmpty = format === 'otlp' ? findOps(events, {}).length === 0 : events.length === 0;
  const text = write(events, originMs === undefined ? {} : { originMs });
  return { text, windows: 1, window: undefined, index: undefined, isEmpty };
}

/** Rows cannot be lit: one op is all that is shown. */
function only({ story, ...options }: DrawOptions): DrawOptions {
  if (story === undefined) return options;
  const events = new Set(story.events);
  return { ...options, filter: (event) => events.has(event) || event.kind === 'broken' };
}

/** @throws ExitError, exit code 2 */
function checkWindow(window: number | undefined, windows: number): number | undefined {
  return window === undefined
    ? undefined
    : wholeNumber('--window', window, { min: 1, max: windows });
}

function drawRows(
  run: readonly TraceEvent[],
  format: 'mermaid' | 'ascii',
  options: DrawOptions,
): Drawing {
  const { windows, index } = chart(run, options);
  const broken = options.atBroken ? windows.findIndex((one) => one.broken) : -1;
  const asked = checkWindow(options.window, windows.length);
  const number = asked ?? Math.max(0, broken) + 1;
  const chosen = windows[number - 1];
  const isEmpty = (chosen?.rows ?? 0) === 0;
  const common = { windows: windows.length, index, isEmpty };
  if (format === 'mermaid') return { ...common, text: chosen?.mermaid ?? '', window: number };
  const { firstRow = 0, rows = 0 } = chosen ?? {};
  const part = asked === undefined ? {} : { firstRow, rowsMax: rows };
  return { ...common, text: asciiChart(run, { ...options, ...part }), window: asked };
}

/** Around one op, ms, so that it is seen what it waits for. */
const MARGIN_MS = 5;

/** One op of a long run is shown where it is, unless a part was asked for. */
function around({
  story,
  window,
  fromMs,
  toMs,
}: DrawOptions): Pick<DrawOptions, 'fromMs' | 'toMs'> {
  if (story === undefined || window !== undefined) return {};
  if (fromMs !== undefined || toMs !== undefined) return {};
  const times = story.events.map(({ atMs }) => atMs);
  return { fromMs: Math.min(...times) - MARGIN_MS, toMs: endMs(story, times) + MARGIN_MS };
}

const endMs = ({ answer }: OpStory, times: readonly number[]): number =>
  answer?.atMs ?? Math.max(...times);

function drawSvg(run: readonly TraceEvent[], options: DrawOptions): Drawing {
  const { story, window, atBroken } = options;
  const lit = story === undefined ? {} : { lit: new Set(story.events) };
  const common = { ...options, ...around(options), ...lit };
  const { window: _, ...whole } = common;
  const first = svgChart(run, whole);
  const { windows } = first;
  const asked = checkWindow(window, windows.length);
  const broken = atBroken ? windows.findIndex((one) => one.broken) + 1 : 0;
  const number = asked ?? (broken > 0 && windows.length > 1 ? broken : undefined);
  const { svg } = number === undefined ? first : svgChart(run, { ...whole, window: number });
  const isEmpty = windows.every(({ marks }) => marks === 0);
  return { text: svg, windows: windows.length, window: number, index: undefined, isEmpty };
}
