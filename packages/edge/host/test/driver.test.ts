import type { Ref } from '@fatty/broadcast';
import { asDigest, utf8 } from '@fatty/codec';
import type { Link, LogRecord, Verdict } from '@fatty/interface';
import type { IndexedBlock, ReplicaEffect, ReplicaEvent } from '@fatty/replica';
import { memoryKv } from '@fatty/storage';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BlockIndex, blockKey } from '../src/block-index.ts';
import { Driver, type DriverParts, type Outward } from '../src/driver.ts';

type Script = (event: ReplicaEvent) => readonly ReplicaEffect[];

const refOf = (round: number, author: number, fill = 0): Ref => ({
  round,
  author,
  digest: asDigest(new Uint8Array(32).fill(fill)),
});
const send = (peer: number, text: string): ReplicaEffect => ({
  kind: 'send',
  peer,
  bytes: utf8(text),
  priority: 1,
});
const persist = (token: number, mark?: Uint8Array): ReplicaEffect => ({
  kind: 'persist',
  token,
  records: [{ type: 1, body: utf8('record') }],
  mark,
});

/** Everything that happens, in order, as words; disk and verifier answer when told to. */
class Bench {
  readonly told: string[] = [];
  readonly events: ReplicaEvent[] = [];
  readonly outward: Outward[] = [];
  readonly fatal: Error[] = [];
  readonly sent: [peer: number, taken: boolean][] = [];
  readonly appended: {
    records: readonly LogRecord[];
    done: () => void;
    fail: (e: Error) => void;
  }[] = [];
  readonly marks: (() => void)[] = [];
  readonly verdicts: ((verdict: Verdict | undefined) => void)[] = [];
  readonly kv = memoryKv();
  script: Script = () => [];
  readonly driver: Driver;

  constructor() {
    const parts: DriverParts = {
      replica: {
        step: (event) => {
          this.told.push(event.kind);
          this.events.push(event);
          return this.script(event);
        },
      },
      log: {
        append: (records) =>
          new Promise((done, fail) => this.appended.push({ records, done, fail })),
        replay: async function* () {},
        close: async () => undefined,
      },
      kv: this.kv,
      mark: {
        read: async () => undefined,
        write: () => new Promise((done) => this.marks.push(done)),
      },
      verifier: {
        verify: () => new Promise((done) => this.verdicts.push(done)),
        close: async () => undefined,
      },
      clock: { nowMs: () => Date.now(), monotonicMs: () => Date.now() },
      onOutward: (effect) => void this.outward.push(effect),
      onEvent: () => undefined,
      onEffect: (effect) => void this.told.push(`> ${effect.kind}`),
      onPersisted: () => undefined,
      onVerified: () => undefined,
      onSent: ({ peer }, taken) => void this.sent.push([peer, taken]),
      onFatal: (error) => void this.fatal.push(error),
    };
    this.driver = new Driver(parts);
  }

  link(peer: number): string[] {
    const heard: string[] = [];
    const link: Link = {
      peer: new Uint8Array(32) as Link['peer'],
      role: 'replica',
      messageBytesMax: 1 << 20,
      send: (bytes) => heard.push(new TextDecoder().decode(bytes)) > 0,
      close: () => undefined,
    };
    this.driver.linkUp(peer, link);
    this.links.set(peer, link);
    return heard;
  }

  readonly links = new Map<number, Link>();
}

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
        const want = { kind: 'refs' as const, refs: [] };
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
    bench.appended[0]?.done();
    await soon();
    expect(bench.told).not.toContain('persisted');
    bench.marks[0]?.();
    await soon();
    expect(bench.events.at(-1)).toMatchObject({ kind: 'persisted', token: 7 });
  });

  it('of the last event are on disk before the driver is closed; nobody hears of it', async () => {
    bench.script = ({ kind }) => (kind === 'stop' ? [persist(9, utf8('mark'))] : []);
    let closed = false;
    const closing = bench.driver.close().then(() => {
      closed = true;
    });
    bench.appended[0]?.done();
    await soon();
    expect(closed).toBe(false);
    bench.marks[0]?.();
    await closing;
    expect(bench.told).toEqual(['stop', '> persist']);
  });

  it('without a mark ask the log alone', async () => {
    bench.script = ({ kind }) => (kind === 'start' ? [persist(8)] : []);
    bench.driver.dispatch({ kind: 'start' });
    bench.appended[0]?.done();
    await soon();
    expect(bench.marks).toEqual([]);
    expect(bench.events.at(-1)).toMatchObject({ kind: 'persisted', token: 8 });
  });

  it('end the process when the disk fails: nothing is persisted, nothing signed', async () => {
    bench.script = ({ kind }) => (kind === 'start' ? [persist(9, utf8('mark'))] : []);
    bench.driver.dispatch({ kind: 'start' });
    bench.marks[0]?.();
    bench.appended[0]?.fail(new Error('no space left'));
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
    bench.appended[0]?.fail(new Error('and the disk'));
    await vi.advanceTimersByTimeAsync(1_000);
    await bench.driver.close();
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

  it('that are further away than Node can wait fire at their time, not at once and again', async () => {
    const days = 86_400_000;
    const atMs = 1_000_000 + 60 * days;
    bench.script = ({ kind }) => (kind === 'start' ? [timer('heartbeat', atMs)] : []);
    bench.driver.dispatch({ kind: 'start' });
    await vi.advanceTimersByTimeAsync(59 * days);
    expect(fired()).toEqual([]);
    await vi.advanceTimersByTimeAsync(2 * days);
    expect(fired()).toEqual(['heartbeat']);
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
    await bench.driver.close();
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
  const refs = fc.record({
    round: fc.nat({ max: 70_000 }),
    author: fc.nat({ max: 300 }),
    fill: fc.nat({ max: 255 }),
  });
  const blockOf = (ref: Ref): IndexedBlock => ({
    ref,
    bytes: utf8(`${ref.round}/${ref.author}/${ref.digest[0]}`),
  });

  it('has keys whose bytes are in the order of refs', () => {
    fc.assert(
      fc.property(refs, refs, (a, b) => {
        const order = a.round - b.round || a.author - b.author || a.fill - b.fill;
        const [x, y] = [a, b].map((one) => blockKey(refOf(one.round, one.author, one.fill)));
        return Math.sign(Buffer.compare(x ?? utf8(''), y ?? utf8(''))) === Math.sign(order);
      }),
    );
  });

  it('finds every block of the rounds asked for, in order, written or not', async () => {
    const many = fc.array(refs, { maxLength: 40 });
    const rounds = fc.nat({ max: 70_000 });
    await fc.assert(
      fc.asyncProperty(many, many, rounds, rounds, fc.nat({ max: 50 }), async (...given) => {
        const [early, late, a, b, most] = given;
        const index = new BlockIndex(memoryKv(), (error) => {
          throw error;
        });
        const blocks = [...early, ...late].map((one) =>
          blockOf(refOf(one.round, one.author, one.fill)),
        );
        index.add(blocks.slice(0, early.length));
        await index.flush();
        index.add(blocks.slice(early.length));
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const expected = [...new Map(blocks.map((one) => [one.bytes.toString(), one])).values()]
          .filter(({ ref }) => ref.round >= from && ref.round <= to)
          .sort((x, y) => Buffer.compare(blockKey(x.ref), blockKey(y.ref)))
          .map(({ bytes }) => bytes);
        expect(index.rounds(from, to, most)).toEqual(expected.slice(0, most));
        for (const { ref, bytes } of blocks) expect(index.get(ref)).toEqual(bytes);
        expect(index.get(refOf(80_000, 0))).toBeUndefined();
      }),
    );
  });

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
    expect(read({ kind: 'refs', refs: some })).toMatchObject({ blocks: [utf8('4/0/0')] });
    expect(read({ kind: 'rounds', from: 3, to: 3, blocksMax: 9 })).toMatchObject({
      request: 1,
      blocks: [utf8('3/0/0'), utf8('3/1/0')],
    });
  });

  it('is written when the driver closes; a failing disk is fatal', async () => {
    bench.script = () => [{ kind: 'index', blocks: [blockOf(refOf(1, 0))] }];
    bench.driver.dispatch({ kind: 'start' });
    expect(bench.kv.get(blockKey(refOf(1, 0)))).toBeUndefined();
    await bench.driver.close();
    expect(bench.kv.get(blockKey(refOf(1, 0)))).toEqual(utf8('1/0/0'));
    const fatal: string[] = [];
    const broken = memoryKv();
    broken.write = () => Promise.reject(new Error('full'));
    const index = new BlockIndex(broken, (error) => void fatal.push(error.message));
    index.add([blockOf(refOf(1, 0))]);
    await index.flush();
    expect(fatal).toEqual(['full']);
  });
});
