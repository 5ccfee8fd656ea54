// Questions for proofs, from clients to the replica and back.
import { encodeClientMessage } from '@fatty/api';
import { fail, ok, utf8 } from '@fatty/codec';
import { CLOSE } from '@fatty/interface';
import type { Cert } from '@fatty/protocol';
import { expect, test } from 'vitest';
import { BOB, commitAt, FakeBackend, FakeLink, gatewayOf } from './gateway-fakes.ts';

const CERT: Cert = { core: utf8('core'), bitmap: Uint8Array.of(7), sigs: [] };
const proved = (text: string) => ok({ index: 9, cert: CERT, proof: utf8(text) });

function ask(request: number, minCommit = 0): Uint8Array {
  return encodeClientMessage({ kind: 'prove', request, minCommit, question: utf8('q') });
}

function setUp(waitingProofsMax = 2) {
  const backend = new FakeBackend();
  const gateway = gatewayOf(backend, { waitingProofsMax });
  const link = new FakeLink();
  gateway.linkUp(link);
  return { backend, gateway, link };
}

test('a question goes to the replica as it is, and its answer to whoever asked', () => {
  const { backend, gateway, link } = setUp();
  const other = new FakeLink(BOB);
  gateway.linkUp(other);
  gateway.message(link, ask(5, 12));
  gateway.message(other, ask(5));
  expect(backend.asked.map(({ minCommit }) => minCommit)).toEqual([12, 0]);
  expect(backend.asked[0]?.question).toEqual(utf8('q'));
  const [first = 0, second = 0] = backend.asked.map(({ tag }) => tag);
  gateway.proved(second, proved('second'));
  gateway.proved(first, fail('no_certificate', 'a certificate', 'none'));
  // Answered once.
  gateway.proved(first, proved('first'));
  expect(link.take()).toMatchObject([
    { kind: 'error', request: 5, failure: { code: 'no_certificate' } },
  ]);
  expect(other.take()).toEqual([{ kind: 'proved', request: 5, cert: CERT, proof: utf8('second') }]);
});

test('questions of one client that wait are bounded, over all its links', () => {
  const { backend, gateway, link } = setUp();
  const second = new FakeLink();
  gateway.linkUp(second);
  gateway.message(link, ask(1));
  gateway.message(second, ask(2));
  gateway.message(second, ask(3));
  expect(second.take()).toMatchObject([
    { kind: 'error', request: 3, failure: { code: 'slow_down' } },
  ]);
  expect(backend.asked).toHaveLength(2);
  gateway.proved(backend.asked[0]?.tag ?? 0, proved('x'));
  gateway.message(second, ask(4));
  expect(backend.asked).toHaveLength(3);
});

test('who may not have it proved is told so, when asking or when the answer comes', () => {
  const { backend, gateway, link } = setUp();
  gateway.message(link, ask(1));
  backend.refusal = { code: 'access_denied', expected: 'a reader', actual: 'another' };
  gateway.message(link, ask(2));
  expect(backend.asked).toHaveLength(1);
  gateway.proved(backend.asked[0]?.tag ?? 0, proved('secret'));
  expect(link.take()).toMatchObject([
    { kind: 'error', request: 2, failure: { code: 'access_denied' } },
    { kind: 'error', request: 1, failure: { code: 'access_denied' } },
  ]);
});

test('a link that is gone hears nothing, and its client may ask again', () => {
  const { backend, gateway, link } = setUp(1);
  gateway.message(link, ask(1));
  gateway.linkDown(link);
  gateway.proved(backend.asked[0]?.tag ?? 0, proved('x'));
  expect(link.take()).toEqual([]);
  const again = new FakeLink();
  gateway.linkUp(again);
  gateway.message(again, ask(2));
  expect(backend.asked).toHaveLength(2);
});

test('a core that ends takes its questions with it: who asked hears so', () => {
  const { backend, gateway, link } = setUp();
  gateway.message(link, ask(1));
  gateway.resume(commitAt(10));
  expect(link.take()).toMatchObject([
    { kind: 'error', request: 1, failure: { code: 'reopening' } },
  ]);
  gateway.proved(backend.asked[0]?.tag ?? 0, proved('x'));
  expect(link.take()).toEqual([]);
});

test('an answer that the link does not take is told so', () => {
  const { backend, gateway, link } = setUp();
  gateway.message(link, ask(1));
  gateway.message(link, ask(2));
  link.isFull = true;
  gateway.proved(backend.asked[0]?.tag ?? 0, proved('x'));
  link.messageBytesMax = 500;
  gateway.proved(backend.asked[1]?.tag ?? 0, proved('x'.repeat(1_000)));
  expect(link.take()).toMatchObject([
    { kind: 'error', request: 1, failure: { code: 'slow_down' } },
    { kind: 'error', request: 2, failure: { code: 'answer_too_large' } },
  ]);
});

test('a question longer than any is what no program of ours sends', () => {
  const { backend, gateway, link } = setUp();
  const question = new Uint8Array(64 * 1024);
  gateway.message(link, encodeClientMessage({ kind: 'prove', request: 1, minCommit: 0, question }));
  const bytes = ask(1);
  gateway.message(link, bytes.subarray(0, bytes.length - 1));
  expect(backend.asked).toHaveLength(1);
  expect(link.closed?.code).toBe(CLOSE.malformed);
});
