// Runs as pictures, made as text.
import type { TraceEvent } from '@fatty/interface';
import { nameTwins } from '../run/blocks.ts';
import { compareNames } from '../run/causal-order.ts';
import { alignClocks } from '../run/clocks.ts';
import { type Mark, marksOf } from '../run/marks.ts';
import { type ChartOptions, firstMs } from '../text/mermaid.ts';
import { drawScene } from './draw.ts';
import { timesOf } from './frame.ts';
import { drawOverview, type SvgWindow } from './overview.ts';

/** Most marks of one picture; a run of more begins with an overview. */
export const MARKS_MAX = 300;

/** What a picture shows. Times in ms, in the time of the events. */
export interface SvgOptions
  extends Pick<ChartOptions, 'title' | 'fromMs' | 'toMs' | 'filter' | 'originMs'> {
  /** Marks in one window; default 300. */
  readonly marksMax?: number;
  /** Which window, from 1; default: the only one, or an overview of all. */
  readonly window?: number;
  /** Events of the run that are lit, and the rest faded. */
  readonly lit?: ReadonlySet<TraceEvent>;
}

/** A run as a picture. */
export interface SvgChart {
  readonly svg: string;
  /** At least one; an empty run has an empty one. */
  readonly windows: readonly SvgWindow[];
  /** The picture is of all windows, by how much happens when. */
  readonly isOverview: boolean;
}

/** The run that pictures show: on one clock, with names for twins. What is lit is chosen from it. */
export function preparedRun(events: readonly TraceEvent[]): readonly TraceEvent[] {
  return nameTwins(alignClocks(events));
}

/**
 * Draws a prepared run ({@link preparedRun}) as a space-time diagram. Equal events and options give equal
 * bytes. Every event of a window is in one mark, whose `data-events` tells its places in the run.
 */
export function svgChart(run: readonly TraceEvent[], options: SvgOptions = {}): SvgChart {
  const { marksMax = MARKS_MAX, lit } = options;
  const title = options.title?.trim() || 'a run';
  const originMs = options.originMs ?? firstMs(run);
  const shown = shownMarks(run, options);
  const parts = split(shown, marksMax);
  const windows = parts.map((part) => windowOf(part, originMs));
  const chosen = parts[(options.window ?? 1) - 1] ?? [];
  const placeOf = new Map(run.map((event, i) => [event, i]));
  const names = lanesOf(shown);
  if (parts.length > 1 && options.window === undefined) {
    const svg = drawOverview({ title, marks: shown, names, windows, originMs });
    return { svg, windows, isOverview: true };
  }
  const times = (options.window === undefined ? options : {}) as Bounds;
  const span = { ...spanOf(chosen, times, parts.length > 1), originMs };
  const part = parts.length > 1 ? `, part ${options.window} of ${parts.length}` : '';
  const scene = { title: title + part, marks: chosen, names: lanesOf(chosen), span, placeOf, lit };
  return { svg: drawScene(scene), windows, isOverview: false };
}

interface Bounds {
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** A packet shows if its send or its end does. */
function shownMarks(run: readonly TraceEvent[], options: SvgOptions): readonly Mark[] {
  const { fromMs = -Infinity, toMs = Infinity, filter = () => true } = options;
  const isShown = (event: TraceEvent): boolean =>
    event.atMs >= fromMs && event.atMs <= toMs && filter(event);
  return marksOf(run).filter(({ events }) => events.some(isShown));
}

function split(marks: readonly Mark[], marksMax: number): readonly (readonly Mark[])[] {
  const parts = Math.max(1, Math.ceil(marks.length / marksMax));
  return Array.from({ length: parts }, (_, i) => marks.slice(i * marksMax, (i + 1) * marksMax));
}

function windowOf(marks: readonly Mark[], originMs: number): SvgWindow {
  const { fromMs, toMs } = spanOf(marks, {}, true);
  const broken = marks.some(({ event }) => event.kind === 'broken');
  return { fromMs: fromMs - originMs, toMs: toMs - originMs, marks: marks.length, broken };
}

/** A window of a long run begins with the first end in it: what was sent before comes in from above. */
function spanOf(
  marks: readonly Mark[],
  bounds: Bounds,
  isPart: boolean,
): { readonly fromMs: number; readonly toMs: number } {
  const times = marks.flatMap((mark) => (isPart ? [mark.atMs] : timesOf(mark)));
  const [first = 0] = times;
  const least = times.reduce((a, b) => Math.min(a, b), first);
  const most = times.reduce((a, b) => Math.max(a, b), first);
  const fromMs = Math.max(least, bounds.fromMs ?? -Infinity);
  return { fromMs, toMs: Math.max(fromMs, Math.min(most, bounds.toMs ?? Infinity)) };
}

function lanesOf(marks: readonly Mark[]): readonly string[] {
  const names = marks.flatMap((mark) =>
    mark.kind === 'point' ? [mark.who] : [mark.from, mark.to],
  );
  return [...new Set(names)].sort(compareNames);
}
