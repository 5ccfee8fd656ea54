// Tests that an exception stays with the link it came by.
import { type ClientMessage, decodeGatewayMessage, encodeClientMessage } from '@fatty/api';
import { utf8 } from '@fatty/codec';
import type { Link, Receipt } from '@fatty/interface';
import { signBatch } from '@fatty/protocol';
import { beforeEach, expect, test } from 'vitest';
import { Driver } from '../src/driver.ts';
import { ALICE, BOB, CELL, commitAt, FakeBackend, gatewayOf, SESSION } from './gateway-fakes.ts';
import { portsOf } from './ports-fakes.ts';

interface Client {
  readonly link: Link;
  readonly heard: string[];
  readonly closed: [code: number, reason: string][];
}

/** Sends throw once `broken` is true. */
function client(signer = ALICE): Client & { broken: boolean } {
  const heard: string[] = [];
  const closed: [number, string][] = [];
  const link: Link = {
    role: 'client',
    messageBytesMax: 1 << 22,
    peer: signer.publicKey,
    send: (bytes) => {
      if (one.broken) throw new Error('a broken link');
      const message = decodeGatewayMessage(bytes, 1 << 20);
      heard.push(message.ok ? message.value.kind : message.failure.code);
      return true;
    },
    close: (...how) => {
      closed.push(how);
      gateway.linkDown(link);
    },
  };
  const one = { link, heard, closed, broken: false };
  gateway.linkUp(link);
  return one;
}

let errors: [message: string, serving: string, alice: boolean][];
let onSubmit: (tag: number) => void;
let gateway: ReturnType<typeof gatewayOf>;

beforeEach(() => {
  errors = [];
  onSubmit = () => undefined;
  const backend = new FakeBackend();
  backend.submit = (_, tag) => onSubmit(tag);
  backend.ask = (query) => {
    if ('path' in query && query.path === '/poison') throw new Error('a broken machine');
    return backend.says;
  };
  gateway = gatewayOf(backend, {}, (error, serving, key) =>
    errors.push([(error as Error).message, serving, key === ALICE.publicKey]),
  );
});

const say = ({ link }: Client, message: ClientMessage): void =>
  gateway.message(link, encodeClientMessage(message));
const read = (from: Client, path: string, minCommit = 0): void =>
  say(from, {
    kind: 'read',
    request: 1,
    minCommit,
    view: 'committed',
    query: { kind: 'get', path },
  });
const batchOf = (seq: number) =>
  signBatch(CELL, ALICE, {
    client: ALICE.publicKey,
    session: SESSION,
    seq,
    basis: { epoch: 0, commit: 0 },
    ops: [utf8('op')],
  });

test('an exception over one message ends the link it came by, with 1011, and no other', () => {
  const [bad, good] = [client(), client(BOB)];
  read(bad, '/poison');
  expect(bad.closed).toEqual([[1011, 'internal_error']]);
  expect(errors).toEqual([['a broken machine', 'read', true]]);
  read(good, '/a');
  expect(good).toMatchObject({ heard: ['readResult'], closed: [] });
});

test('a commit reaches everybody but those whose answer throws', () => {
  const [waiting, good, deaf] = [client(), client(BOB), client()];
  read(waiting, '/poison', 11);
  read(good, '/a', 11);
  deaf.broken = true;
  const receipt = (signer: typeof ALICE): Receipt => ({
    batch: new Uint8Array(32) as Receipt['batch'],
    client: signer.publicKey,
    session: SESSION,
    seq: 0,
    commit: 11,
    results: [],
  });
  gateway.committed(commitAt(11), { receipts: [receipt(ALICE), receipt(BOB)], notices: [] });
  expect(errors.map(([message, serving]) => `${serving}: ${message}`)).toEqual([
    'receipt: a broken link',
    'read: a broken machine',
  ]);
  expect(waiting).toMatchObject({ heard: ['receipt'], closed: [[1011, 'internal_error']] });
  expect(deaf.closed).toEqual([[1011, 'internal_error']]);
  expect(good).toMatchObject({ heard: ['receipt', 'readResult'], closed: [] });
  expect(gateway.clients).toBe(1);
});

test('a refusal that cannot be told ends the link', () => {
  const bad = client();
  onSubmit = (tag) => {
    bad.broken = true;
    gateway.refused(tag, { code: 'overloaded', expected: 'room', actual: 'none' });
  };
  say(bad, { kind: 'submit', batch: batchOf(0) });
  expect(errors).toEqual([['a broken link', 'refused', true]]);
  expect(bad.closed).toEqual([[1011, 'internal_error']]);
});

test('what the replica throws over a batch is no trouble of its client: the replica stops', () => {
  const fatal: string[] = [];
  const driver = new Driver({
    replica: {
      step: ({ kind }) => {
        if (kind === 'submit') throw new Error('an invariant');
        return [];
      },
    },
    ports: portsOf(),
    onOutward: () => undefined,
    onFatal: ({ message }) => void fatal.push(message),
  });
  onSubmit = (tag) => driver.dispatch({ kind: 'submit', batch: new Uint8Array(1), tag });
  const alice = client();
  say(alice, { kind: 'submit', batch: batchOf(0) });
  say(alice, { kind: 'submit', batch: batchOf(1) });
  expect(fatal).toEqual(['an invariant']);
  expect(errors).toEqual([]);
  expect(alice.closed).toEqual([]);
});
