// Tests of ACLs: who may do what, and how it is inherited and changed.
import {
  type Acl,
  type AclList,
  type Answer,
  aclOf,
  decodeEvent,
  encodeOp,
  groupPath,
  type Op,
  ORIGIN,
  type Principal,
  type Query,
  type Result,
} from '@fatty/api';
import { toHex, utf8 } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { encodeQuestion } from '@fatty/verify';
import { expect, test } from 'vitest';
import { LockService } from '../src/index.ts';
import { CELL, Client, keyOf, op, World } from './world.ts';

const ANYONE: Principal = { kind: 'anyone' };
const key = (client: Client): Principal => ({ kind: 'key', key: client.signer.publicKey });
const group = (name: string): Principal => ({ kind: 'group', name });
const code = (said: unknown): unknown => (said as { code?: string }).code;
const idOf = (client: Client): string => toHex(client.signer.publicKey);

function genOf(world: World, path: string): Position {
  const answer = world.ask({ kind: 'acl', path });
  if (answer.kind !== 'acl') throw new Error(`${path}: ${answer.kind}`);
  return answer.aclGen;
}

function setting(world: World, path: string, lists: Partial<Acl>): Op {
  const open = { read: [ANYONE], write: [ANYONE], change: [ANYONE] };
  return {
    kind: 'setAcl',
    path,
    acl: aclOf({ ...open, ...lists }),
    generation: genOf(world, path),
  };
}

function begun(...ops: readonly Op[]): { world: World; boss: Client; other: Client } {
  const [world, boss, other] = [new World(), new Client(1), new Client(2)];
  world.open(boss, ...ops);
  world.open(other);
  return { world, boss, other };
}

const denial = (list: AclList, path: string, client: Client): Result => ({
  kind: 'error',
  code: 'access_denied',
  expected: `a key in the ${list} list of ${path}`,
  actual: idOf(client),
  waitMs: undefined,
});

test('a cell in which nobody has restricted anything is open, its ACLs included', () => {
  const { world, other } = begun(op.file('/f'));
  const open = [ANYONE];
  const answer = { kind: 'acl', acl: { read: open, write: open, change: open } };
  expect(world.ask({ kind: 'acl', path: '/f' })).toMatchObject({
    ...answer,
    aclGen: { commit: 1 },
  });
  expect(world.ask({ kind: 'acl', path: '/' })).toMatchObject({ ...answer, aclGen: ORIGIN });
  expect(world.ask({ kind: 'acl', path: '/none' })).toMatchObject({ code: 'not_found' });
  expect(world.one(other, setting(world, '/f', { write: [key(other)] }))).toEqual({
    kind: 'aclSet',
    aclGen: { commit: world.commit, index: 0 },
  });
});

/** What each op on `/d` needs; `/d/new` does not stand there. */
const WRITES: readonly (readonly [name: string, op: Op])[] = [
  ['create below', op.file('/d/new')],
  ['join', op.dir('/d')],
  ['declare below', machine('/d/new')],
  ['write', op.write('/d/shared', 'x')],
  ['compareAndSet', op.set('/d/guarded', 'x', { commit: 1, index: 4 })],
  ['remove', op.remove('/d/shared', { session: new Client(1).session, seq: 0, index: 2 })],
  ['removeSubtree', { kind: 'removeSubtree', path: '/d' }],
  ['acquire', op.acquire('/d')],
  ['acquire shared', op.acquire('/d', { mode: 'shared' })],
  ['tryAcquire', op.tryAcquire('/d')],
  ['take', { kind: 'takeMachine', ...proofs('/d/machine') }],
  ['renew', { kind: 'renewMachine', ...proofs('/d/machine') }],
  ['publish', { kind: 'publish', path: '/d/machine', address: '', content: utf8('') }],
  ['post', { kind: 'post', path: '/d/machine', entry: 1n }],
];

function machine(path: string): Op {
  return {
    kind: 'declareMachine',
    path,
    programId: new Uint8Array(32) as never,
    t: 1n,
    s: 1n,
    policy: { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 },
    binding: 'open',
    outputs: 0,
    inbox: undefined,
    periodMs: 12_000,
    lockDelayMs: 0,
  };
}

function proofs(path: string): Omit<Extract<Op, { kind: 'takeMachine' }>, 'kind'> {
  return { path, nonce: undefined, outputs: 0, inbox: 0, proofs: [utf8('none')] };
}

const TREE = [
  op.dir('/d'),
  op.file('/d/shared'),
  op.file('/d/guarded', '', { mode: 'guarded' }),
  machine('/d/machine'),
];

test.each(WRITES)('%s needs the write list', (_, one) => {
  const { world, boss, other } = begun(...TREE);
  for (const path of ['/d', '/d/shared', '/d/guarded', '/d/machine']) {
    expect(world.one(boss, setting(world, path, { write: [key(boss)] }))).toMatchObject({
      kind: 'aclSet',
    });
  }
  const path = 'path' in one && one.path !== '/d/new' ? one.path : '/d';
  const before = world.service.root();
  expect(world.one(other, one)).toEqual(denial('write', path, other));
  expect(code(world.one(boss, one))).not.toBe('access_denied');
  expect(world.service.root()).not.toEqual(before);
});

test('a change of the lists needs the change list, and the generation that it saw', () => {
  const { world, boss, other } = begun(op.file('/f'));
  world.one(boss, setting(world, '/f', { change: [key(boss)] }));
  const wide = setting(world, '/f', {});
  expect(world.one(other, wide)).toEqual(denial('change', '/f', other));
  const seen = genOf(world, '/f');
  expect(world.one(boss, wide)).toEqual({
    kind: 'aclSet',
    aclGen: { commit: world.commit, index: 0 },
  });
  expect(genOf(world, '/f')).toEqual({ commit: world.commit, index: 0 });
  expect(world.one(boss, { ...wide, generation: seen } as Op)).toMatchObject({
    code: 'generation_mismatch',
  });
  expect(code(world.one(boss, { ...wide, path: '/none' } as Op))).toBe('not_found');
});

test('the generation grows across remove and create: a change falls on no later node', () => {
  const { world, boss } = begun(op.file('/f'));
  const change = setting(world, '/f', { write: [key(boss)] });
  const first = genOf(world, '/f');
  world.one(boss, { kind: 'removeSubtree', path: '/f' });
  world.one(boss, op.file('/f'));
  expect(genOf(world, '/f').commit).toBeGreaterThan(first.commit);
  expect(code(world.one(boss, change))).toBe('generation_mismatch');
});

test('a node has the lists that its parent has at the create; later ones are its own', () => {
  const { world, boss, other } = begun(op.dir('/d'), op.file('/d/old'));
  world.one(boss, setting(world, '/d', { write: [key(boss)] }));
  world.one(boss, op.file('/d/new'));
  expect(code(world.one(other, op.write('/d/old', 'x')))).toBeUndefined();
  expect(world.one(other, op.write('/d/new', 'x'))).toEqual(denial('write', '/d/new', other));
  world.one(boss, setting(world, '/d', {}));
  expect(world.one(other, op.write('/d/new', 'x'))).toEqual(denial('write', '/d/new', other));
  // Who joins a node changes nothing about it.
  world.one(boss, op.file('/d/new'));
  expect(code(world.one(other, op.file('/d/new')))).toBe('access_denied');
});

test('removeSubtree stops at what its sender may not write', () => {
  const { world, boss, other } = begun(
    op.dir('/d'),
    op.file('/d/a'),
    op.file('/d/b'),
    op.file('/d/c'),
  );
  world.one(boss, setting(world, '/d/b', { write: [key(boss)] }));
  const all: Op = { kind: 'removeSubtree', path: '/d' };
  expect(world.one(other, all)).toEqual({ kind: 'subtreeRemoved', nodes: 1, left: 3 });
  expect(world.one(other, all)).toEqual(denial('write', '/d/b', other));
  expect(world.one(boss, all)).toEqual({ kind: 'subtreeRemoved', nodes: 3, left: 0 });
});

test('giving back is never refused', () => {
  const { world, boss, other } = begun(op.file('/f'));
  world.one(other, op.acquire('/f'));
  world.one(boss, setting(world, '/f', { read: [], write: [], change: [key(boss)] }));
  expect(world.one(other, op.acquire('/f'))).toEqual(denial('write', '/f', other));
  expect(world.one(other, op.release('/f'))).toMatchObject({ kind: 'released' });
  expect(world.one(other, { kind: 'closeSession' })).toMatchObject({ kind: 'sessionClosed' });
});

const READS: readonly Query[] = [
  { kind: 'get', path: '/f' },
  { kind: 'contents', path: '/f', dots: [] },
  { kind: 'stat', path: '/f' },
  { kind: 'lock', path: '/f' },
  { kind: 'acl', path: '/f' },
  { kind: 'machine', path: '/f' },
  { kind: 'list', path: '/f', after: undefined, limit: 9 },
];

test.each(READS)('$kind needs the read list, in every view', (query) => {
  const { world, boss, other } = begun(op.file('/f', 'secret'));
  world.one(boss, setting(world, '/f', { read: [key(boss)], change: [key(boss)] }));
  const view = world.service.view();
  view.deliverBatch(boss.batch(op.write('/f', 'more')));
  for (const service of [world.service, view]) {
    expect(service.query(query, other.signer.publicKey)).toEqual(denial('read', '/f', other));
    expect(code(service.query(query, boss.signer.publicKey))).not.toBe('access_denied');
    expect(code(service.query(query))).not.toBe('access_denied');
  }
});

test('whoever may change the lists may see them', () => {
  const { world, boss, other } = begun(op.file('/f'));
  world.one(boss, setting(world, '/f', { read: [], change: [key(other)] }));
  const ask = (query: Query): Answer => world.service.query(query, other.signer.publicKey);
  expect(ask({ kind: 'acl', path: '/f' })).toMatchObject({ kind: 'acl', acl: { read: [] } });
  expect(code(ask({ kind: 'stat', path: '/f' }))).toBe('access_denied');
});

test('what may not be read is not proved either', () => {
  const { world, boss, other } = begun(op.dir('/d'), op.file('/d/f', 'secret'));
  world.one(boss, setting(world, '/d', { read: [key(boss)] }));
  world.one(boss, setting(world, '/d/f', { read: [key(boss)] }));
  const { session } = boss;
  const questions = [
    { kind: 'node', path: '/d/f' },
    { kind: 'file', path: '/d/f' },
    { kind: 'claim', path: '/d/f', session },
    { kind: 'list', path: '/d', from: 0, bytesMax: 9 },
  ] as const;
  for (const question of questions) {
    const bytes = encodeQuestion(question);
    const refusal = world.service.refuseProof(bytes, other.signer.publicKey);
    expect(refusal).toEqual(denial('read', question.path, other));
    expect(world.service.refuseProof(bytes, boss.signer.publicKey)).toBeUndefined();
  }
  const receipts = encodeQuestion({ kind: 'receipts', session });
  expect(world.service.refuseProof(receipts, other.signer.publicKey)).toBeUndefined();
  expect(world.service.refuseProof(utf8('?'), other.signer.publicKey)).toBeUndefined();
});

test('a change of the lists is an event', () => {
  const { world, boss } = begun(op.file('/f'));
  const change = boss.batch(setting(world, '/f', { read: [key(boss)] }));
  const events = world.step(0, [change]).raw.events?.map(({ body }) => decodeEvent(body));
  const aclGen = { commit: world.commit, index: 0 };
  expect(events).toEqual([{ ok: true, value: { kind: 'aclChanged', path: '/f', aclGen } }]);
});

test('to others a session shows only what they may read', () => {
  const { world, boss, other } = begun(op.file('/seen'), op.file('/hidden'));
  world.run(
    boss.batch(
      op.acquire('/seen'),
      op.acquire('/hidden'),
      op.file('/seen', '', { ephemeral: true }),
    ),
  );
  world.one(boss, setting(world, '/hidden', { read: [key(boss)] }));
  const ask = (client: Client): Answer =>
    world.service.query({ kind: 'session', id: boss.session }, client.signer.publicKey);
  expect(ask(other)).toMatchObject({ holds: [{ path: '/seen' }], ephemerals: ['/seen'] });
  expect(ask(boss)).toMatchObject({ holds: [{ path: '/hidden' }, { path: '/seen' }] });
});

test('a group has the keys that every concurrent content of its file names', () => {
  const { world, boss, other } = begun(op.dir('/.groups'), op.file('/f'));
  world.one(boss, setting(world, '/f', { write: [group('ops')], change: [key(boss)] }));
  const may = (client: Client): boolean =>
    code(world.one(client, op.tryAcquire('/f'))) !== 'access_denied';
  expect([may(boss), may(other)]).toEqual([false, false]);
  const keys = `# who is on duty\n${idOf(other)} # nights\n\n  ${idOf(boss).toUpperCase()}\nnonsense\n`;
  world.one(boss, op.file(groupPath('ops'), keys));
  expect([may(boss), may(other)]).toEqual([true, true]);
  world.one(boss, op.write(groupPath('ops'), idOf(other)));
  expect([may(boss), may(other)]).toEqual([false, true]);
  world.one(boss, { kind: 'removeSubtree', path: groupPath('ops') });
  expect(may(other)).toBe(false);
  world.one(boss, op.file(groupPath('ops'), `${idOf(other)}\n${'#'.repeat(64 * 1024)}`));
  expect(may(other)).toBe(false);
});

test('whom the change list of / names may change every list; anyone there names nobody', () => {
  const { world, boss, other } = begun(op.file('/f'));
  world.one(other, setting(world, '/f', { read: [], write: [], change: [] }));
  expect(world.one(boss, setting(world, '/f', {}))).toEqual(denial('change', '/f', boss));
  world.one(boss, setting(world, '/', { change: [key(boss), ANYONE] }));
  expect(world.one(other, setting(world, '/f', {}))).toEqual(denial('change', '/f', other));
  expect(world.one(boss, setting(world, '/f', {}))).toMatchObject({ kind: 'aclSet' });
});

test('before the commit nothing shows that the committed lists refuse, and nothing hides behind it', () => {
  const { world, boss, other } = begun(op.dir('/d'), op.dir('/.groups'));
  const made = world.one(boss, op.file('/d/f', 'kept'));
  if (made.kind !== 'created') throw new Error(made.kind);
  world.one(boss, setting(world, '/d/f', { write: [key(boss)] }));
  world.one(
    boss,
    setting(world, '/d', { read: [group('late')], write: [key(boss), group('late')] }),
  );
  const view = world.service.view();
  view.deliverBatch(
    other.batch(
      op.file(groupPath('late'), idOf(other)),
      op.dir('/d/mine'),
      op.file('/d/mine/too'),
      op.write('/d/f', 'changed', made.node),
      op.remove('/d/f', made.node),
    ),
  );
  view.deliverBatch(boss.batch(op.file('/d/ours')));
  const list = (client?: Client): Answer =>
    view.query({ kind: 'list', path: '/d', after: undefined, limit: 9 }, client?.signer.publicKey);
  expect(list()).toMatchObject({ entries: [{ name: 'f' }, { name: 'ours' }] });
  expect(view.query({ kind: 'get', path: '/d/f' })).toMatchObject({
    siblings: [{ content: utf8('kept') }],
  });
  // The group that would let it in is only delivered.
  expect(view.query({ kind: 'stat', path: groupPath('late') })).toMatchObject({ kind: 'stat' });
  expect(list(other)).toEqual(denial('read', '/d', other));
  expect(view.query({ kind: 'stat', path: '/d/ours' }, other.signer.publicKey)).toEqual(
    denial('read', '/d/ours', other),
  );
});

test('snapshot and root hold the lists', () => {
  const { world, boss, other } = begun(op.dir('/d'));
  const open = world.service.root();
  world.one(boss, setting(world, '/d', { write: [key(boss)] }));
  world.one(boss, setting(world, '/', { change: [key(boss)] }));
  world.one(boss, op.file('/d/f'));
  const copy = world.service.fresh();
  copy.restore(world.service.snapshot());
  expect(copy.root()).toEqual(world.service.root());
  expect(copy.root()).not.toEqual(open);
  world.service = copy;
  expect(world.one(other, op.write('/d/f', 'x'))).toEqual(denial('write', '/d/f', other));
  expect(world.one(other, setting(world, '/', {}))).toEqual(denial('change', '/', other));
});

test('an administrator from the start: everybody reads, he alone writes until he says otherwise', () => {
  const [world, boss, other] = [new World(), new Client(1), new Client(2)];
  const open = world.service.root();
  world.service = new LockService({
    cell: { cellId: CELL, epoch: 0, members: [keyOf(200).publicKey] },
    admin: boss.signer.publicKey,
  });
  expect(world.service.root()).not.toEqual(open);
  expect(world.service.fresh().root()).toEqual(world.service.root());
  world.open(boss);
  world.open(other);
  expect(world.one(other, op.file('/f'))).toEqual(denial('write', '/', other));
  expect(world.one(other, setting(world, '/', {}))).toEqual(denial('change', '/', other));
  expect(world.service.query({ kind: 'stat', path: '/' }, other.signer.publicKey).kind).toBe(
    'stat',
  );
  expect(world.one(boss, setting(world, '/', {}))).toMatchObject({ kind: 'aclSet' });
  expect(world.one(other, op.file('/f'))).toMatchObject({ kind: 'created' });
});

test('a long ACL counts for the owner of its node, a short one for nobody', () => {
  const many = Array.from({ length: 64 }, (_, i) => key(new Client(100 + i)));
  const world = new World({ bytesPerClientMax: 3_000 });
  const [boss, owner] = [new Client(1), new Client(2)];
  world.open(boss);
  world.open(owner, op.dir('/d'), op.file('/f', 'x'.repeat(1_000)));
  expect(world.one(boss, setting(world, '/d', { read: many }))).toMatchObject({
    code: 'quota_bytes',
  });
  expect(world.one(boss, setting(world, '/f', { write: [key(boss)] }))).toMatchObject({
    kind: 'aclSet',
  });
  expect(world.one(boss, setting(world, '/d', { read: many.slice(0, 40) }))).toMatchObject({
    kind: 'aclSet',
  });
  // It counts again for each node that has it.
  expect(code(world.one(owner, op.dir('/d/more')))).toBe('quota_bytes');
  expect(code(world.one(boss, op.dir('/d/more')))).toBeUndefined();
  world.one(boss, { kind: 'removeSubtree', path: '/d' });
  const copy = world.service.fresh();
  copy.restore(world.service.snapshot());
  expect(copy.root()).toEqual(world.service.root());
});

test.each<[string, Partial<Acl>]>([
  ['/f', { read: [ANYONE, ANYONE] }],
  ['/f', { write: [key(new Client(1)), ANYONE] }],
  ['/f', { change: [group('a/b')] }],
  ['/f', { change: [group('')] }],
  ['/f', { read: Array.from({ length: 9 }, (_, i) => group(`g${i}`)) }],
  ['/', { change: [] }],
])('bad form at %s: %o', (path, lists) => {
  const world = new World();
  const acl = { read: [ANYONE], write: [ANYONE], change: [ANYONE], ...lists };
  const bytes = encodeOp({ kind: 'setAcl', path, acl, generation: ORIGIN });
  expect(world.service.open(bytes)).toMatchObject({ ok: false, failure: { code: 'bad_acl' } });
});
