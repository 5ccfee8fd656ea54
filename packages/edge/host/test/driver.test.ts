// Tests of the order in which effects are performed.
import type { Ref } from '@fatty/broadcast';
import { asDigest, utf8 } from '@fatty/codec';
import type { IndexedBlock, ReplicaEffect, ReplicaEvent } from '@fatty/replica';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { blockKey } from '../src/block-index.ts';
import type { Outward } from '../src/doings.ts';
import { Bench, persist } from './bench.ts';

const refOf = (round: number, author: number, fill = 0): Ref => ({
  round,
  author,
  digest: asDigest(new Uint8Array(32).fill(fill)),
});
const blockOf = (ref: Ref): IndexedBlock => ({
  epoch: 0,
  ref,
  bytes: utf8(`${ref.round}/${ref.author}`),
});
const send = (peer: number, text: string): ReplicaEffect => ({
  kind: 'send',
  peer,
  bytes: utf8(text),
  priority: 1,
});

const soon = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

let bench: Bench;
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  bench = new Bench();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('effects', () => {
  it('are performed in order, and events that arise meanwhile wait for their turn', () => {
    const heard = bench.link(1);
    bench.script = ({ kind }) => {
      if (kind === 'start') {
        const want = { kind: 'refs' as const, epoch: 0, refs: [] };
        return [send(1, 'a'), { kind: 'read', request: 5, want }, send(1, 'b')];
      }
      return kind === 'stored' ? [send(1, 'c')] : [];
    };
    bench.driver.dispatch({ kind: 'start' });
    expect(heard).toEqual(['a', 'b', 'c']);
    expect(bench.told).toEqual([
      'peerUp',
      'start',
      '> send',
      '> read',
      '> send',
      'stored',
      '> send',
    ]);
    expect(bench.events.every((event) => event.nowMs === 1_000_000)).toBe(true);
  });

  it('say persisted only when log and mark are both durable', async () => {
    bench.script = ({ kind }) => (kind === 'start' ? [persist(7, utf8('mark'))] : []);
    bench.driver.dispatch({ kind: 'start' });
    await soon();
    expect(bench.told).toEqual(['start', '> persist']);
    bench.appended[0]?.written(undefined);
    await soon();
    expect(bench.told).not.toContain('persisted');
    bench.marks[0]?.(undefined);
    await soon();
    expect(bench.events.at(-1)).toMatchObject({ kind: 'persisted', token: 7 });
  });

  it('of the last event are on disk before the driver is closed; nobody hears of it', async () => {
    bench.script = ({ kind }) => (kind === 'stop' ? [persist(9, utf8('mark'))] : []);
    let closed = false;
    const closing = bench.close().then(() => {
      closed = true;
    });
    bench.appended[0]?.written(undefined);
    await soon();
    expect(closed).toBe(false);
    bench.marks[0]?.(undefined);
    await closing;
    expect(bench.told).toEqual(['stop', '> persist']);
  });

  it('without a mark ask the log alone', async () => {
    bench.script = ({ kind }) => (kind === 'start' ? [persist(8)] : []);
    bench.driver.dispatch({ kind: 'start' });
    bench.appended[0]?.written(undefined);
    await soon();
    expect(bench.marks).toEqual([]);
    expect(bench.events.at(-1)).toMatchObject({ kind: 'persisted', token: 8 });
  });

  it('end the process when the disk fails: nothing is persisted, nothing signed', async () => {
    bench.script = ({ kind }) => (kind === 'start' ? [persist(9, utf8('mark'))] : []);
    bench.driver.dispatch({ kind: 'start' });
    bench.marks[0]?.(undefined);
    bench.appended[0]?.written(new Error('no space left'));
    await soon();
    expect(bench.fatal.map((error) => error.message)).toEqual(['no space left']);
    expect(bench.told).not.toContain('persisted');
  });

  it('pass what concerns clients and logs on, untouched', () => {
    const failure = { code: 'x', expected: 'y', actual: 'z' };
    const effects: Outward[] = [
      { kind: 'refused', tag: 3, failure },
      { kind: 'delivered', ref: refOf(1, 1) },
      { kind: 'note', note: { what: 'rest' } },
      { kind: 'halt', failure },
    ];
    bench.script = () => effects;
    bench.driver.dispatch({ kind: 'start' });
    expect(bench.outward).toEqual(effects);
  });

  it('ask the verifier and hand on its verdict, also when there is none', async () => {
    const job = utf8('job');
    bench.script = ({ kind }) =>
      kind === 'start' ? [{ kind: 'verify', job, client: undefined }] : [];
    bench.driver.dispatch({ kind: 'start' });
    bench.verdicts[0]?.(undefined);
    await soon();
    expect(bench.events.at(-1)).toMatchObject({ kind: 'verified', job, verdict: undefined });
  });
});

describe('a log that is taken again', () => {
  const restore = (records: number): Promise<Error | undefined> =>
    new Promise((done) => {
      const record = { type: 1, body: utf8('record') };
      bench.driver.restore(
        Array.from({ length: records }, () => record),
        undefined,
        done,
      );
    });

  it('fills the index, tells what it did to the state, and neither clients nor peers', async () => {
    const failure = { code: 'contradiction', expected: 'one', actual: 'two' };
    const block = { epoch: 0, ref: refOf(3, 1), bytes: utf8('block') };
    bench.link(1);
    bench.restored = [
      { kind: 'index', blocks: [block] },
      { kind: 'halt', failure },
    ];
    expect(await restore(2)).toBeUndefined();
    expect(bench.told).toEqual(['peerUp', 'restore 2']);
    expect(bench.replayed.map(({ kind }) => kind)).toEqual(['index', 'halt']);
    expect(bench.outward).toEqual([]);
    expect(bench.kv.get(blockKey(0, block.ref))).toEqual(block.bytes);
  });

  it('and what cannot be taken is said to whoever brought it', async () => {
    bench.kv.write = () => Promise.reject(new Error('full'));
    bench.restored = [
      { kind: 'index', blocks: [{ epoch: 0, ref: refOf(3, 1), bytes: utf8('block') }] },
    ];
    expect((await restore(1))?.message).toBe('full');
    expect(bench.fatal).toEqual([]);
  });
});

describe('a replica that throws', () => {
  const broken = (kind: ReplicaEvent['kind']): void => {
    bench.script = (event) => {
      if (event.kind !== kind) return kind === 'start' ? [] : [persist(1), soonTimer];
      throw new Error('invariant: two commits of one index');
    };
  };
  const soonTimer: ReplicaEffect = { kind: 'setTimer', name: 'heartbeat', atMs: 1_000_050 };

  it('has stopped for good: told once, no event, no timer, no write after it', async () => {
    broken('message');
    bench.driver.dispatch({ kind: 'start' });
    // Neither whoever brought the event hears of it, nor do the events that were waiting count.
    bench.driver.dispatch({ kind: 'message', peer: 1, bytes: utf8('poison') });
    expect(bench.fatal.map(({ message }) => message)).toEqual([
      'invariant: two commits of one index',
    ]);
    const told = bench.told.length;
    bench.driver.dispatch({ kind: 'message', peer: 1, bytes: utf8('poison') });
    bench.link(1);
    bench.appended[0]?.written(new Error('and the disk'));
    await vi.advanceTimersByTimeAsync(1_000);
    await bench.close();
    expect(bench.told.length).toBe(told);
    expect(bench.fatal.length).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('takes the events that waited for their turn with it', () => {
    bench.script = () => {
      bench.driver.dispatch({ kind: 'message', peer: 1, bytes: utf8('next') });
      throw new Error('broken');
    };
    bench.driver.dispatch({ kind: 'start' });
    expect(bench.told).toEqual(['start']);
    expect(bench.fatal.length).toBe(1);
  });
});

describe('timers', () => {
  const timer = (name: 'heartbeat' | 'fetchRetry', atMs: number): ReplicaEffect => ({
    kind: 'setTimer',
    name,
    atMs,
  });
  const fired = (): (string | undefined)[] =>
    bench.events.map((event) => (event.kind === 'timer' ? event.name : undefined)).filter(Boolean);

  it('fire once, at their time, one per name', async () => {
    bench.script = ({ kind }) =>
      kind === 'start'
        ? [timer('heartbeat', 1_000_050), timer('heartbeat', 1_000_100), timer('fetchRetry', 0)]
        : [];
    bench.driver.dispatch({ kind: 'start' });
    await soon();
    expect(fired()).toEqual(['fetchRetry']);
    await vi.advanceTimersByTimeAsync(99);
    expect(fired()).toEqual(['fetchRetry']);
    await vi.advanceTimersByTimeAsync(500);
    expect(fired()).toEqual(['fetchRetry', 'heartbeat']);
  });

  it('do not fire when cleared or closed', async () => {
    bench.script = ({ kind }) =>
      kind === 'start'
        ? [
            timer('heartbeat', 1_000_050),
            timer('fetchRetry', 1_000_050),
            { kind: 'clearTimer', name: 'fetchRetry' },
          ]
        : [];
    bench.driver.dispatch({ kind: 'start' });
    await bench.close();
    await vi.advanceTimersByTimeAsync(1_000);
    bench.driver.dispatch({ kind: 'start' });
    expect(bench.told.filter((word) => !word.startsWith('>'))).toEqual(['start', 'stop']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('links', () => {
  it('drop what is for nobody, and a late goodbye of an old link does not cut the new one', () => {
    bench.link(2);
    const old = bench.links.get(2);
    const heard = bench.link(2);
    if (old) bench.driver.linkDown(2, old);
    expect(bench.told).toEqual(['peerUp', 'peerUp']);
    bench.script = () => [send(2, 'to two'), send(3, 'to nobody')];
    bench.driver.dispatch({ kind: 'start' });
    expect(heard).toEqual(['to two']);
    expect(bench.sent).toEqual([
      [2, true],
      [3, false],
    ]);
    const link = bench.links.get(2);
    bench.script = () => [];
    if (link) bench.driver.linkDown(2, link);
    expect(bench.driver.peersUp).toEqual([]);
    expect(bench.told.at(-1)).toBe('peerDown');
  });
});

describe('block index', () => {
  it('answers reads of refs and of rounds', () => {
    const blocks = [blockOf(refOf(3, 0)), blockOf(refOf(3, 1)), blockOf(refOf(4, 0))];
    const read = (want: Extract<ReplicaEffect, { kind: 'read' }>['want']): unknown => {
      bench.script = ({ kind }) => (kind === 'start' ? [{ kind: 'read', request: 1, want }] : []);
      bench.driver.dispatch({ kind: 'start' });
      return bench.events.at(-1);
    };
    bench.script = () => [{ kind: 'index', blocks }];
    bench.driver.dispatch({ kind: 'start' });
    const some = [refOf(4, 0), refOf(9, 9)];
    expect(read({ kind: 'refs', epoch: 0, refs: some })).toMatchObject({ blocks: [utf8('4/0')] });
    expect(read({ kind: 'rounds', epoch: 0, from: 3, to: 3, blocksMax: 9 })).toMatchObject({
      request: 1,
      blocks: [utf8('3/0'), utf8('3/1')],
    });
  });

  it('is written when the driver closes', async () => {
    bench.script = () => [{ kind: 'index', blocks: [blockOf(refOf(1, 0))] }];
    bench.driver.dispatch({ kind: 'start' });
    expect(bench.kv.get(blockKey(0, refOf(1, 0)))).toBeUndefined();
    await bench.close();
    expect(bench.kv.get(blockKey(0, refOf(1, 0)))).toEqual(utf8('1/0'));
  });
});
