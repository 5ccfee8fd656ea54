// Tests of stories: what can have led to an event, and the few lines that tell it.
import type { TraceEvent } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { causalPast, preparedRun, storyOf } from '../src/index.ts';
import { runs } from './runs.ts';

const op = { client: 'c0', kind: 'acquire', path: '/a' };
const send = (
  atMs: number,
  who: string,
  peer: string,
  packet: string,
  label: string,
): TraceEvent => {
  return { atMs, who, kind: 'send', peer, packet, label };
};
const receive = (
  atMs: number,
  who: string,
  peer: string,
  packet: string,
  label: string,
): TraceEvent => {
  return { atMs, who, kind: 'receive', peer, packet, label };
};

/** c0 asks r0, r0 tells r1 and r2; r3 has nothing to do with it; r1 breaks. */
const RUN: readonly TraceEvent[] = [
  { ...send(0, 'c0', 'r0', 'a', 'acquire /a'), ops: [op] },
  send(0, 'r3', 'r2', 'x', 'block 9/r3'),
  { ...receive(2, 'r0', 'c0', 'a', 'acquire /a'), ops: [op] },
  { atMs: 3, who: 'r3', kind: 'crash', label: 'power lost' },
  { ...send(4, 'r0', 'r1', 'b', 'block 1/r0'), block: { slot: '1/r0', id: 'aa' } },
  { ...send(4, 'r0', 'r2', 'c', 'block 1/r0'), block: { slot: '1/r0', id: 'aa' } },
  receive(5, 'r2', 'r3', 'x', 'block 9/r3'),
  receive(7, 'r1', 'r0', 'b', 'block 1/r0'),
  { atMs: 8, who: 'r1', kind: 'commit', label: '3', commit: 3, ops: [op] },
  { atMs: 9, who: 'r1', kind: 'broken', label: 'S12 at r1: expected one holder of /a, got two' },
  receive(11, 'r2', 'r0', 'c', 'block 1/r0'),
  { atMs: 12, who: 'r2', kind: 'note', label: 'later' },
];
const end = RUN[9] as TraceEvent;
const places = (events: Iterable<TraceEvent>): readonly number[] =>
  [...events].map((event) => RUN.indexOf(event)).sort((a, b) => a - b);

describe('causalPast', () => {
  it('holds what an event can have followed from, and nothing else', () => {
    expect(places(causalPast(RUN, [end]))).toEqual([0, 2, 4, 7, 8, 9]);
  });

  it('is closed: with an event it has what came before it on its line, and the send of its packet', () => {
    fc.assert(
      fc.property(runs, fc.nat(30), (events, at) => {
        const run = preparedRun(events);
        const last = run[at % Math.max(1, run.length)];
        if (last === undefined) return;
        const past = causalPast(run, [last]);
        for (const [i, event] of run.entries()) {
          if (!past.has(event)) continue;
          expect(i).toBeLessThanOrEqual(run.indexOf(last));
          const before = run.slice(0, i).findLast(({ who }) => who === event.who);
          expect(before === undefined || past.has(before)).toBe(true);
          const sent = run
            .slice(0, i)
            .find(({ kind, packet }) => kind === 'send' && packet === event.packet);
          const isEnd = event.packet !== undefined && event.kind !== 'send';
          expect(!isEnd || sent === undefined || past.has(sent)).toBe(true);
        }
      }),
    );
  });
});

describe('storyOf', () => {
  it('tells what an event is about in the order of causes, each broadcast in one line', () => {
    const story = storyOf(RUN, { end, words: 'one holder of /a' });
    expect(story.lines.map(({ atMs, text }) => [atMs, text])).toEqual([
      [0, 'c0 sends to r0 after 2 ms: acquire /a'],
      [4, 'r0 sends to r1 after 3 ms, r2 after 7 ms: block 1/r0'],
      [8, 'r1 commit 3'],
      [9, 'BROKEN S12 at r1: expected one holder of /a, got two'],
    ]);
    expect([story.past, story.events]).toEqual([6, RUN.length]);
  });

  it('of nobody in particular has everything before it, mishaps too', () => {
    const { lines } = storyOf(RUN, { end, words: 'of block 1/r0', ofNobody: true });
    expect(lines.map(({ text }) => text)).toEqual([
      'c0 sends to r0 after 2 ms: acquire /a',
      'r3 goes down: power lost',
      'r0 sends to r1 after 3 ms, r2 after 7 ms: block 1/r0',
      'BROKEN S12 at r1: expected one holder of /a, got two',
    ]);
  });

  it('is as short as it is to be, ends with what broke, and goes forward', () => {
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 8 }), (events, linesMax) => {
        const atMs = events.reduce((most, one) => Math.max(most, one.atMs), 0) + 1;
        const broken: TraceEvent = { atMs, who: 'r0', kind: 'broken', label: 'it' };
        const run = preparedRun([...events, broken]);
        const last = run.find(({ label, kind }) => kind === 'broken' && label === 'it') ?? broken;
        const { lines } = storyOf(run, { end: last, words: 'r0', linesMax });
        expect(lines.length).toBeLessThanOrEqual(linesMax);
        expect(lines.some(({ events: told }) => told.includes(last))).toBe(true);
        const times = lines.map((one) => one.atMs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(lines.map(({ text }) => text).join('')).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
