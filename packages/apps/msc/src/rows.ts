// The rows of a chart.
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

/** Who ends what: the sends by their ends, and the sends that some end belongs to. */
interface Joins {
  readonly sendOf: ReadonlyMap<TraceEvent, TraceEvent>;
  readonly ended: ReadonlySet<TraceEvent>;
  /** Packets that were received. */
  readonly received: ReadonlySet<string>;
}

/**
 * Of equal packets the latest that can have arrived did: those before it are lost. What arrives once
 * more than it was sent is a duplicate of the first.
 */
function joinsOf(events: readonly TraceEvent[]): Joins {
  const open = new Map<string, TraceEvent[]>();
  const firsts = new Map<string, TraceEvent>();
  const sendOf = new Map<TraceEvent, TraceEvent>();
  const received = new Set<string>();
  for (const event of events) {
    const { kind, packet, atMs } = event;
    if (packet === undefined) continue;
    const sends = open.get(packet) ?? [];
    open.set(packet, sends);
    if (kind === 'send') {
      sends.push(event);
      if (!firsts.has(packet)) firsts.set(packet, event);
      continue;
    }
    // Refused after it has arrived: the same packet still.
    const again = kind === 'reject' && received.has(packet);
    const at = again ? -1 : sends.findLastIndex((send) => send.atMs <= atMs);
    const send = sends[at] ?? firsts.get(packet);
    if (at >= 0) sends.splice(at, 1);
    if (send !== undefined) sendOf.set(event, send);
    if (kind === 'receive') received.add(packet);
  }
  return { sendOf, ended: new Set(sendOf.values()), received };
}

/** The rows of a run; times are told from `originMs`. Events come in causal order. */
export function rowsOf(events: readonly TraceEvent[], originMs: number): Row[] {
  const joins = joinsOf(events);
  return events.flatMap((event) => rowOf(event, joins, originMs) ?? []);
}

function rowOf(event: TraceEvent, joins: Joins, originMs: number): Row | undefined {
  const { atMs, who, peer, label, packet } = event;
  const at = formatMs(atMs - originMs);
  if (event.kind === 'broken') {
    return { kind: 'broken', atMs, who, text: describe(event, at, `BROKEN ${label}`) };
  }
  if (peer === undefined) return note(event, originMs);
  switch (event.kind) {
    case 'send': {
      if (joins.ended.has(event)) return undefined;
      // Of what has no name nobody records the arrival.
      const words = packet === undefined ? label : `${label} (no arrival seen)`;
      return { kind: 'flying', atMs, from: who, to: peer, text: describe(event, at, words) };
    }
    case 'receive': {
      const sent = joins.sendOf.get(event);
      const time = sent === undefined ? at : `${formatMs(sent.atMs - originMs)} to ${at}`;
      return { kind: 'message', atMs, from: peer, to: who, text: describe(event, time, label) };
    }
    case 'drop': {
      const sent = joins.sendOf.get(event);
      const [from, to] = [sent?.who ?? who, sent?.peer ?? peer];
      return { kind: 'lost', atMs, from, to, text: describe(event, at, `lost ${label}`) };
    }
    case 'reject': {
      const text = describe(event, at, `reject ${label}`);
      if (packet !== undefined && joins.received.has(packet)) return note(event, originMs);
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
  const names = rows.flatMap((row) => ('who' in row ? [row.who] : [row.from, row.to]));
  return [...new Set(names)].sort(compareNames);
}
