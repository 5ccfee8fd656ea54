// Tests of runs in the formats of other tools, against what those tools read.
import type { TraceEvent } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { otlpTrace, perfettoTrace, preparedRun, SHIVIZ_REGEX, shivizLog } from '../src/index.ts';
import { runs, STORY } from './runs.ts';

interface Read {
  readonly event: string;
  readonly host: string;
  readonly clock: Readonly<Record<string, number>>;
}

/** As ShiViz reads a log: trimmed, the expression again and again with the flag m. */
function readShiviz(log: string): readonly Read[] {
  return [...log.trim().matchAll(new RegExp(SHIVIZ_REGEX, 'gm'))].map(({ groups = {} }) => ({
    event: groups.event ?? '',
    host: groups.host ?? '',
    clock: JSON.parse(groups.clock ?? '') as Record<string, number>,
  }));
}

describe('shivizLog', () => {
  it('tells a run with vector clocks', () => {
    const read = readShiviz(shivizLog(STORY));
    expect(read).toHaveLength(STORY.length);
    expect(read[1]).toEqual({
      event: 'receive c0, 2.3 ms: acquire /db/master',
      host: 'r0',
      clock: { r0: 1, c0: 1 },
    });
    const later = readShiviz(shivizLog(STORY, { originMs: 900 }));
    expect(later[1]?.event).toBe('receive c0, 102.3 ms: acquire /db/master');
    const received = read.find(({ host }) => host === 'r1');
    expect(received?.clock).toEqual({ r1: 1, r0: 2, c0: 1 });
  });

  it('has what ShiViz demands: each host counts from 1, and knows only events that there are', () => {
    fc.assert(
      fc.property(runs, (events) => {
        const read = readShiviz(shivizLog(events));
        expect(read).toHaveLength(events.length);
        const counts = new Map<string, number>();
        for (const { host, clock, event } of read) {
          const next = (counts.get(host) ?? 0) + 1;
          expect([clock[host], event === '']).toEqual([next, false]);
          counts.set(host, next);
          for (const [other, count] of Object.entries(clock)) {
            expect(count).toBeLessThanOrEqual(counts.get(other) ?? 0);
          }
        }
        expect(counts.size).toBe(new Set(events.map(({ who }) => who)).size);
      }),
    );
  });
});

interface Entry {
  readonly ph: string;
  readonly name: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid?: number;
  readonly id?: number | string;
  readonly bp?: string;
  readonly args?: { readonly name?: string; readonly kind?: string; readonly packet?: string };
}

const entriesOf = (events: readonly TraceEvent[]): readonly Entry[] =>
  (JSON.parse(perfettoTrace(events)) as { traceEvents: Entry[] }).traceEvents;

describe('perfettoTrace', () => {
  it('has a process for each lifeline and a slice for each event', () => {
    const entries = entriesOf(STORY);
    const names = entries
      .filter(({ name }) => name === 'process_name')
      .map(({ args }) => args?.name);
    expect(names).toEqual(['r0', 'r1', 'r3', 'c0']);
    const slices = entries.filter(({ ph }) => ph === 'X');
    expect(slices).toHaveLength(STORY.length);
    expect(slices[1]).toMatchObject({ name: 'acquire /db/master', ts: 2250, pid: 1, tid: 2 });
  });

  it('binds both ends of every flow to a slice, the later one not before the earlier', () => {
    let flows = 0;
    fc.assert(
      fc.property(runs, (events) => {
        const entries = entriesOf(events);
        const slices = new Set(
          entries.filter(({ ph }) => ph === 'X').map(({ pid, tid, ts }) => `${pid} ${tid} ${ts}`),
        );
        for (const { ts } of entries)
          expect(ts === undefined || Number.isSafeInteger(ts)).toBe(true);
        const begins = new Map(entries.filter(({ ph }) => ph === 's').map((one) => [one.id, one]));
        for (const end of entries.filter(({ ph }) => ph === 'f')) {
          const begin = begins.get(end.id);
          expect(end.bp).toBe('e');
          expect(end.ts).toBeGreaterThanOrEqual(begin?.ts ?? Infinity);
          for (const { pid, tid, ts } of [begin ?? end, end]) {
            expect(slices.has(`${pid} ${tid} ${ts}`)).toBe(true);
          }
          flows++;
        }
      }),
    );
    expect(flows).toBeGreaterThan(50);
  });
});

/** As Perfetto binds flows: by time, in the order of the file, each to what its track opened last. */
function boundFlows(entries: readonly Entry[]): ReadonlyMap<Entry['id'], readonly Entry['args'][]> {
  const open = new Map<string, Entry>();
  const bound = new Map<Entry['id'], Entry['args'][]>();
  for (const entry of entries.toSorted((a, b) => (a.ts ?? -Infinity) - (b.ts ?? -Infinity))) {
    const { ph, pid, tid, id } = entry;
    if (ph === 'X') open.set(`${pid} ${tid}`, entry);
    if (ph !== 's' && ph !== 'f') continue;
    bound.set(id, [...(bound.get(id) ?? []), open.get(`${pid} ${tid}`)?.args]);
  }
  return bound;
}

describe('flows', () => {
  it('go from the slice of a send to that of the same packet, also where several leave at once', () => {
    let flows = 0;
    fc.assert(
      fc.property(runs, (events) => {
        for (const [from, to, ...more] of boundFlows(entriesOf(events)).values()) {
          expect([from?.kind, from?.packet, more]).toEqual(['send', to?.packet, []]);
          flows++;
        }
      }),
    );
    expect(flows).toBeGreaterThan(50);
    const told = [...boundFlows(entriesOf(STORY)).values()].map((ends) =>
      ends.map((args) => args?.packet),
    );
    expect(told).toEqual(['p1', 'p2', 'p2', 'p3', 'p4'].map((packet) => [packet, packet]));
  });
});

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number };
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[];
}

function spansOf(events: readonly TraceEvent[]): readonly (Span & { readonly service: string })[] {
  const { resourceSpans } = JSON.parse(otlpTrace(events)) as {
    resourceSpans: {
      resource: { attributes: { key: string; value: { stringValue: string } }[] };
      scopeSpans: { scope: { name: string }; spans: Span[] }[];
    }[];
  };
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const [service] = resource.attributes;
    expect(service?.key).toBe('service.name');
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({ ...span, service: service?.value.stringValue ?? '' })),
    );
  });
}

const op = { client: 'c0', kind: 'put', path: '/a' };
const ASKED: readonly TraceEvent[] = [
  { atMs: 1000, who: 'c0', kind: 'send', peer: 'r0', packet: '1', label: 'put /a', ops: [op] },
  { atMs: 1001, who: 'r0', kind: 'receive', peer: 'c0', packet: '1', label: 'put /a', ops: [op] },
  { atMs: 1002, who: 'r1', kind: 'commit', commit: 7, label: '7', ops: [op] },
  { atMs: 1003, who: 'r0', kind: 'commit', commit: 7, label: '7', ops: [op] },
  { atMs: 1005.5, who: 'r0', kind: 'send', peer: 'c0', packet: '2', label: 'commit 7', ops: [op] },
  { atMs: 1007, who: 'c0', kind: 'send', peer: 'r0', packet: '3', label: 'put /a', ops: [op] },
];

describe('otlpTrace', () => {
  it('has one trace for each op: its client above, replicas below', () => {
    const spans = spansOf(ASKED);
    const told = spans.map(({ service, name, kind, status }) => [service, name, kind, status.code]);
    expect(told).toEqual([
      ['r0', 'put /a at r0', 2, undefined],
      ['r1', 'put /a at r1', 1, undefined],
      ['c0', 'put /a', 3, 1],
      ['c0', 'put /a', 3, 2],
    ]);
    const [r0, r1, first, second] = spans;
    expect([r0?.parentSpanId, r1?.traceId]).toEqual([first?.spanId, first?.traceId]);
    expect(second?.traceId).not.toBe(first?.traceId);
    expect(first).toMatchObject({
      startTimeUnixNano: '1000000000',
      endTimeUnixNano: '1005500000',
    });
    expect(r0?.events.map(({ name }) => name)).toContain('commit: 7');
  });

  it('has other ids for the same ops of another run', () => {
    const ids = (shiftMs: number): readonly string[] =>
      spansOf(ASKED.map((event) => ({ ...event, atMs: event.atMs + shiftMs }))).map(
        ({ traceId }) => traceId,
      );
    expect(ids(0)).toEqual(ids(0));
    expect(ids(60_000).filter((id) => ids(0).includes(id))).toEqual([]);
  });

  it('has ids of the lengths that the protocol wants, none of zeros, and no span twice', () => {
    let spansSeen = 0;
    fc.assert(
      fc.property(runs, fc.nat(20), (events, shiftMs) => {
        const asked = ASKED.map((event) => ({ ...event, atMs: event.atMs + shiftMs }));
        const spans = spansOf(preparedRun([...events, ...asked]));
        spansSeen += spans.length;
        for (const { traceId, spanId, startTimeUnixNano, endTimeUnixNano, kind } of spans) {
          expect(traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
          expect(spanId).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
          expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);
          expect([1, 2, 3]).toContain(kind);
        }
        expect(new Set(spans.map(({ traceId, spanId }) => traceId + spanId)).size).toBe(
          spans.length,
        );
      }),
    );
    expect(spansSeen).toBeGreaterThan(200);
  });
});
