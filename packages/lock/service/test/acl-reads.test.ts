// Tests of ACLs: who may read.
import { type Answer, decodeEvent, type Query } from '@fatty/api';
import { utf8 } from '@fatty/codec';
import { encodeQuestion } from '@fatty/verify';
import { expect, test } from 'vitest';
import { begun, code, denial, key, setting } from './acl-world.ts';
import { type Client, op } from './world.ts';

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
  const receipts = encodeQuestion({ kind: 'receipts', session, seq: 1 });
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

test('of what may not be read nothing is heard; of what is gone, by the nearest node above', () => {
  const { world, boss, other } = begun(op.dir('/d'), op.file('/d/f'));
  const hears = (path: string, client = other): boolean =>
    world.service.mayHear(path, client.signer.publicKey);
  expect(hears('/d/f')).toBe(true);
  world.one(boss, setting(world, '/d', { read: [key(boss)] }));
  expect([hears('/d/f'), hears('/d'), hears('/d/gone/too'), hears('/gone')]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect(hears('/d/gone', boss)).toBe(true);
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
