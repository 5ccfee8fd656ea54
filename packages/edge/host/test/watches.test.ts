// Tests of watches at a gateway: what is told, in which order, and what a slow one costs.
import { isTopic, queryShape, topicOf, topicsOf } from '@fatty/api';
import { encode, utf8 } from '@fatty/codec';
import type { CommitEvent, Position } from '@fatty/interface';
import { clientMessageShapeOf, WATCHED_EVENTS_MAX } from '@fatty/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GatewayLimits } from '../src/gateway/contract.ts';
import { isBefore, RetainedEvents, startOf } from '../src/gateway/retained.ts';
import { ALICE, BOB, commitAt, FakeBackend, FakeLink, gatewayOf } from './gateway-fakes.ts';

const shape = clientMessageShapeOf(queryShape);
const event = (about: string, body = about): CommitEvent => ({ about, body: utf8(body) });

class Watching extends FakeBackend {
  override readonly watched = { isTopic, topicsOf, mayHear: () => true };
}

/** A gateway at commit 10, whose commits the test makes. */
function cell(limits: Partial<GatewayLimits> = {}) {
  const backend = new Watching();
  const gateway = gatewayOf(backend, limits);
  let last = 10;
  return {
    backend,
    gateway,
    link(signer = ALICE): FakeLink {
      const link = new FakeLink(signer);
      gateway.linkUp(link);
      return link;
    },
    say(link: FakeLink, message: Parameters<typeof shape.toItem>[0]): void {
      gateway.message(link, encode(shape, message));
    },
    watch(link: FakeLink, path: string, more: object = {}): void {
      const message = {
        kind: 'watch',
        watch: 1,
        topic: topicOf(path, true),
        from: startOf(11),
        room: 100,
      };
      this.say(link, { ...message, ...more } as never);
    },
    commit(...events: readonly CommitEvent[]): number {
      last += 1;
      gateway.committed(commitAt(last), { receipts: [], notices: [], events });
      return last;
    },
  };
}

interface Heard {
  readonly told: string[];
  readonly until: Position | undefined;
  readonly ended: string | undefined;
  readonly first: number | undefined;
}

/** What a link has heard of one watch; fails where it does not ascend without a gap. */
function heard(link: FakeLink, watch = 1): Heard {
  const told: string[] = [];
  let [until, ended, first]: [Position | undefined, string | undefined, number | undefined] = [
    undefined,
    undefined,
    undefined,
  ];
  for (const message of link.take()) {
    if (message.kind === 'watchEnded' && message.watch === watch) {
      ended = message.failure.code;
      first = message.first;
    }
    if (message.kind !== 'watched' || message.watch !== watch) continue;
    for (const { position, body } of message.events) {
      if (until) expect(isBefore(position, until)).toBe(false);
      expect(isBefore(position, message.until)).toBe(true);
      told.push(`${position.commit}.${position.index} ${new TextDecoder().decode(body)}`);
    }
    until = message.until;
  }
  return { told, until, ended, first };
}

describe('topics', () => {
  test('a watch of a node hears of it and of what stands in it, a recursive one of all below', () => {
    const of = (path: string): readonly string[] => topicsOf(path);
    expect(of('/a/b/c')).toContain(topicOf('/a/b/c', false));
    expect(of('/a/b/c')).toContain(topicOf('/a/b', false));
    expect(of('/a/b/c')).not.toContain(topicOf('/a', false));
    for (const above of ['/a/b/c', '/a/b', '/a', '/']) {
      expect(of('/a/b/c')).toContain(topicOf(above, true));
    }
    expect(of('/ab')).not.toContain(topicOf('/a', true));
    expect(of('/')).toEqual([topicOf('/', false), topicOf('/', true)]);
  });

  test('nothing else is a topic', () => {
    expect([topicOf('/', true), topicOf('/a', false)].map(isTopic)).toEqual([true, true]);
    expect(['', 'tree', 'tree a', 'tree /a//b', 'leaf /a', 'node /a/'].map(isTopic)).toEqual(
      Array.from({ length: 6 }, () => false),
    );
  });
});

describe('a watch', () => {
  test('hears of its topic alone, in the turn of the commit, with the place of each event', () => {
    const it = cell();
    const own = it.link();
    it.watch(own, '/a');
    expect(heard(own)).toMatchObject({ told: [], until: startOf(11) });
    it.commit(event('/a/x'), event('/b'), event('/a'));
    expect(heard(own)).toMatchObject({ told: ['11.0 /a/x', '11.2 /a'], until: startOf(12) });
    it.commit(event('/b'));
    expect(heard(own).until).toBeUndefined();
  });

  test('hears once a second that there was nothing', () => {
    const it = cell();
    const own = it.link();
    it.watch(own, '/a');
    it.commit(event('/b'));
    it.commit();
    heard(own);
    it.backend.pass(1_000);
    expect(heard(own)).toMatchObject({ told: [], until: startOf(13) });
    it.backend.pass(1_000);
    expect(heard(own).until).toBeUndefined();
  });

  test('begins in the past, also within a commit, or in the future', () => {
    const it = cell();
    it.commit(event('/a/1'), event('/a/2'));
    it.commit(event('/a/3'));
    const [past, future] = [it.link(), it.link(BOB)];
    it.watch(past, '/a', { from: { commit: 11, index: 1 } });
    expect(heard(past).told).toEqual(['11.1 /a/2', '12.0 /a/3']);
    it.watch(future, '/a', { from: { commit: 14, index: 1 } });
    for (let i = 0; i < 3; i++) it.commit(event(`/a/x${i}`), event(`/a/y${i}`));
    expect(heard(future).told).toEqual(['14.1 /a/y1', '15.0 /a/x2', '15.1 /a/y2']);
  });

  test('begins where the replica is, and says where that is', () => {
    const it = cell();
    it.commit(event('/a/1'));
    const own = it.link();
    it.watch(own, '/a', { from: undefined });
    expect(heard(own)).toMatchObject({ told: [], until: startOf(12) });
    it.commit(event('/a/2'));
    expect(heard(own).told).toEqual(['12.0 /a/2']);
  });

  test('is told of no more than it has room for; more room, and it goes on without gap or double', () => {
    const it = cell();
    const own = it.link();
    it.watch(own, '/a', { room: 2 });
    it.commit(event('/a/0'), event('/a/1'), event('/a/2'));
    it.commit(event('/a/3'));
    expect(heard(own)).toMatchObject({ told: ['11.0 /a/0', '11.1 /a/1'] });
    it.backend.pass(5_000);
    expect(heard(own).told).toEqual([]);
    it.say(own, { kind: 'watchMore', watch: 1, room: 1 });
    it.backend.pass(100);
    expect(heard(own).told).toEqual(['11.2 /a/2']);
    it.say(own, { kind: 'watchMore', watch: 1, room: 9 });
    it.backend.pass(100);
    expect(heard(own)).toMatchObject({ told: ['12.0 /a/3'], until: startOf(13) });
    it.commit(event('/a/4'));
    expect(heard(own).told).toEqual(['13.0 /a/4']);
  });

  test('whose link is full goes on when it is not, and nobody else waits for it', () => {
    const it = cell();
    const [slow, other] = [it.link(), it.link(BOB)];
    it.watch(slow, '/a');
    it.watch(other, '/a');
    slow.isFull = true;
    it.commit(event('/a/0'));
    it.commit(event('/a/1'));
    expect(heard(other).told).toEqual(['11.0 /a/0', '12.0 /a/1']);
    it.backend.pass(200);
    slow.isFull = false;
    it.backend.pass(200);
    expect(heard(slow)).toMatchObject({ told: ['11.0 /a/0', '12.0 /a/1'], until: startOf(13) });
  });

  test('ends when unwatched, and with its link', () => {
    const it = cell();
    const [one, two] = [it.link(), it.link(BOB)];
    it.watch(one, '/a');
    it.watch(two, '/a');
    it.say(one, { kind: 'unwatch', watch: 1 });
    it.gateway.linkDown(two);
    one.take();
    two.take();
    it.commit(event('/a/0'));
    it.backend.pass(3_000);
    expect([one.take(), two.take()]).toEqual([[], []]);
    expect(it.backend.timers).toEqual([]);
  });
});

describe('what cannot be told', () => {
  test('an early place is compacted, and names the first commit that is here', () => {
    const it = cell({ eventBytesMax: 1_000 });
    for (let i = 0; i < 10; i++) it.commit(event('/a/x'));
    const own = it.link();
    it.watch(own, '/a', { from: startOf(9) });
    const { ended, first = 0 } = heard(own);
    expect(ended).toBe('compacted');
    expect(first).toBeGreaterThan(11);
    it.watch(own, '/a', { from: startOf(first) });
    expect(heard(own).told.length).toBe(21 - first);
  });

  test('a watch that is too slow has lagged; a quick one of the same ring has not', () => {
    const it = cell({ eventBytesMax: 1_000 });
    const [slow, quick] = [it.link(), it.link(BOB)];
    it.watch(slow, '/a', { room: 1 });
    it.watch(quick, '/a');
    for (let i = 0; i < 10; i++) it.commit(event('/a/x'));
    it.backend.pass(1_000);
    expect(heard(slow)).toMatchObject({ told: ['11.0 /a/x'], ended: 'lagged' });
    expect(heard(quick)).toMatchObject({ ended: undefined });
  });

  test('a silent topic does not lag, however much the others say', () => {
    const it = cell({ eventBytesMax: 1_000 });
    const own = it.link();
    it.watch(own, '/silent');
    for (let i = 0; i < 30; i++) it.commit(event('/a/x'));
    own.isFull = true;
    it.commit(event('/silent'));
    own.isFull = false;
    it.backend.pass(100);
    expect(heard(own)).toMatchObject({ told: ['41.0 /silent'], ended: undefined });
  });

  test.each([
    ['bad_topic', { topic: 'tree nowhere' }],
    ['watch_reused', {}],
  ])('refused as %s', (code, change) => {
    const it = cell();
    const own = it.link();
    it.watch(own, '/a');
    own.take();
    it.watch(own, '/a', { ...(code === 'bad_topic' ? { watch: 2 } : {}), ...change });
    expect(heard(own, code === 'bad_topic' ? 2 : 1).ended).toBe(code);
  });

  test('an algorithm without events says so', () => {
    const backend = new FakeBackend();
    const gateway = gatewayOf(backend);
    const own = new FakeLink();
    gateway.linkUp(own);
    const topic = topicOf('/', true);
    gateway.message(
      own,
      encode(shape, { kind: 'watch', watch: 1, topic, from: startOf(0), room: 1 }),
    );
    expect(heard(own).ended).toBe('no_events');
  });

  test('watches are counted by key, over all its links, and given back', () => {
    const it = cell({ watchesPerClientMax: 3 });
    const [one, two, other] = [it.link(), it.link(), it.link(BOB)];
    for (const watch of [1, 2]) it.watch(one, '/a', { watch });
    for (const watch of [1, 2]) it.watch(two, '/a', { watch });
    it.watch(other, '/a');
    expect(heard(two, 2).ended).toBe('too_many_watches');
    expect(heard(other).ended).toBeUndefined();
    it.gateway.linkDown(one);
    it.watch(two, '/a', { watch: 2 });
    expect(heard(two, 2).ended).toBeUndefined();
  });

  test('all watches of a gateway are bounded', () => {
    const it = cell({ watchesMax: 1 });
    const [one, two] = [it.link(), it.link(BOB)];
    it.watch(one, '/a');
    it.watch(two, '/a');
    expect(heard(two).ended).toBe('too_many_watches');
  });
});

test('replayed commits are told to whoever asks; what a core replays twice, once', () => {
  const it = cell();
  it.gateway.replayed(commitAt(11), { events: [event('/a/1')] });
  it.gateway.replayed(commitAt(12), { events: [event('/a/2')] });
  it.gateway.replayed(commitAt(12), { events: [event('/a/2')] });
  it.gateway.resume(commitAt(12));
  const own = it.link();
  it.watch(own, '/a');
  expect(heard(own)).toMatchObject({ told: ['11.0 /a/1', '12.0 /a/2'], until: startOf(13) });
});

test('a gateway that has jumped over commits knows nothing of them, and says so', () => {
  const it = cell();
  it.commit(event('/a/1'));
  it.gateway.resume(commitAt(500));
  const own = it.link();
  it.watch(own, '/a');
  expect(heard(own)).toMatchObject({ ended: 'compacted', first: 501 });
});

/** What the test does: commits with so many events, room, a full link, time. */
const act = fc.oneof(
  fc.record({ kind: fc.constant('commit' as const), paths: fc.array(fc.nat(2), { maxLength: 5 }) }),
  fc.record({ kind: fc.constant('more' as const), room: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ kind: fc.constant('full' as const), isFull: fc.boolean() }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 60, 1_000) }),
);

test('whatever a client and the cell do, a watch tells a gapless part of the history, or has lagged', () => {
  const reached = { lagged: 0, whole: 0, waited: 0 };
  fc.assert(
    fc.property(
      fc.array(act, { minLength: 10, maxLength: 80, size: 'max' }),
      fc.integer({ min: 200, max: 2_500 }),
      (acts, eventBytesMax) => {
        const it = cell({ eventBytesMax });
        const own = it.link();
        const all: string[] = [];
        const told: string[] = [];
        let ended: string | undefined;
        let n = 0;
        it.watch(own, '/1', { room: 3 });
        const hear = (): void => {
          const more = heard(own);
          told.push(...more.told);
          ended ??= more.ended;
        };
        for (const one of acts) {
          if (one.kind === 'commit') {
            const events = one.paths.map((path) => event(`/${path}/x`, `${n++}`));
            const commit = it.commit(...events);
            for (const [index, { about, body }] of events.entries()) {
              if (about === '/1/x')
                all.push(`${commit}.${index} ${new TextDecoder().decode(body)}`);
            }
          }
          if (one.kind === 'more') it.say(own, { kind: 'watchMore', watch: 1, room: one.room });
          if (one.kind === 'full') own.isFull = one.isFull;
          if (one.kind === 'pass') it.backend.pass(one.ms);
          hear();
        }
        if (told.length < all.length) reached.waited++;
        own.isFull = false;
        it.say(own, { kind: 'watchMore', watch: 1, room: WATCHED_EVENTS_MAX });
        it.backend.pass(10_000);
        hear();
        expect(told).toEqual(all.slice(0, told.length));
        if (ended === undefined) expect(told).toEqual(all);
        else expect(ended).toBe('lagged');
        reached[ended === undefined ? 'whole' : 'lagged']++;
      },
    ),
    { numRuns: 300 },
  );
  expect(reached.lagged).toBeGreaterThan(10);
  expect(reached.waited).toBeGreaterThan(30);
  expect(reached.whole).toBeGreaterThan(100);
});

test('the ring keeps the newest events within its bytes, whole commits, the newest always', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(6), { maxLength: 80 }),
      fc.integer({ min: 1, max: 3_000 }),
      (counts, bytesMax) => {
        const ring = new RetainedEvents(bytesMax);
        const all: Position[] = [];
        for (const [i, count] of counts.entries()) {
          const events = Array.from({ length: count }, () => event('/some/path'));
          ring.push(i + 1, events);
          for (const index of events.keys()) all.push({ commit: i + 1, index });
        }
        const { first, next } = ring;
        expect(next).toBe(counts.length + 1);
        const kept = ring.from(startOf(first), 10_000);
        expect(kept.events.map(({ position }) => position)).toEqual(
          all.filter(({ commit }) => commit >= first),
        );
        const commits = new Set(kept.events.map(({ position }) => position.commit));
        expect(ring.bytes <= bytesMax || commits.size === 1).toBe(true);
        const some = ring.from(startOf(first), 3);
        const rest = ring.from(some.until, 10_000);
        expect([...some.events, ...rest.events]).toEqual(kept.events);
      },
    ),
  );
});
