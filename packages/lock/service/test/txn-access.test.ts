// Tests of who may do what in a transaction.
import {
  type Acl,
  aclOf,
  type FileOp,
  groupPath,
  type Op,
  ORIGIN,
  type Principal,
} from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { expect, test } from 'vitest';
import { Client, op, World } from './world.ts';

const ANYONE: Principal = { kind: 'anyone' };
const idOf = (client: Client): string => toHex(client.signer.publicKey);

function genOf(world: World, path: string): Position {
  const answer = world.ask({ kind: 'acl', path });
  return answer.kind === 'acl' ? answer.aclGen : ORIGIN;
}

function setting(world: World, path: string, lists: Partial<Acl>): Op {
  const acl = aclOf({ read: [ANYONE], write: [ANYONE], change: [ANYONE], ...lists });
  return { kind: 'setAcl', path, acl, generation: genOf(world, path) };
}

const txn = (compared: readonly string[], ...success: readonly Op[]): Op => ({
  kind: 'txn',
  compares: compared.map((path) => ({ kind: 'exists', path, exists: true })),
  success: success as readonly FileOp[],
  failure: [],
});

test('each path and each op is looked at, with groups as the ops before have made them', () => {
  const [world, boss, other] = [new World(), new Client(1), new Client(2)];
  world.open(boss, op.dir('/.groups'), op.file('/f'), op.file('/secret'));
  world.open(other);
  const key: Principal = { kind: 'key', key: boss.signer.publicKey };
  world.one(boss, setting(world, '/secret', { read: [key] }));
  expect(world.one(other, txn(['/f', '/secret']))).toMatchObject({
    code: 'access_denied',
    expected: 'compares[1]: a key in the read list of /secret',
  });
  expect(world.one(boss, txn(['/f', '/secret']))).toMatchObject({ kind: 'txnDone' });
  world.one(boss, op.file(groupPath('ops'), idOf(other)));
  world.one(boss, setting(world, '/f', { write: [{ kind: 'group', name: 'ops' }] }));
  expect(world.one(other, txn([], op.write('/f', 'in')))).toMatchObject({ kind: 'txnDone' });
  // Of concurrent contents of a group all must name the key.
  const leave = txn([], op.write(groupPath('ops'), idOf(boss)), op.write('/f', 'still in?'));
  expect(world.one(other, leave)).toMatchObject({
    code: 'access_denied',
    expected: 'op 1: a key in the write list of /f',
  });
  expect(world.one(other, txn([], op.write('/f', 'yes')))).toMatchObject({ kind: 'txnDone' });
});
