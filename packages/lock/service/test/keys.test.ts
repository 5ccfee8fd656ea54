// Tests of keys that are rotated and revoked: what follows the identity, and what no key may do any more.
import { decodeJobPieces, encodeOp, groupPath, type Op, type Query } from '@fatty/api';
import { equalBytes, toHex, utf8 } from '@fatty/codec';
import { expect, test } from 'vitest';
import { begun, code, group, key, setting } from './acl-world.ts';
import { JOB, JobWorld } from './job-world.ts';
import { MachineWorld } from './machine-world.ts';
import { stateRootByHand } from './root-by-hand.ts';
import { Client, keyOf, op, World } from './world.ts';

const FRESH = keyOf(50);
const revocation = (client: Client): Op => ({ kind: 'revokeKey', key: client.signer.publicKey });

/** Rotates, and lets the client sign with the new key from now on. */
function rotated(world: World, client: Client, to = FRESH): void {
  const oldKey = client.signer.publicKey;
  const answer = world.one(client, client.rotation(to));
  expect(answer).toMatchObject({ kind: 'keyRotated' });
  client.signer = to;
  expect(world.ask({ kind: 'key', key: oldKey })).toMatchObject({ standing: 'former' });
}

/** A cell whose administrator is `boss`. */
function ruled(...ops: readonly Op[]): ReturnType<typeof begun> {
  const all = begun(...ops);
  const own = [key(all.boss)];
  all.world.one(all.boss, setting(all.world, '/', { write: own, change: own }));
  return all;
}

test('the identity keeps its name: lists, groups, nodes and quotas go on under the new key', () => {
  const { world, boss, other } = begun(op.file('/f'), op.dir('/.groups'), op.file('/g'));
  const identity = other.signer.publicKey;
  world.one(boss, op.file(groupPath('ops'), toHex(identity)));
  world.one(boss, setting(world, '/f', { write: [key(other)] }));
  world.one(boss, setting(world, '/g', { write: [group('ops')] }));
  rotated(world, other);
  expect(code(world.one(other, op.write('/f', 'x')))).toBeUndefined();
  expect(code(world.one(other, op.write('/g', 'x')))).toBeUndefined();
  world.one(other, op.file('/mine', 'x'));
  const stat = world.ask({ kind: 'stat', path: '/mine' });
  expect(stat).toMatchObject({ stat: { owner: identity } });
  expect(world.ask({ kind: 'key', key: FRESH.publicKey })).toEqual({
    kind: 'key',
    identity,
    current: FRESH.publicKey,
    standing: 'current',
    isRevoked: false,
  });
  const another = new Client(50, 1);
  expect(code(world.open(another, op.write('/f', 'y'))[1])).toBeUndefined();
  expect(code(world.open(new Client(51), op.write('/f', 'z'))[1])).toBe('access_denied');
});

test('sessions go on: holds, waits, ephemerals and keep-alives, told to the new key', () => {
  const { world, boss, other } = begun(op.file('/lock'), op.file('/wait'));
  world.one(other, op.acquire('/lock'));
  world.one(boss, op.acquire('/wait'));
  world.one(other, op.acquire('/wait'));
  world.one(other, op.file('/mine', '', { ephemeral: true }));
  const before = world.ask({ kind: 'lock', path: '/lock' });
  rotated(world, other);
  const party = { session: other.session, client: FRESH.publicKey };
  expect(world.ask({ kind: 'lock', path: '/lock' })).toMatchObject({
    ...before,
    holders: [party],
  });
  world.step(11_000, [], { keepAlives: [boss.keepAlive(), other.keepAlive()] });
  const { raw } = world.step(5_000, [boss.batch(op.release('/wait'))]);
  expect(raw.notices.map(({ client }) => toHex(client))).toContain(toHex(FRESH.publicKey));
  expect(world.ask({ kind: 'lock', path: '/wait' })).toMatchObject({ holders: [party] });
  expect(world.ask({ kind: 'stat', path: '/mine' })).toMatchObject({ kind: 'stat' });
  expect(world.one(other, op.release('/lock'))).toMatchObject({ kind: 'released' });
});

test('the old key can do nothing more, and what it signed before is refused by name', () => {
  const { world, boss, other } = begun(op.file('/f'));
  const late = other.raw([encodeOp(op.write('/f', 'late'))], 2);
  const opening = new Client(2, 7).open(op.write('/f', 'again'));
  const [done] = world.run(other.batch(other.rotation(FRESH), op.write('/f', 'behind')));
  expect(done).toMatchObject({ kind: 'keyRotated' });
  expect(world.run(late)).toMatchObject([{ code: 'key_rotated' }]);
  expect(world.run(opening).map(code)).toEqual(['key_rotated', 'session_unknown']);
  // The order is to say so: a gateway alone would be doubted.
  expect(world.service.precheck(late)).toMatchObject({ kind: 'accept' });
  expect(world.ask({ kind: 'get', path: '/f' })).toMatchObject({ siblings: [] });
  expect(world.service.hasSession(keyOf(2).publicKey)).toBe(false);
  expect(world.service.hasSession(FRESH.publicKey)).toBe(true);
  // Not even what was refused has used a seq up.
  other.signer = FRESH;
  other.seq = 2;
  expect(world.one(other, op.write('/f', 'new'))).toMatchObject({ kind: 'written' });
  expect(code(world.one(boss, op.write('/f', 'x')))).toBeUndefined();
});

test('what followed in the batch of the rotation is refused, and the batch is answered once', () => {
  const { world, other } = begun(op.file('/f'));
  const batch = other.batch(other.rotation(FRESH), op.write('/f', 'x'), other.rotation(keyOf(51)));
  const results = world.run(batch);
  expect(results).toMatchObject([
    { kind: 'keyRotated' },
    { code: 'key_rotated' },
    { code: 'key_rotated' },
  ]);
  // A copy that comes later: the receipt of what was applied, and not a refusal.
  expect(world.run(batch)).toEqual(results);
});

test('a batch of the old key that was applied is never called not applied', () => {
  const { world, other } = begun(op.file('/f'));
  const applied = other.batch(op.write('/f', 'x'));
  const [before] = world.run(applied);
  rotated(world, other);
  expect(world.run(applied)).toEqual([before]);
  // Another batch for the same seq was not: it says so, and shows nothing of the one that was.
  const forged = { ...other.raw([encodeOp(op.write('/f', 'y'))], 1), client: keyOf(2).publicKey };
  expect(world.run(forged)).toMatchObject([{ code: 'key_rotated' }]);
  for (let i = 0; i < 64; i++) world.one(other, op.write('/f', String(i)));
  expect(world.run(applied)).toMatchObject([{ code: 'receipt_forgotten' }]);
});

test('only a fresh key can follow, and only with its own word', () => {
  const { world, boss, other } = begun(op.file('/f'));
  const { service } = world;
  const judge = (client: Client, one: Op): unknown => {
    const { opened, ...source } = client.raw([encodeOp(one)], 1);
    const [first] = opened;
    return first && service.validate({ ...source, index: 0 }, first);
  };
  const rotation = other.rotation(FRESH);
  expect(judge(other, rotation)).toMatchObject({ kind: 'accept' });
  // A proof for another old key, another new key, or another cell.
  expect(judge(boss, rotation)).toMatchObject({ code: 'bad_signature' });
  expect(judge(other, { ...rotation, newKey: keyOf(51).publicKey } as Op)).toMatchObject({
    code: 'bad_signature',
  });
  expect(code(world.one(other, other.rotation(boss.signer)))).toBe('key_in_use');
  world.open(new Client(3), op.file('/kept'), { kind: 'closeSession' });
  expect(code(world.one(other, other.rotation(keyOf(3))))).toBe('key_in_use');
  expect(code(world.one(other, other.rotation(other.signer)))).toBe('key_in_use');
  rotated(world, other);
  expect(code(world.one(other, other.rotation(keyOf(2))))).toBe('key_in_use');
  expect(code(world.one(boss, boss.rotation(FRESH)))).toBe('key_in_use');
});

test('a list that names the new key is the new key’s no more: no rotation widens an ACL', () => {
  const { world, boss, other } = begun(op.file('/f'));
  const fresh: Client = new Client(50);
  world.one(boss, setting(world, '/f', { read: [key(boss)], write: [key(fresh), key(boss)] }));
  rotated(world, other);
  expect(code(world.one(other, op.write('/f', 'x')))).toBe('access_denied');
  const query: Query = { kind: 'get', path: '/f' };
  expect(code(world.service.query(query, FRESH.publicKey))).toBe('access_denied');
});

test('reads, proofs and watches know the identity, and no former key', () => {
  const { world, boss, other } = begun(op.file('/f', 'x'));
  world.one(boss, setting(world, '/f', { read: [key(other)] }));
  const { service } = world;
  const oldKey = other.signer.publicKey;
  rotated(world, other);
  const may = (asker: typeof oldKey): readonly unknown[] => [
    service.query({ kind: 'get', path: '/f' }, asker).kind,
    service.mayHear('/f', asker),
  ];
  expect(may(FRESH.publicKey)).toEqual(['value', true]);
  expect(may(oldKey)).toEqual(['error', false]);
});

test('an administrator stays one under another key', () => {
  const { world, boss, other } = ruled(op.file('/f'));
  rotated(world, boss);
  expect(world.one(boss, setting(world, '/f', { write: [key(other)] }))).toMatchObject({
    kind: 'aclSet',
  });
});

test('a machine follows: its lease goes on, its proofs name the key that signs', () => {
  const world = new MachineWorld();
  const { a: worker } = world;
  const identity = worker.signer.publicKey;
  const { t, s } = world.machine;
  const step = (n: bigint) => ({ from: [t + n, s + n], to: [t + n + 1n, s + n + 1n] }) as const;
  expect(world.send(worker, world.proven('takeMachine', worker, [step(0n)]))).toMatchObject({
    kind: 'machineHeld',
  });
  const early = world.proven('renewMachine', worker, [step(1n)]);
  rotated(world, worker);
  // What was proved for the key before is nobody's.
  expect(world.send(worker, early)).toBe('wrong_binding');
  expect(world.send(worker, world.proven('renewMachine', worker, [step(1n)]))).toMatchObject({
    kind: 'machineHeld',
    t: t + 2n,
  });
  expect(world.machine.lessee).toEqual(identity);
  const { notices } = world.step(60_000).raw;
  expect(notices.some(({ client }) => equalBytes(client, FRESH.publicKey))).toBe(true);
  expect(notices.some(({ client }) => equalBytes(client, identity))).toBe(false);
});

test('a job follows: its owner cancels it, its claimant proves it, and its proofs can be checked', () => {
  const world = new JobWorld();
  const { owner, a: worker } = world;
  world.declare({ steps: 2n, span: 1n, keepProofs: true });
  world.declare({ path: '/fleet/b' });
  world.claim(worker);
  world.send(worker, world.next(worker));
  const before = worker.signer.publicKey;
  rotated(world, worker);
  expect(world.send(worker, world.next(worker))).toMatchObject({ kind: 'jobProved', done: true });
  const file = world.ask({ kind: 'get', path: JOB });
  const bytes = file.kind === 'value' ? file.siblings[0]?.content : undefined;
  const pieces = decodeJobPieces(bytes ?? utf8(''));
  // Each names the key that it is bound to.
  expect(pieces).toMatchObject({
    ok: true,
    value: [{ worker: before }, { worker: FRESH.publicKey }],
  });
  rotated(world, owner, keyOf(51));
  expect(world.one(owner, { kind: 'cancelJob', path: '/fleet/b' })).toMatchObject({
    kind: 'jobCancelled',
  });
});

test('revoked by itself: it does nothing more, its locks go when its lease does', () => {
  const { world, boss, other } = begun(op.file('/lock'), op.file('/wait'), op.file('/next'));
  world.one(other, op.acquire('/lock', { lockDelayMs: 3_000 }));
  world.one(boss, op.acquire('/wait'));
  world.one(other, op.acquire('/wait'));
  world.one(boss, op.acquire('/lock'));
  const alive = other.keepAlive();
  const [told, behind] = world.run(other.batch(revocation(other), op.write('/next', 'x')));
  expect(told).toMatchObject({ kind: 'keyRevoked', identity: other.signer.publicKey });
  expect(code(behind)).toBe('key_revoked');
  expect(code(world.one(other, op.release('/lock')))).toBe('key_revoked');
  expect(code(world.open(new Client(2, 9))[0])).toBe('key_revoked');
  // Nobody who may still believe in his lock is overtaken.
  world.step(11_000, [], { keepAlives: [alive, boss.keepAlive()] });
  expect(world.ask({ kind: 'lock', path: '/lock' })).toMatchObject({
    holders: [{ session: other.session }],
  });
  // And nothing more is granted to it.
  const { notices } = world.step(0, [boss.batch(op.release('/wait'))]);
  expect(notices).toMatchObject([{ notice: { kind: 'waitEnded', code: 'key_revoked' } }]);
  expect(world.ask({ kind: 'lock', path: '/wait' })).toMatchObject({ holders: [], waiters: [] });
  world.step(1_000);
  expect(world.ask({ kind: 'session', id: other.session })).toMatchObject({
    code: 'session_unknown',
  });
  world.step(2_999, [], { keepAlives: [boss.keepAlive()] });
  expect(world.ask({ kind: 'lock', path: '/lock' })).toMatchObject({ holders: [] });
  world.step(1);
  expect(world.ask({ kind: 'lock', path: '/lock' })).toMatchObject({
    holders: [{ session: boss.session }],
  });
});

test('an administrator revokes any key, of whatever generation, and himself not before he is off the list', () => {
  const { world, boss, other } = ruled(op.file('/f'));
  const oldKey = other.signer.publicKey;
  rotated(world, other);
  expect(code(world.one(other, revocation(boss)))).toBe('access_denied');
  expect(world.one(boss, { kind: 'revokeKey', key: oldKey })).toMatchObject({
    kind: 'keyRevoked',
    identity: oldKey,
  });
  expect(code(world.one(other, op.acquire('/f')))).toBe('key_revoked');
  expect(code(world.one(boss, { kind: 'revokeKey', key: oldKey }))).toBe('key_revoked');
  // Also one that nobody has seen.
  const stranger = new Client(60);
  expect(world.one(boss, revocation(stranger))).toMatchObject({ kind: 'keyRevoked' });
  expect(code(world.open(stranger)[0])).toBe('key_revoked');
  expect(code(world.one(boss, revocation(boss)))).toBe('still_administrator');
});

test('in an open cell nobody revokes another', () => {
  const { world, boss, other } = begun();
  expect(code(world.one(boss, revocation(other)))).toBe('access_denied');
});

test('keys are bounded: of a client, and of the cell, where an administrator still has room', () => {
  const world = new World({ keysPerClientMax: 3, keysMax: 4 });
  const [boss, other, third] = [new Client(1), new Client(2), new Client(3)];
  for (const one of [boss, other, third]) world.open(one);
  world.one(boss, setting(world, '/', { change: [key(boss)] }));
  rotated(world, other, keyOf(51));
  rotated(world, other, keyOf(52));
  expect(code(world.one(other, other.rotation(keyOf(53))))).toBe('too_many_keys');
  rotated(world, third, keyOf(54));
  expect(code(world.one(third, third.rotation(keyOf(55))))).toBe('cell_full');
  rotated(world, boss, keyOf(56));
  expect(world.one(boss, revocation(new Client(9)))).toMatchObject({ kind: 'keyRevoked' });
  // Who has a record can always end.
  expect(world.one(third, revocation(third))).toMatchObject({ kind: 'keyRevoked' });
});

test('a client with more sessions than a commit may change closes some first', () => {
  const world = new World({ effectsPerCommitMax: 2 });
  const own = [0, 1, 2].map((nonce) => new Client(1, nonce));
  for (const one of own) world.open(one);
  const [first, second] = own as [Client, Client, Client];
  expect(code(world.one(first, first.rotation(FRESH)))).toBe('commit_full');
  world.one(second, { kind: 'closeSession' });
  rotated(world, first);
});

test('quotas are those of the identity, whatever key it has', () => {
  const world = new World({ sessionsPerClientMax: 2, nodesPerClientMax: 2 });
  const client = new Client(1);
  world.open(client, op.file('/a'));
  world.open(new Client(1, 1));
  rotated(world, client);
  expect(code(world.open(new Client(50, 2))[0])).toBe('too_many_sessions');
  expect(code(world.one(client, op.file('/b')))).toBeUndefined();
  expect(code(world.one(client, op.file('/c')))).toBe('quota_nodes');
});

test('snapshot and root carry it: a replica that restores goes on alike', () => {
  const { world, boss, other } = ruled(op.file('/f'), op.file('/g'));
  world.one(other, op.acquire('/f'));
  rotated(world, other);
  world.one(boss, revocation(new Client(60)));
  const third = new Client(61);
  world.open(third, op.acquire('/g'));
  world.one(boss, revocation(third));
  const snapshot = world.service.snapshot();
  expect(toHex(world.service.root())).toBe(toHex(stateRootByHand(snapshot)));
  const copy = world.service.fresh();
  copy.restore(snapshot);
  expect(toHex(copy.snapshot())).toBe(toHex(snapshot));
  const step = world.input(11_000, [other.batch(op.file('/x')), third.batch(op.file('/y'))], {
    keepAlives: [other.keepAlive(), third.keepAlive()],
  });
  expect(copy.applyCommit(step)).toEqual(world.service.applyCommit(step));
  expect(toHex(copy.root())).toBe(toHex(world.service.root()));
  const later = world.input(2_000, []);
  copy.applyCommit(later);
  world.service.applyCommit(later);
  expect(toHex(copy.root())).toBe(toHex(world.service.root()));
  expect(world.ask({ kind: 'session', id: third.session })).toMatchObject({
    code: 'session_unknown',
  });
});
