// What a chart draws: packets from end to end, and what happens on one lifeline.
import type { TraceEvent } from '@fatty/interface';

/**
 * How a packet ended. `again`: arrived once more than it was sent. `flying`: nobody saw it arrive.
 */
export type Fate = 'arrived' | 'again' | 'lost' | 'refused' | 'flying';

/** A packet with both of its ends, as far as they were seen. */
export interface PacketMark {
  readonly kind: 'packet';
  readonly fate: Fate;
  readonly from: string;
  readonly to: string;
  /** When it was sent, ms; undefined: nobody saw it leave. */
  readonly leftMs: number | undefined;
  /** When it ended; of one that flies: when it was sent. */
  readonly atMs: number;
  /** The event that says how it ended: of one that flies the send. */
  readonly event: TraceEvent;
  /** What it is made of, the send first. A send stands in one mark only. */
  readonly events: readonly TraceEvent[];
}

/** Something that one lifeline did, or an invariant that broke. */
export interface PointMark {
  readonly kind: 'point';
  readonly who: string;
  readonly atMs: number;
  readonly event: TraceEvent;
  readonly events: readonly TraceEvent[];
}

/** One thing to draw. */
export type Mark = PacketMark | PointMark;

/** Who ends what. */
interface Joins {
  /** The sends by their ends. */
  readonly sendOf: ReadonlyMap<TraceEvent, TraceEvent>;
  /** The sends that some end belongs to. */
  readonly ended: ReadonlySet<TraceEvent>;
  /** Ends that had no send left to end. */
  readonly repeated: ReadonlySet<TraceEvent>;
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
  const ended = new Set<TraceEvent>();
  const repeated = new Set<TraceEvent>();
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
    for (const one of at >= 0 ? sends.splice(at, 1) : []) ended.add(one);
    if (at < 0) repeated.add(event);
    if (send !== undefined) sendOf.set(event, send);
    if (kind === 'receive') received.add(packet);
  }
  return { sendOf, ended, repeated, received };
}

/** The send of each end that was seen to be sent. Events come in causal order. */
export function sendsOf(events: readonly TraceEvent[]): ReadonlyMap<TraceEvent, TraceEvent> {
  return joinsOf(events).sendOf;
}

/** The marks of a run, each at the place of its last event. Events come in causal order. */
export function marksOf(events: readonly TraceEvent[]): readonly Mark[] {
  const joins = joinsOf(events);
  return events.flatMap((event) => markOf(event, joins) ?? []);
}

const pointOf = (event: TraceEvent): PointMark => ({
  kind: 'point',
  who: event.who,
  atMs: event.atMs,
  event,
  events: [event],
});

/** Undefined for a send that stands in the mark of its end. */
function markOf(event: TraceEvent, joins: Joins): Mark | undefined {
  const { who, peer, packet } = event;
  if (peer === undefined) return pointOf(event);
  switch (event.kind) {
    case 'send':
      if (joins.ended.has(event)) return undefined;
      return packetOf(event, 'flying', { from: who, to: peer }, event, []);
    case 'receive': {
      const fate = joins.repeated.has(event) && joins.sendOf.has(event) ? 'again' : 'arrived';
      return endOf(event, fate, { from: peer, to: who }, joins);
    }
    case 'drop': {
      const send = joins.sendOf.get(event);
      return endOf(event, 'lost', { from: send?.who ?? who, to: send?.peer ?? peer }, joins);
    }
    case 'reject':
      if (packet !== undefined && joins.received.has(packet)) return pointOf(event);
      return endOf(event, 'refused', { from: peer, to: who }, joins);
    case 'deliver':
    case 'commit':
    case 'crash':
    case 'restart':
    case 'note':
    case 'broken':
      return pointOf(event);
  }
}

type Way = Pick<PacketMark, 'from' | 'to'>;

function endOf(event: TraceEvent, fate: Fate, way: Way, joins: Joins): PacketMark {
  const send = joins.sendOf.get(event);
  const own = send === undefined || joins.repeated.has(event) ? [] : [send];
  return packetOf(event, fate, way, send, own);
}

function packetOf(
  event: TraceEvent,
  fate: Fate,
  way: Way,
  send: TraceEvent | undefined,
  before: readonly TraceEvent[],
): PacketMark {
  const { atMs } = event;
  const events = [...before, event];
  return { kind: 'packet', fate, ...way, leftMs: send?.atMs, atMs, event, events };
}
