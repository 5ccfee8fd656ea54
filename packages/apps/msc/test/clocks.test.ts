// Tests of clocks that are put on one.
import type { TraceEvent } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignClocks, asciiChart, chart, mergeTraces } from '../src/index.ts';
import { runs, soundRuns } from './runs.ts';

const keyOf = ({ who, kind, packet, label }: TraceEvent): string =>
  JSON.stringify([who, kind, packet, label]);

/** Packets that arrive before they were sent. */
function backward(events: readonly TraceEvent[]): number {
  const sentMs = new Map<string, number>();
  for (const { kind, packet = '', atMs } of events) if (kind === 'send') sentMs.set(packet, atMs);
  return events.filter(
    ({ kind, packet = '', atMs }) => kind !== 'send' && atMs < (sentMs.get(packet) ?? atMs),
  ).length;
}

/** Something stands before its own send, although nothing else was left to take. */
function isCircular(merged: readonly TraceEvent[]): boolean {
  const place = new Map<string, number>();
  for (const [i, { kind, packet = '' }] of merged.entries())
    if (kind === 'send') place.set(packet, i);
  return merged.some(({ kind, packet = '' }, i) => kind !== 'send' && i < (place.get(packet) ?? i));
}

const skewed = (events: readonly TraceEvent[], skewsMs: readonly number[]): TraceEvent[] => {
  const names = [...new Set(events.map(({ who }) => who))];
  return events.map((event) => {
    const skewMs = skewsMs[names.indexOf(event.who) % skewsMs.length] ?? 0;
    return { ...event, atMs: event.atMs + skewMs };
  });
};

/** Differences of one lifeline's times to its first; a constant shift leaves them alone. */
function paceOf(events: readonly TraceEvent[], name: string): number[] {
  const times = events.filter(({ who }) => who === name).map(({ atMs }) => atMs);
  return times.map((atMs) => Math.round((atMs - (times[0] ?? 0)) * 1000) / 1000);
}

const skews = fc.array(fc.integer({ min: -5000, max: 5000 }), { minLength: 1, maxLength: 5 });

/** Runs in which a lifeline has one life and its events have an order of their own. */
const oneLife = soundRuns.map((events) => events.filter(({ kind }) => kind !== 'restart'));

describe('alignClocks', () => {
  it('leaves a run on one clock as it is', () => {
    fc.assert(
      fc.property(soundRuns, (events) => {
        const aligned = alignClocks(events);
        expect(new Set(aligned)).toEqual(new Set(events));
      }),
    );
  });

  it('lets no arrow go back in time, by a constant per process', () => {
    let mended = 0;
    fc.assert(
      fc.property(oneLife, skews, (events, skewsMs) => {
        const recorded = skewed(events, skewsMs);
        const aligned = alignClocks(recorded);
        expect(backward(aligned)).toBe(0);
        if (backward(recorded) > 0) mended++;
        expect(aligned.map(keyOf).sort()).toEqual(events.map(keyOf).sort());
        for (const name of new Set(events.map(({ who }) => who))) {
          expect(paceOf(aligned, name)).toEqual(paceOf(recorded, name));
        }
        expect(alignClocks(aligned)).toEqual(aligned);
      }),
      { numRuns: 200 },
    );
    expect(mended).toBeGreaterThan(20);
  });

  it('lets no arrow go back in time, whatever a recording says', () => {
    fc.assert(
      fc.property(runs, skews, (events, skewsMs) => {
        const recorded = skewed(events, skewsMs);
        // A forged circle of causes has no right order at all.
        if (isCircular(mergeTraces([recorded]))) return;
        expect(backward(alignClocks(recorded))).toBe(0);
      }),
    );
  });

  it('is wrong by half a round trip at most', () => {
    const delays = fc.array(fc.tuple(fc.nat(40), fc.nat(40)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(delays, fc.integer({ min: -90_000, max: 90_000 }), (trips, skewMs) => {
        const events = trips.flatMap(([thereMs, backMs], i) =>
          exchange(i, 100 * i, thereMs, backMs),
        );
        const recorded = events.map((one) =>
          one.who === 'r1' ? { ...one, atMs: one.atMs + skewMs } : one,
        );
        const aligned = alignClocks(recorded);
        if (backward(recorded) === 0) return;
        const [first, second] = ['r0', 'r1'].map((name) => firstOf(aligned, name));
        const truthMs = firstOf(events, 'r1') - firstOf(events, 'r0');
        const tripMs =
          Math.min(...trips.map(([there]) => there)) + Math.min(...trips.map(([, back]) => back));
        expect(Math.abs((second ?? 0) - (first ?? 0) - truthMs)).toBeLessThanOrEqual(tripMs / 2);
      }),
    );
  });

  it('gives every life a clock of its own', () => {
    const life = (fromMs: number, skewMs: number, at: number): TraceEvent[] => [
      { atMs: fromMs + skewMs, who: 'r1', kind: 'restart', label: 'started' },
      ...exchange(at, fromMs + 1, 2, 2).map((one) =>
        one.who === 'r1' ? { ...one, atMs: one.atMs + skewMs } : one,
      ),
    ];
    // Its host's clock was set back by an hour between the lives.
    const aligned = alignClocks([...life(0, 0, 0), ...life(100, -3_600_000, 1)]);
    expect(backward(aligned)).toBe(0);
    const times = aligned.filter(({ who }) => who === 'r1').map(({ atMs }) => Math.round(atMs));
    expect(times).toEqual([0, 3, 3, 100, 103, 103]);
  });

  it('stands under every chart', () => {
    const recorded = skewed(exchange(0, 0, 2, 2), [0, -50]);
    expect(chart(recorded).mermaid).toContain('r0->>r1: 0 to 2 ms');
    expect(asciiChart(recorded)).toContain('r1>r0 2 to 4 ms');
  });
});

/** A question of r0 and the answer of r1, as true time has it. */
function exchange(i: number, atMs: number, thereMs: number, backMs: number): TraceEvent[] {
  const at = atMs + thereMs;
  const [ask, answer] = [`ask ${i}`, `answer ${i}`];
  return [
    { atMs, who: 'r0', kind: 'send', peer: 'r1', packet: ask, label: ask },
    { atMs: at, who: 'r1', kind: 'receive', peer: 'r0', packet: ask, label: ask },
    { atMs: at, who: 'r1', kind: 'send', peer: 'r0', packet: answer, label: answer },
    { atMs: at + backMs, who: 'r0', kind: 'receive', peer: 'r1', packet: answer, label: answer },
  ];
}

function firstOf(events: readonly TraceEvent[], name: string): number {
  return events.find(({ who }) => who === name)?.atMs ?? Number.NaN;
}
