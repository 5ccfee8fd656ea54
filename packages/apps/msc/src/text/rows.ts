// The rows of a chart.
import type { TraceEvent } from '@fatty/interface';
import { compareNames } from '../run/causal-order.ts';
import { type Fate, type Mark, marksOf, type PacketMark } from '../run/marks.ts';

/**
 * One line of a chart. `message`: arrived; `lost`: dropped; `refused`; `flying`: still under way.
 */
export type Row =
  | {
      readonly kind: 'message' | 'lost' | 'refused' | 'flying';
      readonly atMs: number;
      readonly from: string;
      readonly to: string;
      readonly text: string;
    }
  | {
      readonly kind: 'note';
      readonly atMs: number;
      readonly who: string;
      readonly mark: TraceEvent['kind'];
      readonly text: string;
    }
  /** An invariant does not hold: over all lifelines. */
  | {
      readonly kind: 'broken';
      readonly atMs: number;
      readonly who: string;
      readonly text: string;
    };

/** Longest label shown, in code points. */
const LABEL_MAX = 120;

/** Milliseconds with at most one decimal. */
export function formatMs(ms: number): string {
  return String(Math.round(ms * 10) / 10);
}

function shorten(label: string): string {
  const points = Array.from(label);
  return points.length <= LABEL_MAX ? label : `${points.slice(0, LABEL_MAX - 1).join('')}…`;
}

function describe(event: TraceEvent, time: string, words: string): string {
  const round = event.round === undefined ? '' : `, round ${event.round}`;
  return `${time} ms${round}: ${shorten(words)}`;
}

function note(event: TraceEvent, originMs: number): Row {
  const { atMs, who, kind, label } = event;
  const words = kind === 'note' ? label : label === '' ? kind : `${kind} ${label}`;
  return {
    kind: 'note',
    atMs,
    who,
    mark: kind,
    text: describe(event, formatMs(atMs - originMs), words),
  };
}

/** The rows of a run; times are told from `originMs`. Events come in causal order. */
export function rowsOf(events: readonly TraceEvent[], originMs: number): Row[] {
  return marksOf(events).map((mark) => rowOf(mark, originMs));
}

const KINDS: Readonly<Record<Fate, Exclude<Row['kind'], 'note' | 'broken'>>> = {
  arrived: 'message',
  again: 'message',
  lost: 'lost',
  refused: 'refused',
  flying: 'flying',
};

function rowOf(mark: Mark, originMs: number): Row {
  const { event, atMs } = mark;
  const at = formatMs(atMs - originMs);
  if (mark.kind === 'packet') {
    const { fate, from, to, leftMs } = mark;
    const isSeen = KINDS[fate] === 'message' && leftMs !== undefined;
    const time = isSeen ? `${formatMs(leftMs - originMs)} to ${at}` : at;
    return { kind: KINDS[fate], atMs, from, to, text: describe(event, time, wordsOf(mark)) };
  }
  if (event.kind !== 'broken') return note(event, originMs);
  return {
    kind: 'broken',
    atMs,
    who: mark.who,
    text: describe(event, at, `BROKEN ${event.label}`),
  };
}

function wordsOf({ fate, event: { label, packet } }: PacketMark): string {
  if (fate === 'lost') return `lost ${label}`;
  if (fate === 'refused') return `reject ${label}`;
  // Of what has no name nobody records the arrival.
  return fate === 'flying' && packet !== undefined ? `${label} (no arrival seen)` : label;
}

/** Everybody who appears, in reading order. */
export function lifelinesOf(rows: readonly Row[]): string[] {
  const names = rows.flatMap((row) => ('who' in row ? [row.who] : [row.from, row.to]));
  return [...new Set(names)].sort(compareNames);
}
