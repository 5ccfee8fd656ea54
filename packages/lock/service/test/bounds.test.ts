// Tests of how much one commit may end.
import { encodeAnswer, type Op, type Result } from '@fatty/api';
import { equalBytes } from '@fatty/codec';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEFAULT_QUOTAS } from '../src/index.ts';
import { Ledger } from '../src/ledger.ts';
import { Locks } from '../src/lock-queue.ts';
import type { Claim } from '../src/sessions.ts';
import { Client, type Outcome, op, type Sent, World } from './world.ts';

const names = (count: number, at = ''): string[] =>
  Array.from({ length: count }, (_, i) => `${at}/n${i}`);
const ephemeral = (path: string): Op => op.file(path, '', { ephemeral: true });
const code = (result: Result | undefined): string =>
  result?.kind === 'error' ? result.code : String(result?.kind);
const told = ({ notices }: Outcome): number => notices.length;

function crowd(count: number, quotas = {}): { world: World; clients: Client[] } {
  const world = new World(quotas);
  const clients = Array.from({ length: count }, (_, i) => new Client(1 + (i % 100), i));
  world.step(
    0,
    clients.map((one) => one.open()),
  );
  return { world, clients };
}

test('the clock ends so much a commit, whole sessions, the longest overdue first', () => {
  const { world, clients } = crowd(6, { effectsPerCommitMax: 10 });
  clients.forEach((one, i) => {
    world.run(one.batch(...names(4).map((name) => ephemeral(`${name}-${i}`))));
  });
  const ended: number[] = [];
  for (let i = 0; i < 5; i++) {
    ended.push(told(world.step(i === 0 ? 20_000 : 1)));
    const nodes = 24 - 4 * ended.reduce((sum, one) => sum + one, 0);
    expect(world.ask({ kind: 'status' })).toMatchObject({ nodes });
  }
  expect(ended).toEqual([2, 2, 2, 0, 0]);
});

test('what is below an ephemeral goes first where it is more than a commit may end', () => {
  const { world, clients } = crowd(1, { effectsPerCommitMax: 10 });
  const [a] = clients;
  if (a === undefined) throw new Error('a client');
  const [top, inner] = [{ ...op.dir('/e'), ephemeral: true }, op.dir('/e/d')] as Op[];
  world.run(a.batch(...([top, inner] as Op[]), ...names(30, '/e/d').map((one) => op.file(one))));
  const nodes: unknown[] = [];
  const notices: number[] = [];
  for (let i = 0; i < 5; i++) {
    notices.push(told(world.step(i === 0 ? 20_000 : 1)));
    nodes.push((world.ask({ kind: 'status' }) as { nodes: number }).nodes);
  }
  expect([nodes, notices]).toEqual([
    [22, 12, 2, 0, 0],
    [0, 0, 0, 1, 0],
  ]);
});

test('grants that are more than a commit may make come with the next ones', () => {
  const { world, clients } = crowd(31, { effectsPerCommitMax: 10 });
  const [holder, ...waiters] = clients;
  if (holder === undefined) throw new Error('a client');
  world.run(holder.batch(op.file('/l'), op.acquire('/l')));
  world.step(
    0,
    waiters.map((one) => one.batch(op.acquire('/l', { mode: 'shared' }))),
  );
  const granted = [told(world.step(0, [holder.batch(op.release('/l'))]))];
  for (let i = 0; i < 3; i++) granted.push(told(world.step(1)));
  // The op and the end of its commit have 10 each.
  expect(granted).toEqual([20, 10, 0, 0]);
  expect(world.ask({ kind: 'lock', path: '/l' })).toMatchObject({ waiters: [] });
});

test('waits that end together end in portions', () => {
  const { world, clients } = crowd(26, { effectsPerCommitMax: 10 });
  const [holder, ...waiters] = clients;
  if (holder === undefined) throw new Error('a client');
  world.run(holder.batch(op.file('/l'), op.acquire('/l')));
  world.step(
    0,
    waiters.map((one) => one.batch(op.acquire('/l', { maxWaitMs: 100 }))),
  );
  expect([100, 1, 1, 1].map((ms) => told(world.step(ms)))).toEqual([10, 10, 5, 0]);
});

test('an op ends nothing where the commit has ended enough', () => {
  const { world, clients } = crowd(3, { effectsPerCommitMax: 10 });
  const [a, b, c] = clients;
  if (!a || !b || !c) throw new Error('clients');
  world.run(a.batch(op.dir('/d'), ...names(24, '/d').map((one) => op.file(one))));
  world.run(b.batch(...names(6).map(ephemeral)));
  world.run(c.batch(...names(5, '/d').map((one) => op.acquire(one))));
  const rm: Op = { kind: 'removeSubtree', path: '/d' };
  const { results } = world.step(0, [
    b.batch({ kind: 'closeSession' }),
    a.batch(rm, rm, op.remove('/d/n20', { session: a.session, seq: 1, index: 21 })),
    c.batch({ kind: 'closeSession' }),
  ]);
  expect(results[0]?.map(code)).toEqual(['sessionClosed']);
  // Nodes and their locks count: n0, its lock, n1, its lock; then there is no room.
  expect(results[1]).toMatchObject([
    { kind: 'subtreeRemoved', nodes: 2, left: 23 },
    { code: 'commit_full' },
    { code: 'commit_full' },
  ]);
  expect(results[2]?.map(code)).toEqual(['commit_full']);
  expect(world.one(c, { kind: 'closeSession' }).kind).toBe('sessionClosed');
  expect(code(world.one(a, rm))).toBe('subtreeRemoved');
});

test('what is below two ephemerals of a session counts once', () => {
  const { world, clients } = crowd(1, { effectsPerCommitMax: 12 });
  const [a] = clients;
  if (a === undefined) throw new Error('a client');
  const directory = (path: string): Op => ({ ...op.dir(path), ephemeral: true }) as Op;
  world.run(a.batch(...['/e', '/e/e', '/e/e/e'].map(directory)));
  world.run(a.batch(...names(4, '/e/e/e').map((one) => op.file(one))));
  // Three of its own, and six below the first of them.
  expect(code(world.one(a, { kind: 'closeSession' }))).toBe('sessionClosed');
});

test('a waiter for a shared lock goes on when the delay that stops it ends, not the longer one', () => {
  const granted: string[] = [];
  const locks = new Locks(DEFAULT_QUOTAS, {
    onGrant: (path) => void granted.push(path),
    isRevoked: () => false,
  });
  const { session: id, signer } = new Client(1);
  const mine = { key: 'k', expiry: 9_000, lastNumber: 0, bytes: 0 };
  const session = { id, client: signer.publicKey, ...mine, claims: new Map(), claimOf: new Map() };
  const waits: Claim = {
    path: '/l',
    session: session as unknown as Claim['session'],
    seq: 1,
    index: 0,
    mode: 'shared',
    lockDelayMs: 0,
    held: false,
    position: { commit: 1, index: 0 },
    deadline: undefined,
  };
  const [allFrom, exclusiveFrom] = [1_000, 60_000];
  locks.add({ path: '/l', holders: [], queue: [waits], allFrom, exclusiveFrom }, 0);
  for (const leaseClock of [999, 1_000]) {
    const ledger = new Ledger({ index: 2, leaseClock, commitTs: 0 }, 10, (key) => key);
    locks.endTimers(ledger);
    locks.settleLast(ledger);
    expect(granted).toEqual(leaseClock < 1_000 ? [] : ['/l']);
  }
  expect(locks.get('/l')).toMatchObject({ allFrom: 0, exclusiveFrom, queue: [] });
});

test('what could not be read any more is not begun: sessions', () => {
  const world = new World({ sessionBytesMax: 4_000 });
  const a = new Client(1);
  world.open(a, op.file('/long'), ...names(20).map((one) => op.file(one)));
  const long = `/${'x'.repeat(200)}`;
  const results: string[] = [];
  for (let i = 0; i < 20; i++) results.push(code(world.one(a, ephemeral(`${long}${i}`))));
  const kept = results.filter((one) => one === 'created').length;
  expect(results).toEqual([
    ...Array(kept).fill('created'),
    ...Array(20 - kept).fill('session_full'),
  ]);
  for (const name of names(20)) results.push(code(world.one(a, op.acquire(name))));
  expect(results.at(-1)).toBe('session_full');
  expect(encodeAnswer(world.ask({ kind: 'session', id: a.session })).length).toBeLessThan(4_200);
  // What is given back makes room again, and a copy knows it as well.
  const copy = world.service.fresh();
  copy.restore(world.service.snapshot());
  world.service = copy;
  expect(code(world.one(a, ephemeral('/one-more')))).toBe('session_full');
  world.one(a, op.release('/n0'));
  expect(code(world.one(a, ephemeral('/e')))).toBe('created');
});

test('what could not be read any more is not begun: locks', () => {
  const { world, clients } = crowd(7, { partiesPerPathMax: 5 });
  const [first, ...rest] = clients;
  if (first === undefined) throw new Error('a client');
  world.run(first.batch(op.file('/l')));
  const shared = { mode: 'shared' as const };
  const three = rest.slice(0, 3).map((one) => code(world.one(one, op.acquire('/l', shared))));
  expect(three).toEqual(['granted', 'granted', 'granted']);
  expect(code(world.one(first, op.acquire('/l')))).toBe('waiting');
  const more = rest.slice(3).map((one) => code(world.one(one, op.acquire('/l', shared))));
  expect(more).toEqual(['waiting', 'too_many_holders', 'too_many_holders']);
  const [last] = rest.slice(-1);
  if (last) expect(code(world.one(last, op.tryAcquire('/l', shared)))).toBe('too_many_holders');
});

test('the largest answers about locks and sessions fit a message', () => {
  const { partiesPerPathMax, sessionBytesMax } = DEFAULT_QUOTAS;
  const far = Number.MAX_SAFE_INTEGER;
  const position = { commit: far, index: 2 ** 32 - 1 };
  const { session, signer } = new Client(1);
  const place = { seq: far, index: 2 ** 32 - 1, mode: 'shared' as const };
  const party = { session, client: signer.publicKey, ...place, position, leaseExpiry: far };
  const holders = Array(partiesPerPathMax).fill(party);
  const lock = { kind: 'lock', holders, waiters: [], lockGen: position, notBefore: far } as const;
  const room = 1_310_720 - 1_024;
  expect(encodeAnswer(lock).length).toBeLessThan(room);
  expect(sessionBytesMax).toBeLessThan(room);
});

test('a queue that a delay stops is no part of what is left over', () => {
  const { world, clients } = crowd(9, { effectsPerCommitMax: 2 });
  const [h, x, y, z, ...others] = clients;
  if (!h || !x || !y || !z) throw new Error('clients');
  const files = ['/a', '/b', '/c'].map((path) => op.file(path));
  world.run(h.batch(...files, op.acquire('/a'), op.acquire('/c')));
  world.run(x.batch(op.acquire('/b', { lockDelayMs: 5_000 })));
  for (const one of [y, z]) world.run(one.batch(op.acquire('/b')));
  for (const one of others) world.run(one.batch(op.acquire('/a', { mode: 'shared' })));
  for (const advance of [11_000, 1_000]) {
    const alive = [h, y, z, ...others].map((one) => one.keepAlive());
    world.step(advance, [], { keepAlives: alive });
  }
  // Both paths are to be looked at, and there is no room to come as far as the second.
  const cancel: Op = { kind: 'cancel', seq: 1, index: 0 };
  world.step(1_000, [h.batch(op.release('/a')), z.batch(cancel)]);
  const copy = world.service.fresh();
  copy.restore(world.service.snapshot());
  // The delay of the second path ends with this commit, behind its ops.
  const input = world.input(4_500, [h.batch(op.release('/c'), op.file('/new'))]);
  const applied = world.service.applyCommit(input);
  expect(applied.notices).toHaveLength(2);
  expect(copy.applyCommit(input)).toEqual(applied);
  expect(equalBytes(copy.snapshot(), world.service.snapshot())).toBe(true);
});

/** Any mixture of what makes and ends things, in a cell that ends three things a commit. */
const PATHS = ['/a', '/b', '/c'];
const act = fc.record({
  who: fc.nat(4),
  what: fc.constantFrom('acquire', 'shared', 'release', 'make', 'ephemeral', 'rm', 'close'),
  path: fc.constantFrom(...PATHS),
  delay: fc.constantFrom(0, 0, 1_500),
  wait: fc.constantFrom(undefined, 700),
});
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

function toOp({ what, path, delay: lockDelayMs, wait: maxWaitMs }: Act): Op {
  if (what === 'acquire') return op.acquire(path, { lockDelayMs, maxWaitMs });
  if (what === 'shared') return op.acquire(path, { lockDelayMs, maxWaitMs, mode: 'shared' });
  if (what === 'release') return op.release(path);
  if (what === 'make') return op.file(path);
  if (what === 'ephemeral') return ephemeral(path);
  return what === 'rm' ? { kind: 'removeSubtree', path } : { kind: 'closeSession' };
}

test('what is left over for the next commit is in the state: a copy ends it alike', () => {
  const step = fc.record({
    advance: fc.constantFrom(0, 50, 700, 4_000),
    acts: fc.array(act, { maxLength: 8 }),
    alive: fc.subarray([0, 1, 2, 3, 4]),
  });
  let leftOver = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 30 }), (steps) => {
      const { world, clients } = crowd(5, { effectsPerCommitMax: 2 });
      world.step(
        0,
        clients.slice(0, 1).map((one) => one.batch(...PATHS.map((path) => op.file(path)))),
      );
      for (const { advance, acts, alive } of steps) {
        const copy = world.service.fresh();
        copy.restore(world.service.snapshot());
        const batches: Sent[] = acts.map((one) => (clients[one.who] as Client).batch(toOp(one)));
        const keepAlives = alive.map((i) => (clients[i] as Client).keepAlive());
        const input = world.input(advance, batches, { keepAlives });
        const applied = world.service.applyCommit(input);
        expect(copy.applyCommit(input)).toEqual(applied);
        expect(equalBytes(copy.snapshot(), world.service.snapshot())).toBe(true);
        if (applied.notices.length > 3) leftOver++;
      }
    }),
    { numRuns: 80 },
  );
  expect(leftOver).toBeGreaterThan(30);
});
