// Tests of sessions round an algorithm.
import { decode, fromUtf8, hash, utf8 } from '@fatty/codec';
import type { Algorithm, Source } from '@fatty/interface';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashByHand, pin, pinned } from '../../codec/test/by-hand.ts';
import { type Plain, reference } from '../../codec/test/reference.ts';
import {
  ANSWER_BYTES_MAX,
  DEFAULT_SESSION_LIMITS,
  encodeHostedOp,
  type HostedOp,
  hosted,
  hostedNoticeShape,
  ownOp,
} from '../src/index.ts';
import { sessionRootsByHand } from './roots-by-hand.ts';
import { Chain, Client, context, member, World, words } from './world.ts';

const golden = new URL('./golden/', import.meta.url);
const LIMITS = DEFAULT_SESSION_LIMITS;

describe('a session', () => {
  test('opens, applies in turn, answers what it said before, ends', () => {
    const [world, client] = [new World(), new Client(1)];
    expect(world.say(client.open(10_000, 'a'))).toEqual(['sessionOpened', '1']);
    const b = client.batch(['b', 'c']);
    expect(world.say(b)).toEqual(['2', '3']);
    expect(world.say(b)).toEqual(['2', '3']);
    expect(world.run([client.batch(['later'], 9)])).toEqual({
      receipts: [],
      notices: [],
      settled: [],
    });
    expect(world.algorithm.length).toBe(3);
    expect(world.machine.hasUsed(b)).toBe(true);
    expect(world.machine.receiptOf(b)?.results.map(words)).toEqual(['2', '3']);
    expect(world.say(client.batch([{ kind: 'closeSession' }, 'd']))).toEqual([
      'sessionClosed',
      'session_unknown',
    ]);
    expect(world.machine.needsTime()).toBe(false);
  });

  test('lives on by keep-alives and a new chain, and ends with its lease', () => {
    const [world, client] = [new World(), new Client(1)];
    world.run([client.open(10_000)]);
    world.leaseClock = 9_999;
    const { notices } = world.run([], [client.keepAlive(2)]);
    expect(notices.map(({ body }) => decode(hostedNoticeShape, body, 100))).toEqual([
      { ok: true, value: { kind: 'renewed', i: 2, leaseExpiry: 19_999, lastNumber: 0 } },
    ]);
    expect(world.machine.unsigned.hasReached(client.keepAlive(2))).toBe(true);
    world.leaseClock = 15_000;
    const anchor = hash('another chain');
    expect(world.say(client.batch([{ kind: 'reanchor', anchor }]))).toEqual(['reanchored']);
    expect(world.run([], [client.keepAlive(3)]).notices).toEqual([]);
    world.leaseClock = 24_999;
    expect(world.run([]).notices).toEqual([]);
    world.leaseClock = 25_000;
    const [ended] = world.run([]).notices;
    expect(decode(hostedNoticeShape, ended?.body ?? new Uint8Array(0), 100)).toMatchObject({
      value: { kind: 'sessionExpired' },
    });
    expect(world.say(client.batch(['late']))).toEqual(['session_unknown']);
  });

  test('keeps the receipts of 64 seqs', () => {
    const [world, client] = [new World(), new Client(1)];
    const sent = [client.open(60_000)];
    for (let i = 0; i < 70; i++) sent.push(client.batch([`${i}`]));
    for (const batch of sent) world.run([batch]);
    expect(sent.slice(-64).map((batch) => world.say(batch)[0])).toEqual(
      Array.from({ length: 64 }, (_, i) => String(i + 7)),
    );
    expect(world.say(sent[6] ?? client.open())).toEqual(['receipt_forgotten']);
  });
});

describe('every refusal has a code', () => {
  const judged = (op: Uint8Array, seq = 0, index = 0): string => {
    const { key: client, session, basis } = new Client(1);
    const source: Source = { client, session, basis, seq, index, author: member(0) };
    const { machine } = new World();
    const opened = machine.open(op);
    if (!opened.ok) return opened.failure.code;
    const verdict = machine.validate(source, opened.value);
    return verdict.kind === 'reject' || verdict.kind === 'ignore' ? verdict.code : verdict.kind;
  };
  const open = (nonce: Uint8Array, leaseMs: number): Uint8Array =>
    encodeHostedOp({ kind: 'openSession', nonce, anchor: hash('anchor'), leaseMs });
  const { nonce } = new Client(1);

  test.each([
    ['a good opening', open(nonce, 10_000), 0, 0, 'accept'],
    ['one of another session', open(new Uint8Array(16), 10_000), 0, 0, 'misplaced_open'],
    ['one in a later batch', open(nonce, 10_000), 1, 0, 'misplaced_open'],
    ['one behind an op', open(nonce, 10_000), 0, 1, 'misplaced_open'],
    ['one with a long lease', open(nonce, 60_001), 0, 0, 'bad_lease'],
    ['one with a short lease', open(nonce, 3_999), 0, 0, 'bad_lease'],
    ['no op at all', utf8('junk'), 0, 0, 'malformed'],
    ['an op of the algorithm', ownOp(utf8('a')), 0, 0, 'accept'],
    ['one that it refuses', ownOp(Uint8Array.of(0xfe)), 0, 0, 'bad_op'],
    ['one that it throws at', ownOp(Uint8Array.of(0xff)), 0, 0, 'algorithm_failed'],
    ['one that it cannot read', ownOp(Uint8Array.of(0xfa)), 0, 0, 'bad_bytes'],
    ['one that it throws at when it reads', ownOp(Uint8Array.of(0xfb)), 0, 0, 'algorithm_failed'],
    ['the end of a session', encodeHostedOp({ kind: 'closeSession' }), 3, 0, 'accept'],
  ])('validate: %s', (_, op, seq, index, code) => {
    expect(judged(op, seq, index)).toBe(code);
  });

  test('at its turn', () => {
    const world = new World({ basisCommitsMax: 6, limits: { ...LIMITS, sessionsMax: 8 } });
    const client = new Client(1);
    const first = client.open();
    expect(world.say(client.batch(['before']))).toEqual(['session_unknown']);
    expect(world.say(new Client(1, 1, 100).open())).toEqual(['future_basis']);
    world.run([first]);
    const stranger = { ...client.batch(['x'], 1), client: new Client(2).key };
    expect(world.say(stranger)).toEqual(['session_not_yours']);
    expect(world.say(client.batch([{ kind: 'closeSession' }], 1))).toEqual(['sessionClosed']);
    expect(world.say(first)).toEqual(['session_reused']);
    expect(world.say(new Client(1, 2).open())).toEqual(['stale_basis']);
    const opened = [...Array(12).keys()].map((n) => {
      const { commit } = world;
      return world.say({ ...new Client(n + 10, n, commit).open(), author: member(n % 4) })[0];
    });
    expect(opened).toEqual([
      ...Array(8).fill('sessionOpened'),
      ...Array(4).fill('too_many_sessions'),
    ]);
    const full = new World({ limits: { ...LIMITS, sessionsMax: 8 } });
    const atOne = [1, 2, 3].map((n) => full.say(new Client(n).open())[0]);
    expect(atOne).toEqual(['sessionOpened', 'sessionOpened', 'gateway_full']);
    const again = new Client(7).open(10_000, {
      kind: 'openSession',
      nonce,
      anchor: hash('anchor'),
      leaseMs: 10_000,
    });
    expect(full.say({ ...again, author: member(1) })).toEqual(['sessionOpened', 'misplaced_open']);
  });

  test('an algorithm that throws or says too much harms nobody', () => {
    const [world, client] = [new World(), new Client(1)];
    world.run([client.open()]);
    const own = (byte: number): HostedOp => ({ kind: 'own', op: Uint8Array.of(byte) });
    const batch = client.batch([own(0xfd), own(0xfc), 'good']);
    expect(world.say(batch)).toEqual(['algorithm_failed', 'answer_lost', '2']);
    const { machine } = world;
    expect(machine.query(utf8('?'))).toMatchObject({ ok: true, value: utf8('2') });
    const code = (question: number): unknown => machine.query(Uint8Array.of(question));
    expect(code(1)).toMatchObject({ failure: { code: 'answer_too_large' } });
    expect(code(2)).toMatchObject({ failure: { code: 'algorithm_failed' } });
    const mute: Algorithm = Object.assign(new Chain(), { query: undefined });
    expect(hosted(() => mute, context).query(utf8('?'))).toMatchObject({
      failure: { code: 'no_query' },
    });
  });

  test.each([undefined, null, 'text', { length: 2 }, Promise.resolve(1)])(
    'an algorithm that answers %o, as plain JavaScript may, harms nobody',
    (answer) => {
      const [world, client] = [new World(), new Client(1)];
      world.run([client.open()]);
      const methods = { apply: () => answer, query: () => answer };
      Object.assign(world.algorithm, methods);
      expect(world.say(client.batch(['a']))).toEqual(['algorithm_failed']);
      const failed = { failure: { code: 'algorithm_failed' } };
      expect(world.machine.query(utf8('?'))).toMatchObject(failed);
    },
  );

  test.each([undefined, 7])('an algorithm whose open answers %o has read nothing', (answer) => {
    const chain: Algorithm = Object.assign(new Chain(), { open: () => answer });
    const machine = hosted(() => chain, context);
    expect(machine.open(ownOp(utf8('a')))).toMatchObject({ failure: { code: 'algorithm_failed' } });
  });

  test('a gateway is told beforehand', () => {
    const [world, client] = [new World(), new Client(1)];
    const { machine } = world;
    const code = (batch: Parameters<typeof machine.precheck>[0]): string => {
      const verdict = machine.precheck(batch);
      return verdict.kind === 'accept' ? 'accept' : verdict.code;
    };
    const first = client.open();
    expect(code(first)).toBe('accept');
    expect(code(new Client(1, 1, 50).open())).toBe('accept');
    expect(code(client.batch(['a'], 1))).toBe('session_unknown');
    world.run([first]);
    expect(code(first)).toBe('already_applied');
    expect(code(client.batch(['a'], 5))).toBe('accept');
    expect(code({ ...client.batch(['a'], 1), client: new Client(2).key })).toBe(
      'session_not_yours',
    );
    expect(machine.unsigned.precheck(client.keepAlive(1)).kind).toBe('accept');
    expect(machine.unsigned.precheck({ ...client.keepAlive(1), rank: 2 })).toMatchObject({
      kind: 'reject',
      code: 'bad_keep_alive',
    });
    expect(machine.unsigned.precheck(new Client(9).keepAlive(1))).toMatchObject({
      code: 'session_unknown',
    });
    expect([machine.hasSession(client.key), machine.hasSession(new Client(2).key)]).toEqual([
      true,
      false,
    ]);
  });
});

describe('a view', () => {
  test('shows pending ops of open sessions, in turn, and leaves the machine alone', () => {
    const [world, client] = [new World(), new Client(1)];
    world.run([client.open()]);
    const [root, view] = [world.machine.root(), world.machine.view()];
    const [a, b] = [client.batch(['a']), client.batch(['b'])];
    const shown = (): string | undefined => {
      const reply = view.query(utf8('?'));
      return reply.ok ? fromUtf8(reply.value) : undefined;
    };
    view.deliverBatch(b);
    view.deliverBatch(new Client(2).open(10_000, 'not open yet'));
    view.deliverBatch({ ...a, client: new Client(2).key });
    expect(shown()).toBe('0');
    view.deliverBatch(a);
    view.deliverBatch(a);
    view.deliverBatch(b);
    expect(shown()).toBe('2');
    expect(world.machine.root()).toEqual(root);
    const copy = world.machine.fresh();
    copy.restore(world.machine.snapshot());
    for (const batch of [a, b]) copy.deliverBatch(batch);
    expect(copy.root()).toEqual(view.root());
  });
});

describe('a snapshot', () => {
  /** A live session with two receipts, and the grave of one that was closed. */
  const lived = (): World => {
    const [world, one, two] = [new World(), new Client(1), new Client(2)];
    world.leaseClock = 70_000;
    world.run([one.open(10_000, 'a'), two.open(4_000)]);
    world.run([one.batch(['b']), two.batch([{ kind: 'closeSession' }])], [one.keepAlive(1)]);
    return world;
  };

  test('is written as the rules say: state, last commit, sessions, graves, floors', () => {
    const [world, one, two] = [lived(), new Client(1), new Client(2)];
    const state = world.algorithm.snapshot();
    const opened = reference([1, [1, 0], 10_000, 80_000]);
    const own = (text: string): Uint8Array => reference([4, utf8(text)]);
    const receipts = [
      [0, one.open(10_000, 'a').id, 1, [opened, own('1')]],
      [1, one.batch(['b']).id, 2, [own('2')]],
    ];
    const session = [
      one.session,
      one.key,
      member(0),
      [1, 0],
      10_000,
      10_000,
      one.chain[1],
      1,
      80_000,
      1,
    ];
    const head = [0, 2, 70_000, 70_000];
    const tables = [
      [[...session, receipts]],
      [[two.session, two.key, member(0), 10_000]],
      [],
    ] as Plain[];
    const byHand = reference([state, head, tables]);
    pin(golden, 'hosted-snapshot', world.machine.snapshot());
    pin(golden, 'hosted-root', world.machine.root());
    expect(world.machine.snapshot()).toEqual(byHand);
    const [sessions, graves, floors] = tables;
    const roots = sessionRootsByHand(sessions, graves, floors);
    const record = reference([world.algorithm.root(), head, ...roots]);
    expect(world.machine.root()).toEqual(hashByHand('hosted', record));
  });

  test('is read back, also the stored one; what is none changes nothing', () => {
    const world = lived();
    const copy = world.machine.fresh();
    copy.restore(pinned(golden, 'hosted-snapshot'));
    expect(copy.root()).toEqual(world.machine.root());
    copy.restore(Uint8Array.of(1));
    expect(copy.root()).toEqual(world.machine.root());
  });
});

/** Whatever clients, liars and networks make of a few sessions. */
const step = fc.record({
  client: fc.integer({ min: 0, max: 2 }),
  nonce: fc.integer({ min: 0, max: 1 }),
  seq: fc.integer({ min: 0, max: 4 }),
  kind: fc.constantFrom('own', 'own', 'own', 'close', 'thief'),
  author: fc.integer({ min: 0, max: 3 }),
});
const commits = fc.array(
  fc.record({
    steps: fc.array(step, { maxLength: 6 }),
    waitMs: fc.constantFrom(0, 0, 100, 3_000),
    alive: fc.option(fc.integer({ min: 1, max: 5 })),
  }),
  { minLength: 1, maxLength: 25 },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function batchOf({ client, nonce, seq, kind, ...by }: Step) {
  const who = new Client(client, nonce);
  const author = member(by.author);
  if (kind === 'thief') return { ...who.batch(['theft'], seq, author), client: new Client(9).key };
  if (seq === 0) {
    who.seq = 0;
    return { ...who.open(4_000, `${client}.${nonce}.0`), author };
  }
  const end = kind === 'close' && seq > 2;
  return who.batch([end ? { kind: 'closeSession' } : `${client}.${nonce}.${seq}`], seq, author);
}

describe('any copies in any order', () => {
  test('apply each op at most once, in the order of its session; a restored machine goes on alike', () => {
    fc.assert(
      fc.property(commits, fc.integer({ min: 0, max: 24 }), (plan, restoreAt) => {
        const world = new World({ basisCommitsMax: 12 });
        const applied: string[] = [];
        const { algorithm } = world;
        const apply = algorithm.apply.bind(algorithm);
        algorithm.apply = (source, op) => {
          applied.push(fromUtf8(op) ?? '');
          return apply(source, op);
        };
        let copy = world.machine.fresh();
        for (const [at, { steps, waitMs, alive }] of plan.entries()) {
          world.leaseClock += waitMs;
          const keepAlives = alive === null ? [] : [new Client(0).keepAlive(alive)];
          const input = world.input(steps.map(batchOf), keepAlives);
          const said = world.machine.applyCommit(input);
          expect(copy.applyCommit(input)).toEqual(said);
          expect(copy.root()).toEqual(world.machine.root());
          if (at !== restoreAt) continue;
          copy = world.machine.fresh();
          copy.restore(world.machine.snapshot());
          expect(copy.snapshot()).toEqual(world.machine.snapshot());
        }
        expect(applied).not.toContain('theft');
        expect(new Set(applied).size).toBe(applied.length);
        for (const session of new Set(applied.map((text) => text.slice(0, 3)))) {
          const seqs = applied.filter((text) => text.startsWith(session)).map((text) => text[4]);
          expect(seqs).toEqual([...seqs].sort());
        }
      }),
      { numRuns: 200 },
    );
  });
});

test('an answer of the longest kind is kept', () => {
  const [world, client] = [new World(), new Client(1)];
  world.algorithm.apply = () => new Uint8Array(ANSWER_BYTES_MAX);
  world.run([client.open()]);
  expect(world.run([client.batch(['x'])]).receipts[0]?.results[0]?.length).toBeGreaterThan(
    ANSWER_BYTES_MAX,
  );
});
