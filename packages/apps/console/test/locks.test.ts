// Locks, sessions and the bars that run down.
import { describe, expect, it } from 'vitest';
import { leaseBar, leftWords } from '../src/model/lease.ts';
import { type LockSeen, lockRows, type PartySeen, sessionRows } from '../src/model/locks.ts';

const clock = { leaseClock: 50_000, atMs: 1_000 };

const party = (session: string, leaseExpiry = 60_000): PartySeen => {
  return { session, client: `key-${session}`, mode: 'exclusive', token: session, leaseExpiry };
};
const lock = (path: string, more: Partial<LockSeen> = {}): LockSeen => {
  return { path, holders: [], waiters: [], notBefore: 0, ...more };
};

describe('a lease bar', () => {
  it('runs down with the time of the page, to nothing and no further', () => {
    const left = (nowMs: number): number | undefined =>
      leaseBar(60_000, clock, nowMs, 12_000)?.leftMs;
    expect([1_000, 4_000, 11_000, 99_000].map(left)).toEqual([10_000, 7_000, 0, 0]);
  });

  it('does not go back when the clock of the page is set back', () => {
    expect(leaseBar(60_000, clock, 0, 12_000)?.leftMs).toBe(10_000);
  });

  it('is as long as the lease, or as what is left where that is not known', () => {
    expect(leaseBar(60_000, clock, 1_000, 12_000)?.wholeMs).toBe(12_000);
    expect(leaseBar(60_000, clock, 1_000, undefined)?.wholeMs).toBe(10_000);
    expect(leaseBar(60_000, clock, 1_000, 5_000)?.wholeMs).toBe(10_000);
    expect(leaseBar(0, clock, 1_000, undefined)?.wholeMs).toBe(1);
  });

  it('is not there before a clock was heard', () => {
    expect(leaseBar(60_000, undefined, 1_000, 12_000)).toBeUndefined();
  });

  it.each([
    [0, 'ran out'],
    [1, '1 s'],
    [59_000, '59 s'],
    [60_000, '1 min'],
    [65_000, '1 min 5 s'],
  ])('of %i ms says %s', (ms, words) => {
    expect(leftWords(ms)).toBe(words);
  });
});

describe('locks', () => {
  it('stand in order of their paths, with holders and queues as they are', () => {
    const seen = [
      lock('/b', { holders: [party('s1')], waiters: [party('s3'), party('s2')] }),
      lock('/a', { holders: [party('s2')] }),
    ];
    const rows = lockRows(seen, new Map([['s1', 12_000]]), clock, 1_000);
    expect(rows.map(({ path }) => path)).toEqual(['/a', '/b']);
    expect(rows[1]?.waiters.map(({ session }) => session)).toEqual(['s3', 's2']);
    expect(rows[1]?.holders[0]?.bar).toMatchObject({ leftMs: 10_000, wholeMs: 12_000 });
  });

  it('that nobody holds or waits for are left out, unless a lock-delay runs', () => {
    const seen = [
      lock('/free'),
      lock('/over', { notBefore: 49_000 }),
      lock('/delay', { notBefore: 53_000 }),
    ];
    const rows = lockRows(seen, new Map(), clock, 1_000);
    expect(rows.map(({ path, delay }) => [path, delay])).toEqual([['/delay', 'free in 3 s']]);
  });
});

describe('sessions', () => {
  it('are those that hold or wait, each once', () => {
    const seen = [
      lock('/a', { holders: [party('s2')], waiters: [party('s1')] }),
      lock('/b', { holders: [party('s1')] }),
    ];
    const rows = sessionRows(lockRows(seen, new Map(), clock, 1_000));
    expect(rows.map(({ session, holds, waits }) => [session, holds, waits])).toEqual([
      ['s1', ['/b'], ['/a']],
      ['s2', ['/a'], []],
    ]);
  });
});
