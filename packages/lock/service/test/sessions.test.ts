// Tests of sessions and keep-alives.
import { encodeOp } from '@fatty/api';
import { toHex } from '@fatty/codec';
import { DEFAULT_PARAMS, RECEIPTS_KEPT } from '@fatty/protocol';
import { expect, test } from 'vitest';
import { EXTRA_LINKS_PER_COMMIT, LockService } from '../src/index.ts';
import type { OpenedOp } from '../src/open.ts';
import { DEFAULT_QUOTAS } from '../src/quotas.ts';
import { CELL, Client, carried, keyOf, member, op, type Sent, World } from './world.ts';

const code = (value: unknown): unknown => (value as { code?: string }).code;

test('opens once, answers a replay with the stored receipt, and lives on keep-alives', () => {
  const world = new World();
  const a = new Client(1);
  const opening = a.open();
  const first = world.step(0, [opening]);
  expect(first.results[0]?.[0]).toMatchObject({ kind: 'sessionOpened', leaseExpiry: 12_000 });
  const again = world.step(10, [opening]);
  expect(again.raw.receipts[0]).toEqual(first.raw.receipts[0]);
  for (let i = 0; i < 5; i++) {
    const { notices } = world.step(10_000, [], { keepAlives: [a.keepAlive()] });
    expect(notices.map((one) => one.notice.kind)).toEqual(['renewed']);
  }
  expect(world.ask({ kind: 'session', id: a.session })).toMatchObject({ i: 5, lastSeq: 0 });
  const dead = world.step(12_000);
  expect(dead.notices.map((one) => one.notice.kind)).toEqual(['sessionExpired']);
  expect(code(world.ask({ kind: 'session', id: a.session }))).toBe('session_unknown');
  expect(world.service.needsTime()).toBe(false);
});

test('a keep-alive in the very commit that would end the lease still counts', () => {
  const world = new World();
  const a = new Client(1);
  world.open(a);
  const saved = world.step(60_000, [], { keepAlives: [a.keepAlive()] });
  expect(saved.notices.map((one) => one.notice)).toMatchObject([
    { kind: 'renewed', leaseExpiry: 72_000 },
  ]);
});

test('keep-alives: at most 64 links at once, never forged, never twice, never of an old chain', () => {
  const world = new World();
  const a = new Client(1);
  world.open(a);
  const refusal = (keepAlive = a.keepAlive(0)): unknown => {
    const verdict = world.service.unsigned.precheck(carried(keepAlive));
    return verdict.kind === 'accept' ? 'accept' : verdict.code;
  };
  const one = a.keepAlive();
  expect(refusal({ ...one, preimage: new Uint8Array(32) })).toBe('bad_keep_alive');
  expect(refusal({ ...one, i: 2 })).toBe('bad_keep_alive');
  expect(refusal(one)).toBe('accept');
  world.step(100, [], { keepAlives: [one, one] });
  expect(refusal(one)).toBe('bad_keep_alive');
  expect(refusal(a.keepAlive(65))).toBe('bad_keep_alive');
  a.link = 1;
  const far = a.keepAlive(64);
  expect(refusal(far)).toBe('accept');
  world.step(100, [], { keepAlives: [far] });
  const b = new Client(2);
  expect(refusal(b.keepAlive())).toBe('session_unknown');
  const fresh = new Client(1, 9);
  const [anchor] = fresh.links;
  if (!anchor) throw new Error('a chain');
  expect(world.one(a, { kind: 'reanchor', anchor })).toMatchObject({ kind: 'reanchored' });
  expect(refusal(a.keepAlive())).toBe('bad_keep_alive');
  expect(refusal({ ...fresh.keepAlive(), session: a.session })).toBe('accept');
});

test('a gap in seq changes nothing and answers nothing; the missing batch unblocks it', () => {
  const world = new World();
  const a = new Client(1);
  world.open(a);
  const [one, two] = [a.batch(op.dir('/a')), a.batch(op.dir('/b'))];
  const gap = world.step(0, [two]);
  expect(gap.results).toEqual([]);
  expect(world.ask({ kind: 'session', id: a.session })).toMatchObject({ lastSeq: 0 });
  expect(world.ask({ kind: 'status' })).toMatchObject({ nodes: 0 });
  const both = world.step(0, [one, two]);
  expect(both.results.flat().map((r) => r.kind)).toEqual(['created', 'created']);
});

test('two batches with one seq: the first in commit order counts, the other gets its receipt', () => {
  const world = new World();
  const a = new Client(1);
  world.open(a);
  const [one, two] = [a.batch(op.dir('/one')), a.raw([encodeOp(op.dir('/two'))], 1)];
  const { raw } = world.step(0, [one, two]);
  expect(raw.receipts.map((r) => r.batch)).toEqual([one.id, one.id]);
  expect(code(world.ask({ kind: 'stat', path: '/two' }))).toBe('not_found');
});

test('receipts are kept for 64 batches; older ones are known to have been applied', () => {
  const world = new World();
  const a = new Client(1);
  const batches = [a.open(), ...Array.from({ length: RECEIPTS_KEPT }, () => a.batch(op.dir('/a')))];
  for (const batch of batches) world.step(0, [batch]);
  const [first, second] = batches;
  if (!first || !second) throw new Error('batches');
  expect(world.service.receiptOf(first)).toBeUndefined();
  expect(world.service.receiptOf(second)?.batch).toEqual(second.id);
  expect(code(world.run(first)[0])).toBe('receipt_forgotten');
  expect(world.service.precheck(second)).toMatchObject({ kind: 'ignore', code: 'already_applied' });
});

test('a session belongs to its key', () => {
  const world = new World();
  const [a, thief] = [new Client(1), new Client(2)];
  world.open(a);
  const stolen = { ...a.batch(op.dir('/a')), client: thief.signer.publicKey };
  expect(code(world.run(stolen)[0])).toBe('session_not_yours');
  expect(world.service.precheck(stolen)).toMatchObject({ code: 'session_not_yours' });
});

test('an open stands first, in batch 0, for its own key and nonce', () => {
  const world = new World();
  const [a, b] = [new Client(1), new Client(2, 5)];
  const source = (index: number, seq: number): Parameters<typeof world.service.validate>[0] => ({
    client: a.signer.publicKey,
    session: a.session,
    seq,
    index,
    author: member(0),
    basis: { epoch: 0, commit: 0 },
  });
  const openedBy = ({ opened: [first] }: Sent): OpenedOp =>
    first ?? expect.fail('an op that opens');
  const own = openedBy(a.raw([encodeOp(a.opening())], 0));
  expect(world.service.validate(source(0, 0), own)).toMatchObject({ kind: 'accept' });
  for (const verdict of [
    world.service.validate(source(1, 0), own),
    world.service.validate(source(0, 1), own),
    world.service.validate(source(0, 0), openedBy(b.raw([encodeOp(b.opening())], 0))),
  ]) {
    expect(verdict).toMatchObject({ kind: 'reject', code: 'misplaced_open' });
  }
  expect(code(world.run(a.raw([encodeOp(b.opening())], 0))[0])).toBe('session_unknown');
  expect(code(world.open(a, a.opening())[1])).toBe('misplaced_open');
  expect(world.run(b.batch(op.dir('/a'))).map(code)).toEqual(['session_unknown']);
});

test('an open is refused outside the basis window, and never opens a dead session again', () => {
  const world = new World({}, { basisCommitsMax: 10 });
  const a = new Client(1);
  const opening = a.open();
  world.run(opening);
  world.one(a, { kind: 'closeSession' });
  expect(code(world.run(opening)[0])).toBe('session_reused');
  expect(world.service.precheck(opening)).toMatchObject({ code: 'session_reused' });
  for (let i = 0; i < 12; i++) world.step(0);
  expect(code(world.run(opening)[0])).toBe('stale_basis');
  const early = new Client(2, 0, { basis: 999 });
  expect(code(world.run(early.open())[0])).toBe('future_basis');
  const b = new Client(2, 0, { basis: world.commit });
  expect(code(world.run(b.raw([encodeOp(b.opening())], 0, world.commit - 1))[0])).toBe(
    'session_unknown',
  );
  expect(world.run(b.open())[0]).toMatchObject({ kind: 'sessionOpened' });
});

test('the grave stays exactly as long as the open could be replayed', () => {
  for (let wait = 0; wait < 14; wait++) {
    const world = new World({}, { basisCommitsMax: 10 });
    const a = new Client(1);
    const opening = a.open(); // basis 0
    world.run(opening);
    world.one(a, { kind: 'closeSession' });
    for (let i = 0; i < wait; i++) world.step(0);
    expect(['session_reused', 'stale_basis']).toContain(code(world.run(opening)[0]));
  }
});

test('closing gives everything back at once, without lock-delay', () => {
  const world = new World();
  const [a, b] = [new Client(1), new Client(2)];
  world.open(a, op.file('/l'), op.acquire('/l', { lockDelayMs: 5_000 }));
  world.open(b, op.acquire('/l'));
  world.one(a, op.file('/e', '', { ephemeral: true }));
  const closed = world.step(0, [a.batch({ kind: 'closeSession' }, op.dir('/late'))]);
  expect(closed.results[0]?.map((r) => r.kind)).toEqual(['sessionClosed', 'error']);
  expect(closed.results[0]?.map(code)[1]).toBe('session_unknown');
  expect(closed.notices.map((one) => one.notice.kind)).toEqual(['granted']);
  expect(code(world.ask({ kind: 'stat', path: '/e' }))).toBe('not_found');
  expect(code(world.run(a.batch(op.dir('/x')))[0])).toBe('session_unknown');
});

test('sessions are capped per cell, per author and per client', () => {
  const capped = (quotas: ConstructorParameters<typeof World>[0], second: Client): unknown => {
    const world = new World(quotas);
    world.open(new Client(1));
    return code(world.open(second)[0]);
  };
  expect(capped({ sessionsMax: 1 }, new Client(2))).toBe('too_many_sessions');
  expect(capped({ sessionsPerAuthorMax: 1 }, new Client(2))).toBe('gateway_full');
  expect(capped({ sessionsPerClientMax: 1 }, new Client(1, 1))).toBe('too_many_sessions');
  expect(capped({ sessionsPerClientMax: 1 }, new Client(2))).toBeUndefined();
});

test('f lying gateways cannot fill the cell: each opens its share, whatever the keys', () => {
  const members = Array.from({ length: 7 }, (_, i) => keyOf(100 + i).publicKey);
  const cell = { cellId: CELL, epoch: 0, members };
  const world = new World();
  world.service = new LockService({ cell, quotas: { ...DEFAULT_QUOTAS, sessionsMax: 24 } });
  const results = Array.from({ length: 24 }, (_, i) => {
    const open = { ...new Client(i).open(), author: member(i % 2) };
    return code(world.run(open)[0]);
  });
  expect(results.filter((one) => one === undefined)).toHaveLength(6);
  expect(new Set(results.slice(6))).toEqual(new Set(['gateway_full']));
  const late = { ...new Client(30).open(), author: member(1) };
  expect(world.service.precheck(late)).toMatchObject({ kind: 'ignore', code: 'gateway_full' });
  const restored = world.service.fresh();
  restored.restore(world.service.snapshot());
  world.service = restored;
  expect(code(world.run(late)[0])).toBe('gateway_full');
  for (let author = 2; author < 7; author++) {
    for (let i = 0; i < 3; i++) {
      const open = { ...new Client(40 + 3 * author + i).open(), author: member(author) };
      expect(world.run(open)[0]).toMatchObject({ kind: 'sessionOpened' });
    }
  }
});

test('nor with sessions that end at once: graves are shared out too, and come back', () => {
  const members = Array.from({ length: 4 }, (_, i) => keyOf(100 + i).publicKey);
  const cell = { cellId: CELL, epoch: 0, members };
  const params = { ...DEFAULT_PARAMS, basisCommitsMax: 20 };
  const quotas = { ...DEFAULT_QUOTAS, gravesMax: 12 };
  const world = new World();
  world.service = new LockService({ cell, params, quotas });
  const live = (key: number, by: number): unknown => {
    const author = member(by);
    const client = new Client(key, 0, { basis: world.commit });
    const batch = { ...client.open({ kind: 'closeSession' }), author };
    return code(world.run(batch)[0]);
  };
  expect([1, 2, 3, 4, 5].map((key) => live(key, 0))).toEqual([
    undefined,
    undefined,
    undefined,
    'gateway_full',
    'gateway_full',
  ]);
  expect(live(6, 1)).toBeUndefined();
  const restored = world.service.fresh();
  restored.restore(world.service.snapshot());
  expect(restored.root()).toEqual(world.service.root());
  world.service = restored;
  expect(live(7, 0)).toBe('gateway_full');
  while (world.commit < 20) world.step(0);
  expect(live(8, 0)).toBeUndefined();
});

test('the cell as a whole has room for so many locks, held or waited for', () => {
  const world = new World({ claimsMax: 2 });
  const [a, b] = [new Client(1), new Client(2)];
  expect(world.open(a, op.file('/a'), op.file('/b'), op.acquire('/a')).map(code)).toEqual(Array(4));
  const both = [op.acquire('/a'), op.acquire('/b'), op.tryAcquire('/b')];
  expect(world.open(b, ...both).map(code)).toEqual([
    undefined,
    undefined,
    'cell_full',
    'cell_full',
  ]);
  world.one(a, op.release('/a'));
  expect(world.one(b, op.tryAcquire('/b'))).toMatchObject({ kind: 'granted' });
});

test('the cell as a whole has room for so many nodes and bytes, and gets it back', () => {
  const world = new World({ nodesMax: 3, bytesMax: 10 });
  const [a, b] = [new Client(1), new Client(2)];
  expect(world.open(a, op.file('/a', '12345'), op.dir('/b')).map(code)).toEqual(Array(3));
  expect(world.open(b, op.file('/c', '123456'), op.dir('/c'), op.dir('/d')).map(code)).toEqual([
    undefined,
    'cell_full',
    undefined,
    'cell_full',
  ]);
  expect(code(world.one(b, op.write('/a', '123456')))).toBe('cell_full');
  const restored = world.service.fresh();
  restored.restore(world.service.snapshot());
  world.service = restored;
  expect(code(world.one(b, op.dir('/d')))).toBe('cell_full');
  world.one(a, { kind: 'removeSubtree', path: '/a' });
  expect(world.one(b, op.file('/d', '1234567890'))).toMatchObject({ kind: 'created' });
});

test('receipts are bounded by their bytes, per session and in the cell', () => {
  const world = new World({
    sessionsMax: 10,
    receiptBytesMax: 21_500,
    receiptBytesPerSessionMax: 2_700,
  });
  const clients = Array.from({ length: 10 }, (_, i) => new Client(i));
  const sent = clients.map((client) => {
    const batches = [client.open()];
    for (let k = 0; k < 30; k++) batches.push(client.batch(op.dir(`/${k % 3}`)));
    for (const batch of batches) world.step(0, [batch]);
    return batches;
  });
  const resultsOf = (batch: Sent) => world.service.receiptOf(batch)?.results ?? [];
  const kept = sent.map((all) => all.filter((batch) => resultsOf(batch).length > 0).length);
  expect(kept[0]).toBeGreaterThan(5);
  expect(kept[0]).toBeLessThan(16);
  // The first ones filled what all may take; those that came later live on their own shares.
  expect(kept.at(-1)).toBeGreaterThanOrEqual(1);
  expect(kept.at(-1)).toBeLessThan(5);
  const bytes = sent.flat().flatMap((batch) => world.service.receiptOf(batch)?.results ?? []);
  expect(bytes.reduce((sum, one) => sum + one.length, 0)).toBeLessThan(8_000);
  const [forgotten] = sent[9] ?? [];
  if (!forgotten) throw new Error('batches');
  // Which batch used the seq up is known all the same.
  expect(world.step(0, [forgotten]).raw.receipts).toMatchObject([
    { batch: forgotten.id, seq: 0, results: [] },
  ]);
  expect(sent.flat().filter((batch) => world.service.receiptOf(batch) === undefined)).toEqual([]);
  // The sum is no part of a snapshot: a restored copy must forget and keep the same.
  const copy = world.service.fresh();
  copy.restore(world.service.snapshot());
  for (const client of clients) {
    const input = world.input(0, [client.batch(op.dir('/x'))]);
    world.service.applyCommit(input);
    copy.applyCommit(input);
  }
  expect(copy.root()).toEqual(world.service.root());
});

test('a commit walks few hashes for forged keep-alives, and the next link of a chain always counts', () => {
  const world = new World();
  const clients = Array.from({ length: 200 }, (_, i) => new Client(i));
  for (const client of clients) world.open(client);
  const forged = (client: Client, i: number) => ({
    session: client.session,
    i,
    preimage: new Uint8Array(32),
  });
  const flood = [2, 3].flatMap(() => clients.map((client) => forged(client, 64)));
  expect(flood.length * 63).toBeGreaterThan(EXTRA_LINKS_PER_COMMIT);
  const [near, far] = [clients[0], clients[1]];
  if (!near || !far) throw new Error('clients');
  const honest = [near.keepAlive(), far.keepAlive(3)];
  const { notices } = world.step(0, [], { keepAlives: [...flood, ...honest] });
  expect(notices.map((one) => one.session)).toEqual([near, far].map((one) => toHex(one.session)));
  const last = clients[199];
  if (!last) throw new Error('clients');
  const beyond = world.step(0, [], { keepAlives: [...flood, last.keepAlive(64)] });
  expect(beyond.notices).toEqual([]);
  const alone = world.step(0, [], { keepAlives: [last.keepAlive(0)] });
  expect(alone.notices).toHaveLength(1);
});

test('quotas of ops, nodes and bytes are per client key, and come back', () => {
  const world = new World({ opsPerCommitMax: 3, nodesPerClientMax: 2, bytesPerClientMax: 10 });
  const a = new Client(1);
  expect(
    world.open(a, op.file('/a', '12345'), op.file('/b', '123456'), op.dir('/c')).map(code),
  ).toEqual([undefined, undefined, 'quota_bytes', 'quota_ops']);
  expect(world.run(a.batch(op.dir('/b'), op.dir('/c'))).map(code)).toEqual([
    undefined,
    'quota_nodes',
  ]);
  const stat = world.ask({ kind: 'stat', path: '/a' });
  if (stat.kind !== 'stat') throw new Error('a stat');
  expect(code(world.one(a, op.write('/a', '1234567')))).toBe('quota_bytes');
  expect(world.one(a, op.remove('/a', ...stat.stat.dots))).toMatchObject({ dead: true });
  expect(world.one(a, op.file('/a', '1234567890'))).toMatchObject({ kind: 'created' });
  const b = new Client(2);
  expect(world.open(b, op.file('/d', '1234567890')).map(code)).toEqual([undefined, undefined]);
});
