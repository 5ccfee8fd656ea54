// What can have led to an event: Lamport's happened-before, backwards.
import type { TraceEvent } from '@fatty/interface';
import { sendsOf } from '../run/marks.ts';

/**
 * Everything in a run that these events can have followed from, themselves included: what their lifelines did
 * before, and what the senders of their packets did before they sent. The run is in causal order.
 */
export function causalPast(
  run: readonly TraceEvent[],
  ends: readonly TraceEvent[],
): ReadonlySet<TraceEvent> {
  const before = new Map<TraceEvent, TraceEvent>();
  const last = new Map<string, TraceEvent>();
  for (const event of run) {
    const previous = last.get(event.who);
    if (previous !== undefined) before.set(event, previous);
    last.set(event.who, event);
  }
  const sendOf = sendsOf(run);
  const past = new Set<TraceEvent>();
  const open = [...ends];
  for (let event = open.pop(); event !== undefined; event = open.pop()) {
    if (past.has(event)) continue;
    past.add(event);
    for (const cause of [before.get(event), sendOf.get(event)]) {
      if (cause !== undefined) open.push(cause);
    }
  }
  return past;
}
