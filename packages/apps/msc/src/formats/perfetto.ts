// Runs for Perfetto and chrome://tracing: the JSON of trace events.
import type { TraceEvent } from '@fatty/interface';
import { compareNames } from '../run/causal-order.ts';
import { alignClocks } from '../run/clocks.ts';
import { sendsOf } from '../run/marks.ts';
import { opStories } from '../run/ops.ts';
import { type ChartOptions, firstMs } from '../text/mermaid.ts';

/** One line of the format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */
type Entry = Readonly<Record<string, unknown>>;

/** Tracks of one process: what leaves, what comes, what it does, what its clients wait for. */
const TRACKS = { send: 1, arrival: 2, own: 3 } as const;
const TRACK_NAMES: Readonly<Record<number, string>> = { 1: 'sends', 2: 'arrivals', 3: 'own work' };

const ARRIVALS: ReadonlySet<TraceEvent['kind']> = new Set(['receive', 'reject', 'drop']);

function trackOf({ kind }: TraceEvent): number {
  if (kind === 'send') return TRACKS.send;
  return ARRIVALS.has(kind) ? TRACKS.arrival : TRACKS.own;
}

interface Run {
  readonly events: readonly TraceEvent[];
  /** Numbers of processes by lifeline, from 1. */
  readonly pids: ReadonlyMap<string, number>;
  readonly originMs: number;
}

/** In microseconds from the origin, as the format wants it. */
const microseconds = (ms: number, { originMs }: Run): number => Math.round((ms - originMs) * 1000);

/** Flows bind to slices, so each event is one: of a microsecond, for it takes no time. */
const SLICE_US = 1;

function slice(event: TraceEvent, run: Run): Entry {
  const { who, kind, peer, label, packet, round, block, commit } = event;
  return {
    name: label === '' ? kind : label,
    cat: kind,
    ph: 'X',
    ts: microseconds(event.atMs, run),
    dur: SLICE_US,
    pid: run.pids.get(who) ?? 0,
    tid: trackOf(event),
    args: { kind, peer, packet, round, block: block?.slot, commit },
  };
}

function names({ pids }: Run): readonly Entry[] {
  return [...pids].flatMap(([name, pid]) => [
    { ph: 'M', name: 'process_name', pid, tid: 0, args: { name } },
    { ph: 'M', name: 'process_sort_index', pid, tid: 0, args: { sort_index: pid } },
    ...Object.entries(TRACK_NAMES).map(([tid, track]) => {
      return { ph: 'M', name: 'thread_name', pid, tid: Number(tid), args: { name: track } };
    }),
  ]);
}

/**
 * From each send to its end, by the event at which it begins or ends. A reader binds an end of a flow to the
 * slice that its track opened last: it stands right behind its own, for others may begin in the same instant.
 */
function flowsOf(run: Run): ReadonlyMap<TraceEvent, readonly Entry[]> {
  const flows = new Map<TraceEvent, Entry[]>();
  const add = (event: TraceEvent, rest: Entry): void => {
    const { pid, tid, ts } = slice(event, run);
    const entry = { cat: 'packet', name: 'packet', ...rest, ts, pid, tid };
    flows.set(event, [...(flows.get(event) ?? []), entry]);
  };
  for (const [i, [end, send]] of [...sendsOf(run.events)].entries()) {
    add(send, { id: i + 1, ph: 's' });
    add(end, { id: i + 1, ph: 'f', bp: 'e' });
  }
  return flows;
}

/** How far each replica has committed, as a line that rises. */
function counters(run: Run): readonly Entry[] {
  return run.events
    .filter(({ kind, commit }) => kind === 'commit' && commit !== undefined)
    .map(({ atMs, who, commit }) => {
      const pid = run.pids.get(who) ?? 0;
      return { ph: 'C', name: 'commit', ts: microseconds(atMs, run), pid, args: { commit } };
    });
}

/** Each op as an asynchronous slice of its client, from submit to answer. */
function waits(run: Run): readonly Entry[] {
  return opStories(run.events).flatMap(({ op, events, answer }, i) => {
    const [submit] = events;
    const end = answer ?? events.at(-1);
    if (submit === undefined || end === undefined) return [];
    const pid = run.pids.get(op.client) ?? run.pids.get(submit.who) ?? 0;
    const name = [op.kind, op.path].filter((part) => part !== undefined).join(' ');
    const common = { cat: 'op', name, id: `op${i + 1}`, pid, tid: TRACKS.own };
    return [
      { ...common, ph: 'b', ts: microseconds(submit.atMs, run) },
      { ...common, ph: 'e', ts: microseconds(end.atMs, run) },
    ];
  });
}

/**
 * A run as one process for each lifeline, with an arrow for each packet. Times count from `originMs`;
 * default: the first event.
 */
export function perfettoTrace(
  events: readonly TraceEvent[],
  { originMs }: Pick<ChartOptions, 'originMs'> = {},
): string {
  const ordered = alignClocks(events);
  const lanes = [...new Set(ordered.map(({ who }) => who))].sort(compareNames);
  const run: Run = {
    events: ordered,
    pids: new Map(lanes.map((name, i) => [name, i + 1])),
    originMs: originMs ?? firstMs(ordered),
  };
  const flows = flowsOf(run);
  const slices = ordered.flatMap((event) => [slice(event, run), ...(flows.get(event) ?? [])]);
  const traceEvents = [...names(run), ...slices, ...counters(run), ...waits(run)];
  const lines = traceEvents.map((entry) => JSON.stringify(entry)).join(',\n');
  return `{"displayTimeUnit":"ms","traceEvents":[\n${lines}\n]}\n`;
}
