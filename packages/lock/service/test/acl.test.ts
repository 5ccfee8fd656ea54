// Tests of ACLs: who may do what, and how it is inherited and changed.
import { type Acl, type Answer, encodeOp, groupPath, type Op, ORIGIN } from '@fatty/api';
import { utf8 } from '@fatty/codec';
import { expect, test } from 'vitest';
import { LockService } from '../src/index.ts';
import { ANYONE, begun, code, denial, genOf, group, idOf, key, setting } from './acl-world.ts';
import { CELL, Client, keyOf, op, World } from './world.ts';

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
  ['create the next below', op.next('/d/new')],
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
