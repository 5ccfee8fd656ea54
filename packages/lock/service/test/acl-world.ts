// Test helper: ACLs in a world of a few clients.
import { type Acl, type AclList, aclOf, type Op, type Principal, type Result } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import { Client, World } from './world.ts';

export const ANYONE: Principal = { kind: 'anyone' };
export const key = (client: Client): Principal => ({ kind: 'key', key: client.signer.publicKey });
export const group = (name: string): Principal => ({ kind: 'group', name });
export const code = (said: unknown): unknown => (said as { code?: string }).code;
export const idOf = (client: Client): string => toHex(client.signer.publicKey);

export function genOf(world: World, path: string): Position {
  const answer = world.ask({ kind: 'acl', path });
  if (answer.kind !== 'acl') throw new Error(`${path}: ${answer.kind}`);
  return answer.aclGen;
}

export function setting(world: World, path: string, lists: Partial<Acl>): Op {
  const open = { read: [ANYONE], write: [ANYONE], change: [ANYONE] };
  return {
    kind: 'setAcl',
    path,
    acl: aclOf({ ...open, ...lists }),
    generation: genOf(world, path),
  };
}

export function begun(...ops: readonly Op[]): { world: World; boss: Client; other: Client } {
  const [world, boss, other] = [new World(), new Client(1), new Client(2)];
  world.open(boss, ...ops);
  world.open(other);
  return { world, boss, other };
}

export const denial = (list: AclList, path: string, client: Client): Result => ({
  kind: 'error',
  code: 'access_denied',
  expected: `a key in the ${list} list of ${path}`,
  actual: idOf(client),
  waitMs: undefined,
});
