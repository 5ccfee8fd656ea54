// Tests of recorder, lines and merging.
import type { TraceEvent } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineTracer, mergeTraces, Recorder, readTrace, traceLine } from '../src/index.ts';
import { runs, STORY, soundRuns } from './runs.ts';

describe('Recorder', () => {
  it('keeps the last events and counts the rest', () => {
    const recorder = new Recorder(4);
    for (const event of STORY) recorder.trace(event);
    expect(recorder.events).toEqual(STORY.slice(-4));
    expect(recorder.forgotten).toBe(STORY.length - 4);
    expect(new Recorder().forgotten).toBe(0);
  });
});

describe('JSON lines', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(runs, (events) => {
        let text = '';
        const tracer = lineTracer((line) => {
          text += line;
        });
        for (const event of events) tracer.trace(event);
        expect(readTrace(text)).toEqual({ events, badLines: [] });
      }),
    );
  });

  it('survive a torn end and foreign lines', () => {
    const [good] = STORY.map(traceLine);
    const torn = traceLine(STORY[1] as TraceEvent).slice(0, -9);
    expect(readTrace(`${good}\nnonsense\n${torn}`)).toEqual({
      events: [STORY[0]],
      badLines: [3, 4],
    });
  });

  it.each([
    'null',
    '[]',
    '1',
    '{}',
    '{"atMs":"1","who":"r0","kind":"note","label":""}',
    '{"atMs":1e999,"who":"r0","kind":"note","label":""}',
    '{"atMs":1,"who":0,"kind":"note","label":""}',
    '{"atMs":1,"who":"r0","kind":"dance","label":""}',
    '{"atMs":1,"who":"r0","kind":3,"label":""}',
    '{"atMs":1,"who":"r0","kind":"note"}',
    '{"atMs":1,"who":"r0","kind":"note","label":"","peer":1}',
    '{"atMs":1,"who":"r0","kind":"note","label":"","packet":1}',
    '{"atMs":1,"who":"r0","kind":"note","label":"","round":"1"}',
    '{"atMs":1,"who":"r0","kind":"note","label":"","commit":"1"}',
    '{"atMs":1,"who":"r0","kind":"note","label":"","block":null}',
    '{"atMs":1,"who":"r0","kind":"note","label":"","block":{"slot":"1/r0"}}',
    '{"atMs":1,"who":"r0","kind":"note","label":"","ops":{}}',
    '{"atMs":1,"who":"r0","kind":"note","label":"","ops":[null]}',
    '{"atMs":1,"who":"r0","kind":"note","label":"","ops":[{"client":"c0"}]}',
    '{"atMs":1,"who":"r0","kind":"note","label":"","ops":[{"client":"c0","kind":"x","path":1}]}',
  ])('refuse %s', (line) => {
    expect(readTrace(line)).toEqual({ events: [], badLines: [1] });
  });
});

describe('mergeTraces', () => {
  /** Each lifeline's part, on a clock of its own. */
  const split = (events: readonly TraceEvent[], skewsMs: readonly number[]): TraceEvent[][] => {
    const names = [...new Set(events.map((event) => event.who))];
    return names.map((name, i) =>
      events
        .filter((event) => event.who === name)
        .map((event) => ({ ...event, atMs: event.atMs + (skewsMs[i % skewsMs.length] ?? 0) })),
    );
  };

  it('puts every packet after its send and keeps each lifeline in order', () => {
    let repaired = 0;
    const skews = fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(soundRuns, skews, (events, skewsMs) => {
        const merged = mergeTraces(split(events, skewsMs));
        expect(merged.length).toBe(events.length);
        const sent = new Set<string>();
        const sendable = new Set(
          events.flatMap((one) => (one.kind === 'send' ? [one.packet] : [])),
        );
        for (const { kind, packet } of merged) {
          if (packet === undefined) continue;
          if (kind === 'send') sent.add(packet);
          else if (sendable.has(packet)) expect(sent.has(packet)).toBe(true);
        }
        for (const name of new Set(events.map((one) => one.who))) {
          const own = (list: readonly TraceEvent[]): string[] =>
            list
              .filter((one) => one.who === name)
              .map((one) => `${one.kind}${one.packet}${one.label}`);
          expect(own(merged)).toEqual(own(events));
        }
        if (merged.some((one, i) => one.atMs < (merged[i - 1]?.atMs ?? one.atMs))) repaired++;
      }),
      { numRuns: 200 },
    );
    expect(repaired).toBeGreaterThan(10);
  });

  it('goes by time where nothing forbids it, and does not care for the order of files', () => {
    const parts = split(STORY, [0]);
    expect(mergeTraces(parts)).toEqual(mergeTraces([...parts].reverse()));
    const times = mergeTraces(parts).map((one) => one.atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('joins the recordings of a process before and after its crash', () => {
    const before: TraceEvent = { atMs: 5, who: 'r0', kind: 'crash', label: '' };
    const after: TraceEvent = { atMs: 9, who: 'r0', kind: 'restart', label: '' };
    expect(mergeTraces([[after], [before]])).toEqual([before, after]);
  });

  it('comes to an end even on a forged circle', () => {
    const end = (who: string, packet: string): TraceEvent => ({
      atMs: 1,
      who,
      kind: 'receive',
      packet,
      label: '',
    });
    const send = (who: string, packet: string): TraceEvent => ({
      atMs: 2,
      who,
      kind: 'send',
      packet,
      label: '',
    });
    expect(
      mergeTraces([
        [end('r0', 'b'), send('r0', 'a')],
        [end('r1', 'a'), send('r1', 'b')],
      ]).length,
    ).toBe(4);
  });
});
