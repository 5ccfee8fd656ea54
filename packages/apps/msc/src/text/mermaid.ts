// Mermaid text of a run.
import type { TraceEvent } from '@fatty/interface';
import { nameTwins } from '../run/blocks.ts';
import { alignClocks } from '../run/clocks.ts';
import { escapeLabel } from '../run/escape.ts';
import { formatMs, lifelinesOf, type Row, rowsOf } from './rows.ts';

/** What a chart shows, and how much of it at once. */
export interface ChartOptions {
  readonly title?: string;
  /** Only events in [fromMs, toMs], in the time of the events. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Only events that this says yes to; a packet shows if its send or its end does. */
  readonly filter?: (event: TraceEvent) => boolean;
  /** Time 0 of the chart, ms; default: the first event. */
  readonly originMs?: number;
  /** Rows in one window; default 300. */
  readonly rowsMax?: number;
  /** Characters in one window; default 50,000, beyond which GitHub and mermaid-cli draw nothing. */
  readonly charactersMax?: number;
}

/** One chart that renderers accept. */
export interface ChartWindow {
  readonly mermaid: string;
  /** From the origin, ms. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly rows: number;
  /** Rows of the run before it. */
  readonly firstRow: number;
  /** An invariant breaks in it. */
  readonly broken: boolean;
}

/** A run as charts. */
export interface Chart {
  /** The first window: the whole run, unless it is long. */
  readonly mermaid: string;
  /** At least one. */
  readonly windows: readonly ChartWindow[];
  /** Markdown table of the windows. */
  readonly index: string;
}

/** Most rows of one chart. */
export const ROWS_MAX = 300;
/** Most characters of one chart's text. */
export const CHARACTERS_MAX = 50_000;

/** When the first of these events is, ms; of none: 0. */
export function firstMs(events: readonly TraceEvent[]): number {
  return events.reduce((ms, one) => Math.min(ms, one.atMs), events[0]?.atMs ?? 0);
}

/** The rows of a run under the options, and the time they count from. */
export function chartRows(
  events: readonly TraceEvent[],
  options: ChartOptions,
): { readonly rows: readonly Row[]; readonly originMs: number } {
  const ordered = nameTwins(alignClocks(events));
  const originMs = options.originMs ?? firstMs(ordered);
  const { fromMs = -Infinity, toMs = Infinity, filter = () => true } = options;
  const shown = ordered.filter((one) => one.atMs >= fromMs && one.atMs <= toMs && filter(one));
  return { rows: rowsOf(shown, originMs), originMs };
}

/**
 * Draws a run as Mermaid sequence charts. Equal events and options give equal bytes.
 * A packet is one arrow, placed at its arrival and labelled with both times; `-x` is a lost one,
 * `--x` a refused one, `-)` one that was not seen to arrive. A broken invariant is a red bar. All times
 * are on one clock ({@link alignClocks}).
 */
export function chart(events: readonly TraceEvent[], options: ChartOptions = {}): Chart {
  const { rows, originMs } = chartRows(events, options);
  const lifelines = lifelinesOf(rows);
  const ids = new Map(lifelines.map((name, i) => [name, lifelineId(name, i)]));
  const head = [
    'sequenceDiagram',
    ...lifelines.map((name) => participant(name, ids.get(name) ?? name)),
    ...titleLine(options.title ?? '', [...ids.values()]),
  ];
  const lines = rows.map((row) => ({ row, line: rowLine(row, ids) }));
  let firstRow = 0;
  const windows = split(lines, head, options).map((part) => {
    const window = toWindow(part, head, originMs, firstRow);
    firstRow += part.length;
    return window;
  });
  return { mermaid: windows[0]?.mermaid ?? '', windows, index: indexOf(windows) };
}

interface Line {
  readonly row: Row;
  readonly line: string;
}

/** The title as a note over everything: Mermaid's own titles need a browser to be parsed. */
function titleLine(title: string, ids: readonly string[]): readonly string[] {
  const text = escapeLabel(title).trim();
  return ids.length === 0 || text === '' ? [] : [`  Note over ${over(ids)}: ${text}`];
}

/** From the first lifeline to the last. */
function over(ids: readonly string[]): string {
  return ids.length > 1 ? `${ids[0]},${ids.at(-1)}` : `${ids[0]}`;
}

/** Names of the usual form stand for themselves; others might be keywords. */
function lifelineId(name: string, i: number): string {
  return /^([rc]\d+|c[0-9a-f]{6})$/.test(name) ? name : `x${i}`;
}

function participant(name: string, id: string): string {
  // An empty alias would not parse.
  const alias = escapeLabel(name).trim();
  return id === name || alias === '' ? `  participant ${id}` : `  participant ${id} as ${alias}`;
}

const ARROWS = { message: '->>', lost: '-x', refused: '--x', flying: '-)' } as const;

function rowLine(row: Row, ids: ReadonlyMap<string, string>): string {
  const text = escapeLabel(row.text);
  if (row.kind === 'note') return `  Note over ${ids.get(row.who)}: ${text}`;
  if (row.kind === 'broken') {
    const note = `  Note over ${over([...ids.values()])}: ${text}`;
    return ['  rect rgb(255, 205, 205)', `  ${note}`, '  end'].join('\n');
  }
  return `  ${ids.get(row.from)}${ARROWS[row.kind]}${ids.get(row.to)}: ${text}`;
}

/** Fills windows in order; a row never parts from its line. Always one window at least. */
function split(
  lines: readonly Line[],
  head: readonly string[],
  options: ChartOptions,
): readonly (readonly Line[])[] {
  const { rowsMax = ROWS_MAX, charactersMax = CHARACTERS_MAX } = options;
  const headSize = head.join('\n').length + 1;
  const windows: Line[][] = [[]];
  let size = headSize;
  for (const line of lines) {
    const current = windows.at(-1) ?? [];
    const full = current.length >= rowsMax || size + line.line.length + 1 > charactersMax;
    if (full && current.length > 0) {
      windows.push([line]);
      size = headSize;
    } else {
      current.push(line);
    }
    size += line.line.length + 1;
  }
  return windows;
}

function toWindow(
  lines: readonly Line[],
  head: readonly string[],
  originMs: number,
  firstRow: number,
): ChartWindow {
  const times = lines.map(({ row }) => row.atMs - originMs);
  return {
    mermaid: `${[...head, ...lines.map(({ line }) => line)].join('\n')}\n`,
    fromMs: times.reduce((a, b) => Math.min(a, b), times[0] ?? 0),
    toMs: times.reduce((a, b) => Math.max(a, b), times[0] ?? 0),
    rows: lines.length,
    firstRow,
    broken: lines.some(({ row }) => row.kind === 'broken'),
  };
}

function indexOf(windows: readonly ChartWindow[]): string {
  const lines = windows.map(
    ({ fromMs, toMs, rows }, i) =>
      `| ${i + 1} | ${formatMs(fromMs)} | ${formatMs(toMs)} | ${rows} |`,
  );
  return `${['| window | from ms | to ms | rows |', '|---|---|---|---|', ...lines].join('\n')}\n`;
}
