// What a run says of blocks: twins, and commits that contradict each other.
import type { TraceEvent } from '@fatty/interface';

/**
 * Calls the second block of a slot a twin, and the third twin 2: a process alone cannot know that
 * others got another one. The first to be told of keeps its name.
 */
export function nameTwins(events: readonly TraceEvent[]): readonly TraceEvent[] {
  const slots = new Map<string, string[]>();
  for (const { block } of events) {
    if (block === undefined) continue;
    const ids = slots.get(block.slot) ?? [];
    slots.set(block.slot, ids);
    if (!ids.includes(block.id)) ids.push(block.id);
  }
  return events.map((event) => {
    const { block, label } = event;
    const ids = block === undefined ? [] : (slots.get(block.slot) ?? []);
    if (block === undefined || ids.length < 2) return event;
    const name = `block ${block.slot}`;
    const from = label.indexOf(name);
    if (from < 0) return event;
    const at = ids.indexOf(block.id);
    const rest = label.slice(from + name.length).replace(/^ twin( \d+)?/, '');
    const twin = at === 0 ? '' : at === 1 ? ' twin' : ` twin ${at}`;
    const named = `${label.slice(0, from)}${name}${twin}${rest}`;
    return named === label ? event : { ...event, label: named };
  });
}

/** What one commit was, as far as a trace tells. */
export const contentOf = ({ block, ops = [] }: TraceEvent): string => JSON.stringify([block, ops]);

/**
 * A run with a mark behind every commit that contradicts an earlier one: another leader or other ops
 * at the same index.
 */
export function findBroken(events: readonly TraceEvent[]): readonly TraceEvent[] {
  const commits = new Map<number, TraceEvent>();
  return events.flatMap((event) => {
    if (event.kind !== 'commit' || event.commit === undefined) return [event];
    const first = commits.get(event.commit);
    if (first === undefined) commits.set(event.commit, event);
    if (first === undefined || contentOf(first) === contentOf(event)) return [event];
    const label = `agreement: ${first.who} and ${event.who} differ at commit ${event.commit}`;
    return [event, { atMs: event.atMs, who: event.who, kind: 'broken' as const, label }];
  });
}
