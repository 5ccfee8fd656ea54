// Tests of keys without a session.
import { encodeClientMessage } from '@fatty/api';
import { equalBytes, utf8 } from '@fatty/codec';
import { batchId, signBatch } from '@fatty/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { GATEWAY_LIMITS } from '../src/gateway/contract.ts';
import {
  ALICE,
  BOB,
  CELL,
  FakeBackend,
  FakeLink,
  gatewayOf,
  SESSION,
  signerOf,
} from './gateway-fakes.ts';

type Who = typeof ALICE;

let backend: FakeBackend;
let gateway: ReturnType<typeof gatewayOf>;

const batchOf = (who: Who, seq: number) =>
  signBatch(CELL, who, {
    client: who.publicKey,
    session: SESSION,
    seq,
    basis: { epoch: 0, commit: 0 },
    ops: [utf8('op')],
  });
const submit = (link: FakeLink, who: Who, seq: number): void =>
  gateway.message(link, encodeClientMessage({ kind: 'submit', batch: batchOf(who, seq) }));
const linkOf = (who: Who): FakeLink => {
  const link = new FakeLink(who);
  gateway.linkUp(link);
  return link;
};

beforeEach(() => {
  backend = new FakeBackend();
  gateway = gatewayOf(backend);
});

describe('a link speaks for its own key', () => {
  it('and ends when it brings another client a batch', () => {
    const link = linkOf(BOB);
    submit(link, ALICE, 0);
    expect(link.closed).toMatchObject({ code: 4400, reason: 'session_not_yours' });
    expect(backend.submitted).toEqual([]);
  });

  it('and ends with a batch that its key never signed, not with one that state refuses', () => {
    const link = linkOf(ALICE);
    submit(link, ALICE, 0);
    submit(link, ALICE, 1);
    const [first, second] = backend.submitted;
    const refuse = (tag: number | undefined, code: string): void =>
      gateway.refused(tag ?? -1, { code, expected: '', actual: '' });
    refuse(first, 'session_unknown');
    expect(link.closed).toBeUndefined();
    refuse(second, 'bad_batch_signature');
    expect(link.take().at(-1)).toMatchObject({ batch: batchId(batchOf(ALICE, 1).core) });
    expect(link.closed).toMatchObject({ code: 4400, reason: 'bad_batch_signature' });
  });
});

describe('keys without a session', () => {
  const FLOOD = 50;
  /** What all of them get in a second: 3 ms a batch. */
  const SHARE = GATEWAY_LIMITS.newcomersMsPerSecMax / 3;

  it('share one budget, however many they are and however fast they ask', () => {
    backend.isKnown = () => false;
    const flood = Array.from({ length: FLOOD }, (_, k) => signerOf(100 + k));
    const links = flood.map((who) => linkOf(who));
    for (let tick = 0; tick < 40; tick++) {
      for (const [k, who] of flood.entries()) submit(links[k] as FakeLink, who, tick);
      backend.pass(100);
    }
    // The first second's worth was there at once.
    expect(backend.submitted.length).toBeLessThanOrEqual(SHARE * 5);
    expect(backend.submitted.length).toBeGreaterThan(SHARE * 4);
  });

  it('take turns: a newcomer waits for one message of each of the others', () => {
    backend.isKnown = () => false;
    const flood = Array.from({ length: FLOOD }, (_, k) => signerOf(100 + k));
    const links = flood.map((who) => linkOf(who));
    for (let seq = 0; seq < 50; seq++) {
      for (const [k, who] of flood.entries()) submit(links[k] as FakeLink, who, seq);
    }
    const before = backend.submitted.length;
    const honest = linkOf(ALICE);
    submit(honest, ALICE, 0);
    const mine = (): boolean =>
      backend.batches.some((bytes) => equalBytes(batchId(batchOf(ALICE, 0).core), bytes));
    expect(mine()).toBe(false);
    backend.pass((1000 * (FLOOD + 2)) / SHARE);
    expect(mine()).toBe(true);
    expect(backend.submitted.length - before).toBeLessThanOrEqual(FLOOD + 3);
  });

  it('cost those with a session nothing', () => {
    backend.isKnown = (key) => equalBytes(key, ALICE.publicKey);
    const crowd = signerOf(100);
    const noisy = linkOf(crowd);
    for (let seq = 0; seq < 2_000; seq++) submit(noisy, crowd, seq);
    expect(noisy.take().some(({ kind }) => kind === 'refused')).toBe(true);
    const before = backend.submitted.length;
    const link = linkOf(ALICE);
    for (let seq = 0; seq < 500; seq++) submit(link, ALICE, seq);
    expect(backend.submitted.length - before).toBe(500);
  });

  it('are forgotten when their link is gone', () => {
    backend.isKnown = () => false;
    const link = linkOf(BOB);
    for (let seq = 0; seq < 500; seq++) submit(link, BOB, seq);
    gateway.linkDown(link);
    const before = backend.submitted.length;
    backend.pass(10_000);
    expect(backend.submitted.length).toBe(before);
  });
});
