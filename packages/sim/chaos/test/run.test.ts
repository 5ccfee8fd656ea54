// Schedules by seed, and what a report makes of its findings.
import type { Call, CallOp, CallOutcome } from '@fatty/judge';
import { describe, expect, it } from 'vitest';
import { epochsIn, pausesAfter, quantile, tally } from '../src/report.ts';
import { killsOf, SPELLS, type Spell, scheduleOf } from '../src/schedule.ts';

const take = (spells: Iterable<Spell>, count: number): Spell[] => {
  const found: Spell[] = [];
  for (const spell of spells) {
    found.push(spell);
    if (found.length === count) break;
  }
  return found;
};

describe('a schedule', () => {
  const size = { replicas: 4, clients: 3, liar: undefined };

  it('is the same for the same seed, and another for another', () => {
    expect(take(scheduleOf(3, size), 50)).toEqual(take(scheduleOf(3, size), 50));
    expect(take(scheduleOf(3, size), 50)).not.toEqual(take(scheduleOf(4, size), 50));
    const kills = { replicas: 4, replaceEvery: 20 };
    expect(take(killsOf(3, 50, kills), 50)).toEqual([...killsOf(3, 50, kills)]);
  });

  it('has every kind of spell', () => {
    const kinds = new Set(take(scheduleOf(1, size), 300).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([...SPELLS].sort());
  });

  it('of kills lets every so many never come back', () => {
    const kinds = [...killsOf(3, 60, { replicas: 4, replaceEvery: 20 })].map(({ kind }) => kind);
    const replaced = kinds.flatMap((kind, i) => (kind === 'replace' ? [i + 1] : []));
    expect([kinds.length, replaced]).toEqual([60, [20, 40, 60]]);
    const all = [...killsOf(3, 60, { replicas: 4 })];
    expect(all.every(({ kind }) => kind === 'kill')).toBe(true);
  });

  it('kills no liar, and never all replicas beside one', () => {
    const spells = take(scheduleOf(1, { ...size, liar: 2 }), 300);
    const hits = spells.filter(({ kind, victim }) => kind !== 'freeze' && victim === 2);
    expect(hits).toEqual([]);
    expect(spells.some(({ kind }) => kind === 'blackout')).toBe(false);
  });
});

const call = (start: number, end: number, op: CallOp, outcome: CallOutcome): Call => {
  return { client: 'a', path: '/p', op, start, end, outcome };
};

describe('a report', () => {
  const put: CallOp = { kind: 'put', value: '1' };
  const ok: CallOutcome = { kind: 'ok' };
  const run = { seed: 1, dir: '', tookMs: 1, liar: undefined, links: 0 };
  const base = { ...run, judged: [], calls: [], ended: [], broken: [], epochs: [] };

  it('says for how long nothing was acknowledged while an epoch ended', () => {
    const calls = [
      call(0, 90, put, ok),
      call(0, 110, put, ok),
      call(0, 250, { kind: 'read' }, ok),
      call(0, 260, put, { kind: 'unknown' }),
      call(0, 420, put, ok),
      call(0, 500, put, ok),
      call(0, 1_300, put, ok),
    ];
    const span = { victim: 0, joiner: 4, killedMs: 50, movedMs: 100, doneMs: 400, epoch: 1 };
    const kill = { victim: 0, atMs: 50 };
    expect(epochsIn(calls, [kill, { ...kill, replaced: span }])).toEqual([
      { epoch: 1, tookMs: 300, pauseMs: 800 },
    ]);
    // Nothing at all is the whole span.
    expect(epochsIn([], [{ ...kill, replaced: span }])[0]?.pauseMs).toBe(1_300);
  });

  it('measures from a kill to the first change that was asked for later', () => {
    const calls = [
      // Asked for before the kill, read only, refused, unknown: none of them is a commit after it.
      call(5, 12, put, ok),
      call(11, 13, { kind: 'read' }, ok),
      call(11, 14, put, { kind: 'refused', code: 'exists' }),
      call(11, 11, put, { kind: 'unknown' }),
      call(12, 40, put, ok),
      call(15, 30, put, ok),
    ];
    const kills = [0, 10, 100].map((atMs) => ({ victim: 0, atMs }));
    expect(pausesAfter(calls, kills)).toEqual([12, 20]);
    const { failures } = tally({ ...base, spells: [], kills, pausesMs: [12, 20] });
    expect(failures).toEqual(['no commit after the last kill']);
  });

  it('fails when a client ends badly, a path contradicts itself, or has no verdict', () => {
    const ended = [
      { name: 'a', exit: 0 },
      { name: 'b', exit: 1 },
      { name: 'c', exit: null },
    ];
    const { failures } = tally({
      ...base,
      spells: [],
      kills: [],
      pausesMs: [],
      broken: ['kill 1: it is not in step'],
      ended,
      judged: [
        { kind: 'linearizable', path: '/1', order: [] },
        { kind: 'contradiction', path: '/2', calls: [], text: '/2: no order' },
        { kind: 'undecided', path: '/3', text: '/3: no verdict' },
      ],
    });
    expect(failures).toEqual([
      'kill 1: it is not in step',
      'b ended with 1',
      'c ended with SIGKILL',
      '/2: no order',
      '/3: no verdict',
    ]);
  });

  it('takes quantiles of what was measured', () => {
    const sorted = Array.from({ length: 200 }, (_, i) => i + 1);
    expect([quantile(sorted, 0.5), quantile(sorted, 0.99), quantile([], 0.5)]).toEqual([
      100,
      198,
      undefined,
    ]);
  });
});
