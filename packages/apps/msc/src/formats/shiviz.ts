// Runs for ShiViz: a log with vector clocks.
import type { TraceEvent } from '@fatty/interface';
import { alignClocks } from '../run/clocks.ts';
import { printable } from '../run/escape.ts';
import { sendsOf } from '../run/marks.ts';
import { type ChartOptions, firstMs } from '../text/mermaid.ts';
import { formatMs } from '../text/rows.ts';

/** What ShiViz reads a log with unless told otherwise; {@link shivizLog} is made for it. */
export const SHIVIZ_REGEX = '(?<event>.*)\\n(?<host>\\S*) (?<clock>{.*})';

type Clock = Map<string, number>;

/** No host may be empty or have a space in it, and no two may be one. */
function hostsOf(events: readonly TraceEvent[]): ReadonlyMap<string, string> {
  const hosts = new Map<string, string>();
  const taken = new Set<string>();
  for (const { who } of events) {
    if (hosts.has(who)) continue;
    const plain = printable(who).replace(/\s+/g, '_') || '_';
    let host = plain;
    for (let i = 2; taken.has(host); i++) host = `${plain}_${i}`;
    taken.add(host);
    hosts.set(who, host);
  }
  return hosts;
}

function wordsOf({ kind, peer, label, atMs, round }: TraceEvent, originMs: number): string {
  const other = peer === undefined ? '' : ` ${peer}`;
  const at = round === undefined ? '' : `, round ${round}`;
  return printable(`${kind}${other}, ${formatMs(atMs - originMs)} ms${at}: ${label}`).trim();
}

function merge(into: Clock, from: Clock): void {
  for (const [host, count] of from) into.set(host, Math.max(count, into.get(host) ?? 0));
}

/** `{"r0":1}`; a Map's keys may be any, an object's may not. */
const clockText = (clock: Clock): string =>
  `{${[...clock].map(([host, count]) => `${JSON.stringify(host)}:${count}`).join(',')}}`;

/**
 * A run as ShiViz reads it: two lines for each event, its words, then its host and vector clock. An
 * arrival, refusal or loss knows what its send knew. Times are told from `originMs`; default: the
 * first event.
 */
export function shivizLog(
  events: readonly TraceEvent[],
  { originMs }: Pick<ChartOptions, 'originMs'> = {},
): string {
  const ordered = alignClocks(events);
  const zeroMs = originMs ?? firstMs(ordered);
  const hosts = hostsOf(ordered);
  const sendOf = sendsOf(ordered);
  const clocks = new Map<string, Clock>();
  const atSend = new Map<TraceEvent, Clock>();
  const lines = ordered.map((event) => {
    const host = hosts.get(event.who) ?? '_';
    const clock = clocks.get(host) ?? new Map<string, number>();
    clocks.set(host, clock);
    clock.set(host, (clock.get(host) ?? 0) + 1);
    const send = sendOf.get(event);
    if (send !== undefined) merge(clock, atSend.get(send) ?? new Map());
    if (event.kind === 'send') atSend.set(event, new Map(clock));
    return `${wordsOf(event, zeroMs)}\n${host} ${clockText(clock)}\n`;
  });
  return lines.join('');
}
