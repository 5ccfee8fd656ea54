// Tests that every query is answered.
import {
  type ClientMessage,
  decodeGatewayMessage,
  encodeClientMessage,
  type GatewayMessage,
  type Query,
} from '@fatty/api';
import type { Link } from '@fatty/interface';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import type { GatewayLimits } from '../src/gateway/contract.ts';
import { ALICE, FakeBackend, gatewayOf } from './gateway-fakes.ts';

let nowMs: number;
let heard: GatewayMessage[];
let closed: number[];
let gateway: ReturnType<typeof gatewayOf>;

const link: Link = {
  role: 'client',
  messageBytesMax: 1 << 22,
  peer: ALICE.publicKey,
  send: (bytes) => {
    const message = decodeGatewayMessage(bytes, 1 << 20);
    if (message.ok) heard.push(message.value);
    return true;
  },
  close: (code) => void closed.push(code),
};

function open(limits: Partial<GatewayLimits>): void {
  const backend = new FakeBackend();
  backend.clockMs = () => nowMs;
  gateway = gatewayOf(backend, limits);
  gateway.linkUp(link);
}

beforeEach(() => {
  nowMs = 1_000;
  heard = [];
  closed = [];
  open({});
});

/** Says it, and answers what comes back. */
function ask(query: Query, request: number): GatewayMessage[] {
  const message: ClientMessage = { kind: 'read', request, minCommit: 0, view: 'committed', query };
  gateway.message(link, encodeClientMessage(message));
  return heard.splice(0);
}

const LONG = { kind: 'get', path: `/${'x'.repeat(9_000)}` } as const;
const SHORT_ID = { kind: 'session', id: new Uint8Array(3) } as unknown as Query;

const path = fc.oneof(fc.string(), fc.constant(LONG.path));
const anyQuery = fc.oneof(
  fc.record({ kind: fc.constantFrom('get', 'stat', 'lock', 'machine'), path }),
  fc.record({
    kind: fc.constant('list'),
    path,
    after: fc.option(fc.string({ maxLength: 600 }), { nil: undefined }),
    limit: fc.nat(Number.MAX_SAFE_INTEGER),
  }),
  fc.record({ kind: fc.constant('session'), id: fc.uint8Array({ maxLength: 64 }) }),
  fc.record({ kind: fc.constantFrom('members', 'status') }),
) as fc.Arbitrary<Query>;

test('every query that a client can encode is answered, readable or not, and the link stays', () => {
  let unreadable = 0;
  const answered = fc.property(anyQuery, fc.nat(0xffff_ffff), (query, request) => {
    const said = ask(query, request);
    expect(said).toMatchObject([{ request }]);
    if (said[0]?.kind === 'error') unreadable += 1;
    expect(closed).toEqual([]);
  });
  fc.assert(answered, {
    examples: [
      [LONG, 7],
      [SHORT_ID, 8],
    ],
  });
  expect(unreadable).toBeGreaterThan(1);
});

test('a query that cannot be read counts like any other message', () => {
  open({ messagesPerSecMax: 1 });
  expect(ask(SHORT_ID, 1)).toMatchObject([
    { kind: 'error', request: 1, failure: { code: 'wrong_shape' } },
  ]);
  expect(ask(SHORT_ID, 2)).toMatchObject([
    { kind: 'error', request: 2, failure: { code: 'slow_down' } },
  ]);
  nowMs += 1_000;
  expect(ask(SHORT_ID, 3)).toMatchObject([{ failure: { code: 'wrong_shape' } }]);
});

test('what is no read ends the link', () => {
  for (const bytes of [[0x80], [0x82, 4, 1], [0x85, 7, 1, 0, 0, 0], [0xff], []]) {
    gateway.message(link, Uint8Array.from(bytes));
  }
  expect(closed).toEqual([4400, 4400, 4400, 4400, 4400]);
});
