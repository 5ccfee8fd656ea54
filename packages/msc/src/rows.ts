import type { TraceEvent } from '@fatty/interface';
import { compareNames } from './causal-order.ts';

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
    };

/** Longest label shown, in code points. */
const LABEL_MAX = 120;

/** What one packet's events say together. */
interface Flight {
  send: TraceEvent | undefined;
  /** Received, dropped or refused. */
  ended: boolean;
  received: boolean;
}

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

function flights(events: readonly TraceEvent[]): Map<string, Flight> {
  const found = new Map<string, Flight>();
  for (const event of events) {
    if (event.packet === undefined) continue;
    const flight = found.get(event.packet) ?? { send: undefined, ended: false, received: false };
    found.set(event.packet, flight);
    if (event.kind === 'send') flight.send ??= event;
    else flight.ended = true;
    if (event.kind === 'receive') flight.received = true;
  }
  return found;
}

/** The rows of a run; times are told from `originMs`. Events come in causal order. */
export function rowsOf(events: readonly TraceEvent[], originMs: number): Row[] {
  const found = flights(events);
  return events.flatMap((event) => {
    const flight = event.packet === undefined ? undefined : found.get(event.packet);
    return rowOf(event, flight, originMs) ?? [];
  });
}

function rowOf(event: TraceEvent, flight: Flight | undefined, originMs: number): Row | undefined {
  const { atMs, who, peer, label } = event;
  const at = formatMs(atMs - originMs);
  if (peer === undefined) return note(event, originMs);
  switch (event.kind) {
    case 'send': {
      if (flight?.ended === true) return undefined;
      const text = describe(event, at, `${label} (no arrival seen)`);
      return { kind: 'flying', atMs, from: who, to: peer, text };
    }
    case 'receive': {
      const sent = flight?.send;
      const time = sent === undefined ? at : `${formatMs(sent.atMs - originMs)} to ${at}`;
      return { kind: 'message', atMs, from: peer, to: who, text: describe(event, time, label) };
    }
    case 'drop': {
      const [from, to] = [flight?.send?.who ?? who, flight?.send?.peer ?? peer];
      return { kind: 'lost', atMs, from, to, text: describe(event, at, `lost ${label}`) };
    }
    case 'reject': {
      const text = describe(event, at, `reject ${label}`);
      if (flight?.received === true) return note(event, originMs);
      return { kind: 'refused', atMs, from: peer, to: who, text };
    }
    case 'deliver':
    case 'commit':
    case 'crash':
    case 'restart':
    case 'note':
      return note(event, originMs);
  }
}

/** Everybody who appears, in reading order. */
export function lifelinesOf(rows: readonly Row[]): string[] {
  const names = rows.flatMap((row) => (row.kind === 'note' ? [row.who] : [row.from, row.to]));
  return [...new Set(names)].sort(compareNames);
}
