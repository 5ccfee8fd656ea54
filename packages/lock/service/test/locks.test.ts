// Tests of locks and their queues.
import type { Op } from '@fatty/api';
import { toHex } from '@fatty/codec';
import { expect, test } from 'vitest';
import { at, Client, op, World } from './world.ts';

const code = (value: unknown): unknown => (value as { code?: string }).code;

function started(count: number, ...ops: readonly Op[]): { world: World; clients: Client[] } {
  const world = new World({ waitsPerPathMax: 3 });
  const clients = Array.from({ length: count }, (_, i) => new Client(i + 1));
  world.step(
    0,
    clients.map((client) => client.open()),
  );
  const [first] = clients;
  if (first) world.run(first.batch(op.file('/l'), ...ops));
  return { world, clients };
}

function pick(clients: readonly Client[], i: number): Client {
  const client = clients[i];
  if (client === undefined) throw new Error('a client');
  return client;
}

test('hand-over is first come, first served, in the commit of the release', () => {
  const { world, clients } = started(4);
  const kinds = clients.map((client) => world.one(client, op.acquire('/l')).kind);
  expect(kinds).toEqual(['granted', 'waiting', 'waiting', 'waiting']);
  for (let i = 0; i < 3; i++) {
    const { notices } = world.step(0, [pick(clients, i).batch(op.release('/l'))]);
    const next = pick(clients, i + 1);
    expect(notices).toMatchObject([
      { session: Buffer.from(next.session).toString('hex'), notice: { kind: 'granted', seq: 1 } },
    ]);
  }
});

test('a shared request behind an exclusive waiter waits; a run of shared ones goes together', () => {
  const { world, clients } = started(5);
  const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((i) => pick(clients, i)) as [
    Client,
    Client,
    Client,
    Client,
    Client,
  ];
  const shared = op.acquire('/l', { mode: 'shared' });
  expect(world.one(a, shared).kind).toBe('granted');
  expect(world.one(b, op.acquire('/l')).kind).toBe('waiting');
  expect(world.one(c, shared).kind).toBe('waiting');
  expect(world.one(d, shared).kind).toBe('waiting');
  expect(code(world.one(e, op.tryAcquire('/l', { mode: 'shared' })))).toBe('lock_held');
  world.one(a, op.release('/l'));
  const { notices } = world.step(0, [b.batch(op.release('/l'))]);
  expect(notices.map(({ notice }) => notice.kind)).toEqual(['granted', 'granted']);
  const positions = notices.map(({ notice }) => (notice.kind === 'granted' ? notice.lockGen : 0));
  expect(positions).toEqual([at(world.commit, 1), at(world.commit, 2)]);
});

test('an exclusive waiter that gives up lets the shared ones behind it through', () => {
  const { world, clients } = started(3);
  const [a, b, c] = [pick(clients, 0), pick(clients, 1), pick(clients, 2)];
  world.one(a, op.acquire('/l', { mode: 'shared' }));
  world.one(b, op.acquire('/l'));
  world.one(c, op.acquire('/l', { mode: 'shared' }));
  const { results, notices } = world.step(0, [b.batch({ kind: 'cancel', seq: 1, index: 0 })]);
  expect(results[0]).toEqual([{ kind: 'cancelled', was: 'waiting' }]);
  expect(notices.map(({ notice }) => notice.kind)).toEqual(['granted']);
});

test('a refusal names who holds and how many wait', () => {
  const { world, clients } = started(4);
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => pick(clients, i)) as [
    Client,
    Client,
    Client,
    Client,
  ];
  world.one(a, op.acquire('/l', { mode: 'shared' }));
  const since = `${world.commit}.0`;
  const first = `held by ${toHex(a.signer.publicKey)} since ${since}`;
  expect(world.one(b, op.tryAcquire('/l'))).toMatchObject({ actual: `${first}, 0 waiting` });
  world.one(b, op.acquire('/l', { mode: 'shared' }));
  world.one(c, op.acquire('/l'));
  const refused = world.one(d, op.tryAcquire('/l', { mode: 'shared' }));
  expect(refused).toMatchObject({ actual: `${first} and 1 more, 1 waiting` });
});

test('every refusal of a lock op', () => {
  const { world, clients } = started(6);
  const [a, b] = [pick(clients, 0), pick(clients, 1)];
  expect(code(world.one(a, op.acquire('/none')))).toBe('not_found');
  expect(code(world.one(a, op.tryAcquire('/none')))).toBe('not_found');
  expect(code(world.one(a, op.release('/l')))).toBe('not_held');
  expect(world.one(a, { kind: 'cancel', seq: 40, index: 0 })).toEqual({
    kind: 'cancelled',
    was: 'neither',
  });
  world.one(a, op.tryAcquire('/l'));
  expect(code(world.one(a, op.acquire('/l')))).toBe('already_held');
  expect(code(world.one(b, op.tryAcquire('/l')))).toBe('lock_held');
  world.one(b, op.acquire('/l'));
  expect(code(world.one(b, op.acquire('/l')))).toBe('already_waiting');
  expect(code(world.one(b, op.release('/l')))).toBe('not_held');
  expect(code(world.one(a, op.release('/l', at(0, 0))))).toBe('lock_mismatch');
  world.one(pick(clients, 2), op.acquire('/l'));
  world.one(pick(clients, 3), op.acquire('/l'));
  expect(code(world.one(pick(clients, 4), op.acquire('/l')))).toBe('too_many_waits');
});

test('cancel undoes an acquire whether it waits or holds, once', () => {
  const { world, clients } = started(2);
  const [a, b] = [pick(clients, 0), pick(clients, 1)];
  world.run(a.batch(op.dir('/x'), op.acquire('/l')));
  world.one(b, op.acquire('/l'));
  const undo: Op = { kind: 'cancel', seq: a.seq - 1, index: 1 };
  const { results, notices } = world.step(0, [a.batch(undo, undo)]);
  expect(results[0]).toMatchObject([{ was: 'held' }, { was: 'neither' }]);
  expect(notices.map(({ notice }) => notice.kind)).toEqual(['granted']);
});

test('maxWait ends a wait at the commit that passes it, also right away', () => {
  const { world, clients } = started(3);
  const [a, b, c] = [pick(clients, 0), pick(clients, 1), pick(clients, 2)];
  world.one(a, op.acquire('/l'));
  world.one(b, op.acquire('/l', { maxWaitMs: 500 }));
  const now = world.step(0, [c.batch(op.acquire('/l', { maxWaitMs: 0 }))]);
  expect(now.notices.map(({ notice }) => notice)).toMatchObject([
    { kind: 'waitEnded', code: 'max_wait', seq: 1 },
  ]);
  expect(world.step(499).notices).toEqual([]);
  expect(world.step(1).notices.map(({ notice }) => notice)).toMatchObject([
    { kind: 'waitEnded', code: 'max_wait' },
  ]);
  expect(world.ask({ kind: 'status' })).toMatchObject({ holds: 1, waits: 0 });
});

test('lock-delay follows a failure, not a release, and only modes that conflict wait', () => {
  const alive = (client: Client): { keepAlives: [ReturnType<Client['keepAlive']>] } => ({
    keepAlives: [client.keepAlive()],
  });
  const { world, clients } = started(2, op.file('/s'));
  const [a, b] = [pick(clients, 0), pick(clients, 1)];
  world.one(a, op.acquire('/l', { lockDelayMs: 5_000 }));
  world.one(a, op.acquire('/s', { mode: 'shared', lockDelayMs: 5_000 }));
  world.one(b, op.acquire('/l'));
  world.step(2_000, [], alive(b));
  const lost = world.step(10_000, [], alive(b));
  expect(lost.notices.map(({ notice }) => notice.kind)).toEqual([
    'renewed',
    'lost',
    'lost',
    'sessionExpired',
  ]);
  expect(world.ask({ kind: 'lock', path: '/l' })).toMatchObject({ holders: [], notBefore: 17_000 });
  expect(code(world.one(b, op.tryAcquire('/s')))).toBe('lock_delay');
  expect(world.one(b, op.tryAcquire('/s', { mode: 'shared' })).kind).toBe('granted');
  expect(world.step(4_999).notices).toEqual([]);
  expect(world.step(1).notices).toMatchObject([{ notice: { kind: 'granted', path: '/l' } }]);
  world.one(b, op.release('/l'));
  expect(world.one(b, op.tryAcquire('/l')).kind).toBe('granted');
});

const remake: readonly Op[] = [{ kind: 'removeSubtree', path: '/l' }, op.file('/l')];

test.each([
  { lockDelayMs: 0, waitMs: 9_000 },
  { lockDelayMs: 5_000, waitMs: 9_000 },
  { lockDelayMs: 20_000, waitMs: 20_000 },
])(
  'a removed and remade path waits for the lease of whoever was thrown out, and its delay: %o',
  ({ lockDelayMs, waitMs }) => {
    const { world, clients } = started(2);
    const [a, b] = [pick(clients, 0), pick(clients, 1)];
    world.one(a, op.acquire('/l', { lockDelayMs }));
    world.step(3_000, [], { keepAlives: [b.keepAlive()] });
    world.run(b.batch(...remake));
    // What the thrown out session does later does not matter: the lease it has now does.
    world.step(0, [], { keepAlives: [a.keepAlive()] });
    expect(world.one(b, op.tryAcquire('/l'))).toMatchObject({ code: 'lock_delay', waitMs });
    expect(world.one(b, op.acquire('/l')).kind).toBe('waiting');
    const granted = (advanceMs: number): boolean => {
      const { notices } = world.step(advanceMs, [], { keepAlives: [b.keepAlive()] });
      return notices.some(({ notice }) => notice.kind === 'granted');
    };
    for (let left = waitMs; left > 1_000; left -= 1_000) expect(granted(1_000)).toBe(false);
    expect(granted(999)).toBe(false);
    expect(granted(1)).toBe(true);
    // The remover's own hold was given up before.
    world.run(b.batch(...remake));
    expect(world.one(b, op.tryAcquire('/l')).kind).toBe('granted');
  },
);

test('after a thrown out shared holder only exclusive requests wait', () => {
  const { world, clients } = started(2);
  const [a, b] = [pick(clients, 0), pick(clients, 1)];
  world.one(a, op.acquire('/l', { mode: 'shared' }));
  world.run(b.batch(...remake));
  expect(code(world.one(b, op.tryAcquire('/l')))).toBe('lock_delay');
  expect(world.one(b, op.tryAcquire('/l', { mode: 'shared' })).kind).toBe('granted');
});

test('the node goes with the session that made it: the holder is another, and may believe', () => {
  const { world, clients } = started(2);
  const [a, b] = [pick(clients, 0), pick(clients, 1)];
  world.one(a, op.file('/e', '', { ephemeral: true }));
  world.one(b, op.acquire('/e'));
  world.one(a, { kind: 'closeSession' });
  world.one(b, op.file('/e'));
  const again = world.one(b, op.tryAcquire('/e'));
  expect(again).toMatchObject({ code: 'lock_delay', waitMs: 12_000 });
});

test('deadlines and delays keep the cell awake, silence lets it rest', () => {
  const { world, clients } = started(1);
  expect(world.service.needsTime()).toBe(true);
  world.one(pick(clients, 0), op.acquire('/l', { lockDelayMs: 60_000 }));
  world.step(12_000);
  expect(world.service.needsTime()).toBe(true);
  world.step(60_000);
  expect(world.service.needsTime()).toBe(false);
});
