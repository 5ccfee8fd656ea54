// A core that is opened anew while its process lives.
import { utf8 } from '@fatty/codec';
import type { ReplicaEvent } from '@fatty/replica';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Bench, persist } from './bench.ts';

const soon = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

let bench: Bench;
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  bench = new Bench();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The core that comes next, and what it hears. */
function nextCore(): string[] {
  const heard: string[] = [];
  bench.driver.open({
    step: ({ kind }) => {
      heard.push(kind);
      return [];
    },
    resume: () => ({ ok: true, value: { index: 7, commitTs: 1, leaseClock: 1 } }),
    restore: () => [],
  });
  return heard;
}

describe('a driver whose core asks to be opened anew', () => {
  it('lets it put its disk in order, reads the disk only then, and begins with the links that are up', async () => {
    bench.driver.begin();
    bench.link(2);
    bench.link(1);
    bench.script = ({ kind }) => {
      if (kind === 'timer') return [];
      return kind === 'stop' ? [persist(9, utf8('mark'))] : [{ kind: 'reopen' }];
    };
    bench.driver.dispatch({ kind: 'unsigned', bytes: utf8('x') });
    expect(bench.reopens).toBe(0);
    bench.appended[0]?.written(undefined);
    await soon();
    expect(bench.reopens).toBe(0);
    bench.marks[0]?.(undefined);
    await soon();
    expect(bench.reopens).toBe(1);
    // Of the core that has ended: nobody is told.
    expect(bench.told.filter((what) => what === 'persisted')).toEqual([]);
    const heard = nextCore();
    expect(bench.driver.resume([{ head: utf8('h'), payload: utf8('s') }])).toEqual([]);
    bench.driver.begin();
    expect(heard).toEqual(['start', 'peerUp', 'peerUp']);
    bench.driver.dispatch({ kind: 'unsigned', bytes: utf8('y') });
    expect(heard.at(-1)).toBe('unsigned');
  });

  it('refuses the batches that nobody takes, drops what peers say, and knows which links are left', async () => {
    bench.driver.begin();
    bench.link(1);
    bench.link(2);
    const script: typeof bench.script = ({ kind }) => {
      if (kind !== 'unsigned') return [];
      // What is behind it in the queue finds no core any more.
      bench.driver.reopen();
      bench.driver.dispatch({ kind: 'submit', batch: utf8('a'), tag: 1 });
      return [];
    };
    bench.script = script;
    bench.driver.dispatch({ kind: 'unsigned', bytes: utf8('x') });
    bench.driver.reopen();
    bench.driver.dispatch({ kind: 'submit', batch: utf8('b'), tag: 2 });
    bench.driver.dispatch({ kind: 'message', peer: 1, bytes: utf8('m') });
    const gone = bench.links.get(1);
    if (gone) bench.driver.linkDown(1, gone);
    expect(bench.reopens).toBe(1);
    const refused = bench.outward.map((effect) =>
      effect.kind === 'refused' ? [effect.tag, effect.failure.code] : [],
    );
    expect(refused).toEqual([
      [1, 'reopening'],
      [2, 'reopening'],
    ]);
    const heard = nextCore();
    bench.driver.begin();
    expect(heard).toEqual(['start', 'peerUp']);
  });

  it('knows who is linked by the numbers of the next core, and guests are no peers of it', async () => {
    bench.driver.begin();
    const staying = bench.link(1, 11);
    bench.link(2, 12);
    const coming = bench.link(-1, 13);
    expect(bench.told.filter((what) => what === 'peerUp')).toHaveLength(2);
    bench.driver.reopen();
    const heard: ReplicaEvent[] = [];
    const numbers = new Map([
      [11, 0],
      [13, 2],
    ]);
    bench.driver.open(
      {
        step(event) {
          heard.push(event);
          if (event.kind !== 'unsigned') return [];
          return [0, 1, 2].map((peer) => {
            return { kind: 'send', peer, bytes: utf8('hi'), priority: 1 } as const;
          });
        },
      },
      { at: { index: 7, commitTs: 1, leaseClock: 1 }, numberOf: ([key = 0]) => numbers.get(key) },
    );
    bench.driver.begin();
    expect(heard.map((event) => (event.kind === 'peerUp' ? event.peer : event.kind))).toEqual([
      'start',
      0,
      2,
    ]);
    bench.driver.dispatch({ kind: 'unsigned', bytes: utf8('x') });
    expect([staying, coming]).toEqual([['hi'], ['hi']]);
    // The link of who has no number any more is gone from here.
    const gone = bench.links.get(2);
    if (gone) bench.driver.linkDown(2, gone);
    expect(bench.driver.peersUp).toEqual([0, 2]);
  });

  it('hears no timer and no verdict that the old core has asked for', async () => {
    bench.script = ({ kind, nowMs }) =>
      kind === 'start'
        ? [
            { kind: 'setTimer', name: 'heartbeat', atMs: nowMs + 5 },
            { kind: 'verify', job: utf8('j'), client: undefined },
          ]
        : [];
    bench.driver.begin();
    bench.driver.reopen();
    const heard = nextCore();
    bench.driver.begin();
    bench.verdicts[0]?.({ kind: 'accept' });
    await vi.advanceTimersByTimeAsync(50);
    expect(heard).toEqual(['start']);
  });

  it('ends in order when it is closed meanwhile, and begins nothing', async () => {
    bench.driver.begin();
    bench.script = ({ kind }) => (kind === 'stop' ? [persist(1)] : []);
    bench.driver.reopen();
    let closed = false;
    bench.driver.close(() => {
      closed = true;
    });
    bench.appended[0]?.written(undefined);
    await soon();
    expect([closed, bench.reopens, bench.driver.isClosed]).toEqual([true, 0, true]);
    const heard = nextCore();
    bench.driver.begin();
    expect(heard).toEqual([]);
  });
});
