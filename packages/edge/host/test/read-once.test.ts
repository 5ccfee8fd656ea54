// How often the gateway reads the core of a batch that a client sends: counts, not times.

import { encodeClientMessage } from '@fatty/api';
import { utf8 } from '@fatty/codec';
import type { Receipt } from '@fatty/interface';
import { batchId, batchShape, signBatch } from '@fatty/protocol';
import { expect, test, vi } from 'vitest';
import { ALICE, CELL, FakeBackend, FakeLink, gatewayOf, SESSION } from './gateway-fakes.ts';

const decoded = vi.hoisted((): unknown[] => []);

vi.mock('@fatty/codec', async (original) => {
  const codec = await original<typeof import('@fatty/codec')>();
  const decode: typeof codec.decode = (shape, input, sizeMax) => {
    decoded.push(shape);
    return codec.decode(shape, input, sizeMax);
  };
  return { ...codec, decode };
});

const signed = signBatch(CELL, ALICE, {
  client: ALICE.publicKey,
  session: SESSION,
  seq: 3,
  basis: { epoch: 0, commit: 0 },
  ops: [utf8('op')],
});
const receipt: Receipt = {
  batch: batchId(signed.core),
  client: ALICE.publicKey,
  session: SESSION,
  seq: 3,
  commit: 9,
  results: [],
};

test.each([
  ['new', false, 1],
  ['that was applied', true, 0],
])('a batch %s has its core read once', (_, isApplied, submitted) => {
  const [backend, link] = [new FakeBackend(), new FakeLink()];
  if (isApplied) backend.receipts.set(3, receipt);
  const gateway = gatewayOf(backend);
  gateway.linkUp(link);
  decoded.length = 0;
  gateway.message(link, encodeClientMessage({ kind: 'submit', batch: signed }));
  expect(backend.submitted).toHaveLength(submitted);
  expect(link.take()).toHaveLength(1 - submitted);
  expect(decoded.filter((shape) => shape === batchShape)).toHaveLength(1);
});
