// Tests of the lock service as a gateway serves it.
import type { Answer } from '@fatty/api';
import { asCellId, asPublicKey, asSessionId } from '@fatty/codec';
import type { StateMachine } from '@fatty/interface';
import { DEFAULT_PARAMS } from '@fatty/protocol';
import { LockService } from '@fatty/service';
import { expect, it } from 'vitest';
import { lockServed } from '../src/lock-served.ts';

const members = [asPublicKey(new Uint8Array(32).fill(1))];
const client = asPublicKey(new Uint8Array(32).fill(2));
const cell = { cellId: asCellId(new Uint8Array(32).fill(9)), epoch: 0, members };
const locks = (): LockService => new LockService({ cell, params: DEFAULT_PARAMS });

it('answers from the view asked for, and from committed state where there is no such view', () => {
  const [committed, delivered] = [locks(), locks()];
  const asked: string[] = [];
  for (const [name, machine] of Object.entries({ committed, delivered })) {
    const query = machine.query.bind(machine);
    machine.query = (what) => {
      asked.push(name);
      return query(what);
    };
  }
  const both = lockServed((view) => (view === 'committed' ? committed : delivered));
  both.ask({ kind: 'status' }, 'delivered', client);
  both.ask({ kind: 'status' }, 'committed', client);
  lockServed((view) => (view === 'committed' ? committed : undefined)).ask(
    { kind: 'status' },
    'delivered',
    client,
  );
  expect(asked).toEqual(['delivered', 'committed', 'committed']);
});

it('answers what the lists let the client of the link see', () => {
  const service = locks();
  const asked: unknown[] = [];
  service.query = (_, by) => {
    asked.push(by);
    return { kind: 'error', code: 'access_denied', expected: '', actual: '', waitMs: undefined };
  };
  lockServed(() => service).ask({ kind: 'status' }, 'committed', client);
  expect(asked).toEqual([client]);
});

it('says what an answer was put together of', () => {
  const { entriesOf } = lockServed(() => locks());
  const name = { name: 'n', node: 'file' as const };
  const id = { session: asSessionId(new Uint8Array(32)), seq: 0, index: 0 };
  const list: Answer = { kind: 'list', entries: Array(7).fill({ ...name, id }), more: false };
  expect(entriesOf(list)).toBe(7);
  expect(entriesOf(locks().query({ kind: 'status' }))).toBe(0);
});

it('serves nothing but the lock service', () => {
  const other = lockServed(() => ({}) as StateMachine);
  expect(() => other.hasSession(members[0] ?? asPublicKey(new Uint8Array(32)))).toThrow(TypeError);
});
