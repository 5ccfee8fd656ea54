// Tests of client messages with bodies that the kernel cannot read.
import { asCellId, asDigest, bytes, decode, encode, standIn } from '@fatty/codec';
import { describe, expect, test } from 'vitest';
import {
  type ClientMessageOf,
  clientMessageShapeOf,
  DEFAULT_LIMITS,
  type GatewayMessageOf,
  gatewayMessageShapeOf,
  openBatch,
  requestOf,
  sessionIdOf,
  signBatch,
} from '../src/index.ts';

const fill = (size: number, byte: number): Uint8Array => new Uint8Array(size).fill(byte);
const signer = standIn().signer(fill(32, 7));
const cellId = asCellId(fill(32, 8));
const session = sessionIdOf(signer.publicKey, fill(16, 1), { epoch: 0, commit: 0 });
const body = bytes(64);
const fromClient = clientMessageShapeOf(body);
const fromGateway = gatewayMessageShapeOf(body);
const FRAME_BYTES_MAX = 1 << 16;

/** An algorithm of its own: queries and answers are byte strings that only it can read. */
describe('messages of an algorithm that the kernel does not know', () => {
  const core = { client: signer.publicKey, session, seq: 3 };
  const batch = { ...core, basis: { epoch: 0, commit: 9 }, ops: [fill(3, 1), fill(0, 0)] };
  const signed = signBatch(cellId, signer, batch);
  const fromClients: readonly ClientMessageOf<Uint8Array>[] = [
    { kind: 'submit', batch: signed },
    { kind: 'read', request: 5, minCommit: 2 ** 40, view: 'delivered', query: fill(9, 2) },
    { kind: 'prove', request: 6, minCommit: 2 ** 40, question: fill(100, 2) },
    { kind: 'now', nonce: fill(16, 3) },
  ];
  const fromGateways: readonly GatewayMessageOf<Uint8Array>[] = [
    { kind: 'readResult', request: 5, commit: 7, view: 'committed', answer: fill(64, 4) },
    {
      kind: 'proved',
      request: 6,
      cert: { core: fill(9, 1), bitmap: fill(1, 7), sigs: [] },
      proof: fill(64, 4),
    },
    { kind: 'notice', session: core.session, commit: 7, body: fill(300, 5) },
    {
      kind: 'receipt',
      batch: asDigest(fill(32, 6)),
      session: core.session,
      seq: 3,
      commit: 7,
      results: [fill(1, 1), fill(0, 0)],
    },
  ];

  test.each(fromClients.map((one) => [one.kind, one] as const))('%s goes and comes', (_, one) => {
    const sent = encode(fromClient, one);
    expect(decode(fromClient, sent, FRAME_BYTES_MAX)).toEqual({ ok: true, value: one });
  });

  test.each(fromGateways.map((one) => [one.kind, one] as const))('%s goes and comes', (_, one) => {
    const sent = encode(fromGateway, one);
    expect(decode(fromGateway, sent, FRAME_BYTES_MAX)).toEqual({ ok: true, value: one });
  });

  test('the ops of a batch are looked at for their size alone', () => {
    expect(openBatch(signed.core, DEFAULT_LIMITS)).toEqual({ ok: true, value: batch });
  });

  test('a query that is too long can be answered all the same', () => {
    const read = { kind: 'read', request: 77, minCommit: 0, view: 'committed' } as const;
    const sent = encode(fromClient, { ...read, query: fill(65, 1) });
    expect(decode(fromClient, sent, FRAME_BYTES_MAX).ok).toBe(false);
    expect(requestOf(sent, FRAME_BYTES_MAX)).toBe(77);
    const other = encode(fromClient, { kind: 'now', nonce: fill(16, 3) });
    expect(requestOf(other, FRAME_BYTES_MAX)).toBeUndefined();
  });
});
