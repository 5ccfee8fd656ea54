// Puts recordings of several processes into one order.
import type { TraceEvent } from '@fatty/interface';

interface Line {
  readonly who: string;
  readonly events: readonly TraceEvent[];
  /** Index of the first event that is not placed yet. */
  next: number;
}

/** Lifelines in reading order: replicas, clients, others; by number inside a kind. */
export function compareNames(a: string, b: string): number {
  const rank = (name: string): number => (/^r\d+$/.test(name) ? 0 : /^c\d+$/.test(name) ? 1 : 2);
  const numbers = rank(a) === rank(b) && rank(a) < 2 ? Number(a.slice(1)) - Number(b.slice(1)) : 0;
  return rank(a) - rank(b) || numbers || (a < b ? -1 : a > b ? 1 : 0);
}

/** Each lifeline's events in the order it wrote them; of its recordings, the older first. */
function lifelines(recordings: readonly (readonly TraceEvent[])[]): Line[] {
  const parts = new Map<string, TraceEvent[][]>();
  for (const recording of recordings) {
    const own = new Map<string, TraceEvent[]>();
    for (const event of recording) {
      const events = own.get(event.who) ?? [];
      own.set(event.who, events);
      events.push(event);
    }
    for (const [who, events] of own) parts.set(who, [...(parts.get(who) ?? []), events]);
  }
  return [...parts]
    .sort(([a], [b]) => compareNames(a, b))
    .map(([who, lists]) => ({
      who,
      events: lists.sort((a, b) => (a[0]?.atMs ?? 0) - (b[0]?.atMs ?? 0)).flat(),
      next: 0,
    }));
}

/**
 * Merges recordings into one run. Clocks of processes differ, so time alone would draw answers
 * before questions: the order is by time as far as every lifeline keeps its own order and no
 * packet is received, dropped or refused before it was sent (Lamport's happened-before).
 */
export function mergeTraces(recordings: readonly (readonly TraceEvent[])[]): TraceEvent[] {
  const lines = lifelines(recordings);
  const unsent = new Set<string>();
  for (const { events } of lines) {
    for (const { kind, packet } of events) {
      if (kind === 'send' && packet !== undefined) unsent.add(packet);
    }
  }
  const merged: TraceEvent[] = [];
  for (;;) {
    const waits = (event: TraceEvent): boolean =>
      event.kind !== 'send' && event.packet !== undefined && unsent.has(event.packet);
    // A forged recording may hold a cycle; then time decides after all.
    const line = earliest(lines, (event) => !waits(event)) ?? earliest(lines, () => true);
    const event = line?.events[line.next];
    if (line === undefined || event === undefined) return merged;
    line.next++;
    if (event.kind === 'send' && event.packet !== undefined) unsent.delete(event.packet);
    merged.push(event);
  }
}

/** The lifeline whose next event is the earliest acceptable one. */
function earliest(
  lines: readonly Line[],
  acceptable: (event: TraceEvent) => boolean,
): Line | undefined {
  let best: Line | undefined;
  let bestMs = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    const event = line.events[line.next];
    if (event === undefined || !acceptable(event)) continue;
    if (best !== undefined && !(event.atMs < bestMs)) continue;
    best = line;
    bestMs = event.atMs;
  }
  return best;
}
