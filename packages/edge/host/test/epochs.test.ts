// What clients hear of epochs, and the chain of links that a gateway serves.
import { encodeClientMessage } from '@fatty/api';
import { decode } from '@fatty/codec';
import { CLOSE } from '@fatty/interface';
import { type EpochLink, epochLinkShape, LINK_BYTES_MAX } from '@fatty/protocol';
import { expect, test } from 'vitest';
import { committeeOf, linkOf, rulesOf } from '../../../kernel/protocol/test/cells.ts';
import { BOB, commitAt, FakeBackend, FakeLink, gatewayOf } from './gateway-fakes.ts';

const NAMES = ['m0', 'm1', 'm2', 'm3'];
const genesis = committeeOf(4);
const rules = rulesOf(genesis);

/** Epochs that did nothing but begin. */
function chainOf(count: number): readonly EpochLink[] {
  let committee = genesis;
  return Array.from({ length: count }, (_, i) => {
    const link = linkOf({ ...rules, committee }, NAMES, [{ kind: 'renew' }], 10 * (i + 1));
    committee = link.frame.end?.next ?? committee;
    return link;
  });
}

function setUp(epoch = 0) {
  const backend = new FakeBackend();
  const links = chainOf(3);
  backend.epochs = { epoch, links: links.slice(0, epoch) };
  const gateway = gatewayOf(backend);
  const link = new FakeLink();
  gateway.linkUp(link);
  return { backend, gateway, link, links };
}

const getLinks = (from: number): Uint8Array => encodeClientMessage({ kind: 'getLinks', from });

const epochsOf = (links: readonly Uint8Array[]): readonly number[] =>
  links.map((bytes) => {
    const link = decode(epochLinkShape, bytes, LINK_BYTES_MAX);
    return link.ok ? link.value.frame.epoch : -1;
  });

/** What a link was told of epochs. */
const told = (link: FakeLink): unknown =>
  link.take().map((one) => (one.kind === 'links' ? [one.epoch, epochsOf(one.links)] : [one.kind]));

test('in the first epoch nobody hears of it; in a later one everybody does, before anything else', () => {
  expect(told(setUp().link)).toEqual([]);
  const { gateway, link } = setUp(2);
  gateway.message(link, encodeClientMessage({ kind: 'ping', id: 1 }));
  expect(told(link)).toEqual([[2, []], ['pong']]);
});

test('who is linked when an epoch begins is told so, with the link that proves it', () => {
  const { backend, gateway, link, links } = setUp();
  const full = new FakeLink(BOB);
  gateway.linkUp(full);
  full.messageBytesMax = 10;
  backend.epochs = { epoch: 1, links: links.slice(0, 1) };
  gateway.resume(commitAt(10));
  expect(told(link)).toEqual([[1, [0]]]);
  // Who could not be told would take this replica for one of the old epoch.
  expect([link.closed, full.closed?.code]).toEqual([undefined, CLOSE.restart]);
  gateway.resume(commitAt(10));
  expect(told(link)).toEqual([]);
});

test('the chain is served from any epoch on, also the end of the one that runs', () => {
  const { backend, gateway, link, links } = setUp(1);
  link.take();
  backend.epochs = { epoch: 1, links: links.slice(0, 2) };
  for (const from of [0, 1, 2]) gateway.message(link, getLinks(from));
  expect(told(link)).toEqual([
    [1, [0, 1]],
    [1, [1]],
    [1, []],
  ]);
});

test('one answer holds no more than one message may, and one link at least', () => {
  const { backend, gateway, link, links } = setUp(1);
  link.take();
  const chunks = Array.from({ length: 16_000 }, () => new Uint8Array(32));
  const long = links.map((one) => {
    const copy = { commitsBytes: 1, stateBytes: 1, chunkBytes: 1, chunks };
    return { ...one, frame: { ...one.frame, copy } } as unknown as EpochLink;
  });
  backend.epochs = { epoch: 3, links: long };
  gateway.message(link, getLinks(0));
  gateway.message(link, getLinks(1));
  expect(told(link)).toEqual([
    [3, [0]],
    [3, [1]],
  ]);
});

test('who asks too often is told so, and an answer is charged for its length', () => {
  const backend = new FakeBackend();
  backend.epochs = { epoch: 3, links: chainOf(3) };
  const gateway = gatewayOf(backend, { bytesPerSecMax: 500 });
  const link = new FakeLink();
  gateway.linkUp(link);
  link.take();
  for (let i = 0; i < 3; i++) gateway.message(link, getLinks(0));
  expect(told(link)).toEqual([[3, [0, 1, 2]], ['error'], ['error']]);
});
