// Tests of submissions and of limits.
import { type ClientMessage, encodeClientMessage, type Query } from '@fatty/api';
import { ACCEPT, encode, ignore, reject, u8, utf8 } from '@fatty/codec';
import type { Receipt } from '@fatty/interface';
import { BULK, KEEP_ALIVE, PROTOCOL } from '@fatty/interface';
import { batchId, keepAliveShape, nowMessage, signBatch } from '@fatty/protocol';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { plainOf } from '../../../kernel/codec/test/by-hand.ts';
import { miswritten, rngOf } from '../../../kernel/codec/test/random-values.ts';
import { TokenBucket } from '../src/gateway/bucket.ts';
import {
  ALICE,
  BOB,
  CELL,
  commitAt,
  FakeBackend,
  FakeLink,
  gatewayOf,
  REPLICA,
  SESSION,
  scheme,
} from './gateway-fakes.ts';

const batchOf = (seq: number, signer = ALICE) =>
  signBatch(CELL, signer, {
    client: signer.publicKey,
    session: SESSION,
    seq,
    basis: { epoch: 0, commit: 0 },
    ops: [utf8('op')],
  });

const receiptFor = (seq: number, signer = ALICE): Receipt => ({
  batch: batchId(batchOf(seq, signer).core),
  client: signer.publicKey,
  session: SESSION,
  seq,
  commit: 11,
  results: [utf8('done')],
});

let backend: FakeBackend;
let gateway: ReturnType<typeof gatewayOf>;
let link: FakeLink;
const say = (message: ClientMessage, to = link): void =>
  gateway.message(to, encodeClientMessage(message));
const submit = (seq: number, to = link): void => say({ kind: 'submit', batch: batchOf(seq) }, to);
const read = (request: number, minCommit: number, to = link): void =>
  say(
    { kind: 'read', request, minCommit, view: 'committed', query: { kind: 'get', path: '/a' } },
    to,
  );
const limited = (limits: object): void => {
  gateway = gatewayOf(backend, limits);
  gateway.linkUp(link);
};

beforeEach(() => {
  backend = new FakeBackend();
  link = new FakeLink();
  limited({});
});

describe('submissions', () => {
  it('relays a batch and pushes its receipt to every link of the client, to nobody else', () => {
    const second = new FakeLink();
    const stranger = new FakeLink(BOB);
    gateway.linkUp(second);
    gateway.linkUp(stranger);
    submit(0);
    expect(backend.submitted).toHaveLength(1);
    expect(link.take()).toEqual([]);
    backend.nowMs += 25;
    gateway.committed(commitAt(11), { receipts: [receiptFor(0)], notices: [] });
    const { client: _, ...body } = receiptFor(0);
    expect(link.take()).toEqual([{ kind: 'receipt', ...body }]);
    expect(second.take()).toEqual([{ kind: 'receipt', ...body }]);
    expect(stranger.take()).toEqual([]);
    expect(backend.latencies).toEqual([25]);
  });

  it('answers a resend of an applied batch by itself, and tells whoever signed another what is there', () => {
    backend.receipts.set(4, receiptFor(4));
    submit(4);
    expect(backend.submitted).toEqual([]);
    expect(link.take()).toMatchObject([{ kind: 'receipt', seq: 4, commit: 11 }]);
    const { batch } = receiptFor(6);
    backend.receipts.set(5, { ...receiptFor(5), batch });
    submit(5);
    expect(backend.submitted).toEqual([]);
    expect(link.take()).toMatchObject([{ kind: 'receipt', seq: 5, batch }]);
    // Not to a stranger who uses the client's name.
    const stranger = new FakeLink(BOB);
    gateway.linkUp(stranger);
    submit(5, stranger);
    expect(backend.submitted).toEqual([]);
    expect(stranger.take()).toEqual([]);
  });

  it('hands a refusal to the link that asked last, under one tag per batch', () => {
    const second = new FakeLink();
    gateway.linkUp(second);
    submit(0);
    submit(0, second);
    expect(new Set(backend.submitted).size).toBe(1);
    const failure = { code: 'overloaded', expected: 'room', actual: 'none' };
    gateway.refused(backend.submitted[0] ?? -1, failure);
    expect(link.take()).toEqual([]);
    const batch = batchId(batchOf(0).core);
    expect(second.take()).toEqual([{ kind: 'refused', batch, failure }]);
    gateway.refused(backend.submitted[0] ?? -1, failure);
    gateway.refused(12_345, failure);
    expect(second.take()).toEqual([]);
  });

  it('keeps nothing for a link that is gone', () => {
    submit(0);
    gateway.linkDown(link);
    expect(gateway.clients).toBe(0);
    gateway.refused(backend.submitted[0] ?? -1, { code: 'x', expected: 'x', actual: 'x' });
    gateway.committed(commitAt(11), { receipts: [receiptFor(0)], notices: [] });
    submit(1);
    expect(link.take()).toEqual([]);
    expect(backend.submitted).toHaveLength(1);
  });
});

describe('limits', () => {
  it('says slow_down beyond the rate, to a second link of the key as well, then recovers', () => {
    limited({ messagesPerSecMax: 2 });
    const second = new FakeLink();
    const other = new FakeLink(BOB);
    gateway.linkUp(second);
    gateway.linkUp(other);
    submit(0);
    submit(1, second);
    submit(2);
    expect(link.take()).toMatchObject([
      { kind: 'refused', failure: { code: 'slow_down', actual: 'retry after 500 ms' } },
    ]);
    read(7, 0, second);
    expect(second.take()).toMatchObject([
      { kind: 'error', request: 7, failure: { code: 'slow_down' } },
    ]);
    say({ kind: 'now', nonce: new Uint8Array(16) });
    expect(link.take()).toMatchObject([{ kind: 'error', failure: { code: 'slow_down' } }]);
    say({ kind: 'submit', batch: batchOf(3, BOB) }, other);
    expect(backend.submitted).toHaveLength(3);
    backend.nowMs += 1_000;
    submit(2);
    expect(backend.submitted).toHaveLength(4);
  });

  it('counts bytes too; keep-alives and pings cost none', () => {
    limited({ bytesPerSecMax: 10 });
    submit(0);
    expect(link.take()).toMatchObject([{ kind: 'refused', failure: { code: 'slow_down' } }]);
    const keepAlive = { session: SESSION, i: 1, preimage: new Uint8Array(32) };
    const message = encode(keepAliveShape, keepAlive);
    for (let i = 0; i < 20; i++) say({ kind: 'unsigned', message });
    say({ kind: 'ping', id: 3 });
    expect(backend.beats).toHaveLength(20);
    expect(link.take()).toEqual([{ kind: 'pong', id: 3 }]);
  });

  it('keep-alives have a bucket of their own, which forged ones empty for every link of the key', () => {
    limited({ messagesPerSecMax: 1, unsignedPerSecMax: 130 });
    const second = new FakeLink();
    gateway.linkUp(second);
    const keepAlive = { session: SESSION, i: 1, preimage: new Uint8Array(32) };
    const message = encode(keepAliveShape, keepAlive);
    submit(0);
    backend.beat = ignore('bad_keep_alive', 'link 2', 'link 1');
    for (let i = 0; i < 10; i++) say({ kind: 'unsigned', message });
    expect(backend.beats).toHaveLength(10);
    backend.beat = reject('bad_keep_alive', 'a preimage', 'other bytes');
    for (let i = 0; i < 10; i++) say({ kind: 'unsigned', message });
    // 120 are left, and each forged one counts 1 + 64.
    expect(backend.beats).toHaveLength(12);
    say({ kind: 'unsigned', message }, second);
    expect(backend.beats).toHaveLength(12);
    backend.nowMs += 1_000;
    backend.beat = ACCEPT;
    say({ kind: 'unsigned', message }, second);
    expect(backend.beats).toHaveLength(13);
  });

  it('closes 4400 on an unsigned message that is none of the algorithm, and asks nobody of it', () => {
    say({ kind: 'unsigned', message: encode(u8, 7) });
    expect(link.take()).toMatchObject([{ kind: 'error', request: 0 }]);
    expect(link.closed).toEqual({ code: 4400, reason: 'wrong_shape' });
    expect(backend.beats).toEqual([]);
  });

  it('closes 4400 on what it cannot read, and says what was wrong', () => {
    gateway.message(link, utf8('garbage'));
    expect(link.take()).toMatchObject([{ kind: 'error', request: 0 }]);
    expect(link.closed?.code).toBe(4400);
    const big = new FakeLink();
    limited({ frameBytesMax: 8 });
    gateway.linkUp(big);
    submit(0, big);
    expect(big.closed).toEqual({ code: 4400, reason: 'too_large' });
  });

  it('survives any bytes', () => {
    const survives = (bytes: Uint8Array): boolean => {
      const fresh = new FakeLink();
      gateway.linkUp(fresh);
      gateway.message(fresh, bytes);
      gateway.linkDown(fresh);
      return gateway.clients === 1;
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives));
    // Also messages of which one part is written in another way than the canonical one.
    const query: Query = { kind: 'stat', path: '/zürich' };
    const messages: readonly ClientMessage[] = [
      { kind: 'submit', batch: batchOf(0) },
      { kind: 'read', request: 1, minCommit: 0, view: 'committed', query },
    ];
    const spoilt = fc
      .tuple(fc.constantFrom(...messages), fc.nat(2 ** 32 - 1))
      .map(([message, seed]) => miswritten(rngOf(seed), plainOf(encodeClientMessage(message))));
    fc.assert(fc.property(spoilt, survives), { numRuns: 300 });
    // A text, then bytes with a length of eight bytes.
    expect(survives(Uint8Array.from(Buffer.from('8262c3a95b000000000000000100', 'hex')))).toBe(
      true,
    );
  });
});

describe('reads', () => {
  it('answers at once what the view already covers, as bulk', () => {
    read(1, 10);
    expect(link.heard[0]?.priority).toBe(BULK);
    expect(link.take()).toMatchObject([
      { kind: 'readResult', request: 1, commit: 10, view: 'committed', answer: { kind: 'error' } },
    ]);
    expect(backend.queries).toEqual([[{ kind: 'get', path: '/a' }, 'committed']]);
  });

  it('lets a read wait for its commit, not longer and not shorter', () => {
    read(1, 12);
    read(2, 13);
    gateway.committed(commitAt(11), { receipts: [], notices: [] });
    expect(link.take()).toEqual([]);
    gateway.committed(commitAt(12), { receipts: [], notices: [] });
    expect(link.take()).toMatchObject([{ request: 1, commit: 12 }]);
    gateway.committed(commitAt(14), { receipts: [], notices: [] });
    expect(link.take()).toMatchObject([{ request: 2, commit: 14 }]);
  });

  it('bounds the reads that wait', () => {
    limited({ waitingReadsMax: 2 });
    for (const request of [1, 2, 3]) read(request, 99);
    expect(link.take()).toMatchObject([
      { kind: 'error', request: 3, failure: { code: 'slow_down' } },
    ]);
  });
});

describe('time and notices', () => {
  it('signs a clock reading bound to the nonce and the last commit', () => {
    const nonce = new Uint8Array(16).fill(5);
    say({ kind: 'now', nonce });
    expect(link.heard[0]?.priority).toBe(KEEP_ALIVE);
    const [message] = link.take();
    if (message?.kind !== 'nowReading') throw new Error('no reading');
    const { reading, sig } = message;
    const expected = { nonce, ts: backend.nowMs, commit: 10, leaseClock: 3_000, offset: 2_000 };
    expect(reading).toEqual(expected);
    expect(scheme.verify(REPLICA.publicKey, nowMessage(CELL, reading), sig)).toBe(true);
  });

  it('pushes notices to all links of their client, ahead of the rest', () => {
    const second = new FakeLink();
    const stranger = new FakeLink(BOB);
    gateway.linkUp(second);
    gateway.linkUp(stranger);
    const notice = { client: ALICE.publicKey, session: SESSION, body: utf8('lost') };
    gateway.committed(commitAt(12), { receipts: [receiptFor(0)], notices: [notice] });
    for (const one of [link, second]) {
      expect(one.heard.map(({ priority }) => priority)).toEqual([KEEP_ALIVE, PROTOCOL]);
      expect(one.take()[0]).toEqual({
        kind: 'notice',
        session: SESSION,
        commit: 12,
        body: utf8('lost'),
      });
    }
    expect(stranger.heard).toEqual([]);
    gateway.linkDown(second);
    gateway.committed(commitAt(13), { receipts: [], notices: [notice] });
    expect([link.take().length, second.take().length]).toEqual([1, 0]);
  });

  it('tells who holds a lock now before it answers who let go of it', () => {
    const told: string[] = [];
    const tell = (to: string, one: FakeLink): void => {
      const send = one.send.bind(one);
      one.send = (...args) => {
        told.push(to);
        return send(...args);
      };
    };
    const next = new FakeLink(BOB);
    gateway.linkUp(next);
    tell('answered', link);
    tell('granted', next);
    const notice = { client: BOB.publicKey, session: SESSION, body: utf8('granted') };
    gateway.committed(commitAt(12), { receipts: [receiptFor(0)], notices: [notice] });
    expect(told).toEqual(['granted', 'answered']);
  });

  it('says nothing to a pong', () => {
    say({ kind: 'pong', id: 1 });
    expect(link.heard).toEqual([]);
  });
});

describe('token bucket', () => {
  it('never gives more than one burst plus the rate, whatever is asked when', () => {
    const asks = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 9 })),
    );
    fc.assert(
      fc.property(asks, (steps) => {
        const bucket = new TokenBucket(10, 0);
        let nowMs = 0;
        let taken = 0;
        for (const [waitMs, cost] of steps) {
          nowMs += waitMs;
          if (bucket.take(cost, nowMs) === 0) taken += cost;
          expect(taken).toBeLessThanOrEqual(10 + (nowMs * 10) / 1000);
        }
      }),
    );
  });

  it('names a wait after which it does give, and a clock that steps back costs nothing', () => {
    const bucket = new TokenBucket(10, 0);
    expect(bucket.take(10, 0)).toBe(0);
    const waitMs = bucket.take(3, 0);
    expect(waitMs).toBe(300);
    expect(bucket.take(3, waitMs)).toBe(0);
    expect(bucket.take(1, -5_000)).toBe(100);
    expect(bucket.take(1, -4_900)).toBe(0);
  });
});

describe('a core that is opened anew', () => {
  it('where no commit was missed: links stay, and what waited has to be sent again', () => {
    submit(0);
    gateway.resume(commitAt(10));
    expect(link.take()).toMatchObject([{ kind: 'refused', failure: { code: 'reopening' } }]);
    expect(link.closed).toBeUndefined();
    submit(0);
    expect(backend.submitted).toHaveLength(2);
    gateway.committed(commitAt(11), { receipts: [receiptFor(0)], notices: [] });
    expect(link.take()).toMatchObject([{ kind: 'receipt', seq: 0 }]);
  });

  it('elsewhere: clients have missed what others were told, and come again as after a restart', () => {
    const idle = new FakeLink(BOB);
    gateway.linkUp(idle);
    submit(0);
    gateway.resume(commitAt(25));
    expect(link.take()).toMatchObject([{ kind: 'refused', failure: { code: 'reopening' } }]);
    for (const { closed } of [link, idle]) expect(closed?.code).toBe(1012);
    // A state that is behind what was told would tell it twice.
    const again = new FakeLink();
    gateway.linkUp(again);
    gateway.resume(commitAt(24));
    expect(again.closed?.code).toBe(1012);
  });
});
