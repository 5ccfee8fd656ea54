// Draws a run for a terminal.
import type { TraceEvent } from '@fatty/interface';
import { printable } from '../run/escape.ts';
import { type ChartOptions, chartRows } from './mermaid.ts';
import { lifelinesOf, type Row } from './rows.ts';

/** Columns from one lifeline to the next. */
const STEP = 8;

/** What stands on a lifeline for each kind of event. */
const MARKS: Readonly<Record<TraceEvent['kind'], string>> = {
  send: '>',
  receive: '<',
  drop: 'x',
  reject: '!',
  deliver: 'o',
  commit: '#',
  crash: 'X',
  restart: '^',
  note: '*',
  broken: '?',
};

const HEADS = { message: '>', lost: 'x', refused: '!', flying: ')' } as const;

/** Options of {@link asciiChart}; `rowsMax` has no default here. */
export interface AsciiOptions extends ChartOptions {
  /** Rows left out before the first that is drawn; default 0. */
  readonly firstRow?: number;
}

/**
 * Draws a run for a terminal: lifelines from left to right, one row per line, words on the right.
 * Labels are stripped of control characters, so a hostile one cannot drive the terminal.
 */
export function asciiChart(events: readonly TraceEvent[], options: AsciiOptions = {}): string {
  const { firstRow = 0, rowsMax = Infinity } = options;
  const all = chartRows(events, options).rows;
  const names = lifelinesOf(all);
  const columns = new Map(names.map((name, i) => [name, i]));
  const head = names
    .map((name) =>
      printable(name)
        .slice(0, STEP - 1)
        .padEnd(STEP),
    )
    .join('');
  const lines = all.slice(firstRow, firstRow + rowsMax).map((row) => {
    const words = 'who' in row ? `${row.who} ${row.text}` : `${row.from}>${row.to} ${row.text}`;
    return `${lane(row, columns)}  ${printable(words)}`;
  });
  const title = options.title === undefined ? [] : [printable(options.title)];
  return `${[...title, head, ...lines].map((line) => line.trimEnd()).join('\n')}\n`;
}

/** The lifelines with one event on them. */
function lane(row: Row, columns: ReadonlyMap<string, number>): string {
  const cells = Array.from<unknown, string>({ length: columns.size * STEP }, (_, i) =>
    i % STEP === 0 ? '|' : ' ',
  );
  if (row.kind === 'broken') return MARKS.broken.repeat(cells.length);
  const at = (name: string): number => (columns.get(name) ?? 0) * STEP;
  if (row.kind === 'note') {
    cells[at(row.who)] = MARKS[row.mark];
    return cells.join('');
  }
  const [from, to] = [at(row.from), at(row.to)];
  const step = to < from ? -1 : 1;
  const line = row.kind === 'message' ? '-' : '.';
  for (let i = from + step; i !== to && from !== to; i += step) cells[i] = line;
  const tip = HEADS[row.kind];
  // A message to oneself has no room for a line.
  const place = from === to ? from + 1 : to - step;
  cells[place] = tip === '>' && step < 0 ? '<' : tip;
  return cells.join('');
}
