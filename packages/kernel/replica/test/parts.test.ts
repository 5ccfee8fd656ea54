// Tests of a replica's small parts.
import { refKey } from '@fatty/broadcast';
import { asDigest, asSignature, decode, encode, toHex } from '@fatty/codec';
import { golden } from '@fatty/codec/golden';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inMessages } from '../src/boundary/messages.ts';
import { Outbox, Timers } from '../src/boundary/outbox.ts';
import { Peers } from '../src/cell/peers.ts';
import {
  decodeMessage,
  encodeMessage,
  ownerShape,
  type PeerMessage,
  peerMessageShape,
  signerMarkShape,
} from '../src/index.ts';
import { makeCell } from './world.ts';

const GOLDEN = new URL('./golden/', import.meta.url);
const digest = asDigest(new Uint8Array(32).fill(3));
const sig = asSignature(new Uint8Array(64).fill(6));

describe('peer messages', () => {
  const all: PeerMessage[] = [
    { kind: 'push', block: Uint8Array.of(1, 2, 3) },
    { kind: 'getBlocks', refs: [{ round: 7, author: 2, digest }] },
    { kind: 'blocks', blocks: [Uint8Array.of(1), Uint8Array.of(2)] },
    { kind: 'getRounds', from: 5, to: 300 },
    { kind: 'rounds', from: 5, to: 6, blocks: [Uint8Array.of(9)], last: true },
    {
      kind: 'status',
      epoch: 0,
      lastOwnRound: 8,
      highestRound: 9,
      commitIndex: 2 ** 33,
      yourRound: 7,
      ask: false,
    },
    { kind: 'clock', ms: 1_700_000_000_000, ask: true },
    {
      kind: 'handOver',
      round: 9,
      batches: [{ core: Uint8Array.of(5), sig }],
    },
    { kind: 'vote', vote: { author: 3, core: Uint8Array.of(7), sig } },
    {
      kind: 'accusation',
      accusation: {
        kind: 'blocks',
        evidence: { a: { header: Uint8Array.of(1), sig }, b: { header: Uint8Array.of(2), sig } },
      },
    },
    { kind: 'cert', cert: { core: Uint8Array.of(7), bitmap: Uint8Array.of(0b111), sigs: [sig] } },
    { kind: 'getLinks', from: 3 },
    { kind: 'links', links: [] },
    { kind: 'getFrame', above: 2 ** 33 },
    { kind: 'frame', fromRound: 9, offer: undefined },
    { kind: 'getChunk', index: 2 ** 33, n: 3 },
    { kind: 'chunk', index: 2 ** 33, n: 3, bytes: Uint8Array.of(1, 2) },
  ];
  for (const message of all) {
    it(`${message.kind} keeps its bytes`, () => {
      golden(GOLDEN, message.kind, peerMessageShape, message);
    });
  }
  it('log owner and signer mark keep theirs', () => {
    const { cellId } = makeCell(4);
    golden(GOLDEN, 'owner', ownerShape, { cellId, epoch: 0, author: 3 });
    const mark = { epoch: 0, round: 12, durable: 11, commitIndex: 9 };
    golden(GOLDEN, 'mark', signerMarkShape, mark);
  });
  it('refuses more than a block and its envelope', () => {
    const bytes = encodeMessage({ kind: 'push', block: new Uint8Array(70_000) });
    const refused = decodeMessage(bytes, 1_000);
    expect(!refused.ok && refused.failure.code).toBe('too_large');
    expect(decodeMessage(bytes, 10_000).ok).toBe(true);
  });
  it('cuts into runs that fit, in order, losing none', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300)), fc.integer({ min: 305, max: 900 }), (sizes, max) => {
        const blocks = sizes.map((size) => new Uint8Array(size));
        const runs = inMessages(blocks, max);
        expect(runs.flat()).toEqual(blocks);
        for (const run of runs) {
          expect(run.length).toBeGreaterThan(0);
          expect(run.reduce((sum, one) => sum + one.length + 5, 0)).toBeLessThanOrEqual(max);
        }
      }),
    );
  });
});

describe('peers', () => {
  it('trusts the (f+1)-th highest claim, so f liars move nothing', () => {
    const peers = new Peers(7, 0, 2);
    peers.heardRound(1, 1_000_000);
    peers.heardRound(2, 900_000);
    expect(peers.trustedRound).toBe(0);
    for (const [peer, round] of [
      [3, 10],
      [4, 12],
    ] as const) {
      peers.heardRound(peer, round);
    }
    expect(peers.trustedRound).toBe(12);
    peers.heardRound(0, 2_000_000);
    expect(peers.trustedRound).toBe(12);
  });

  it('waits for a leader that missed twice only after ever more blocks in time', () => {
    const peers = new Peers(4, 0, 1);
    peers.setUp(1, true);
    const owed: number[] = [];
    for (let k = 0; k < 3; k++) {
      expect(peers.isAwaited(1)).toBe(true);
      peers.missed(1);
      expect(peers.isAwaited(1)).toBe(true);
      peers.missed(1);
      let shown = 0;
      for (; !peers.isAwaited(1); shown++) peers.inTime(1, false);
      owed.push(shown);
    }
    expect(owed).toEqual([8, 16, 32]);
    peers.shun(1);
    expect(peers.isAwaited(1)).toBe(false);
  });
});

it('timers are set once, earlier ones stay, integers only', () => {
  const out = new Outbox();
  const timers = new Timers(out);
  timers.want('heartbeat', 10.5);
  timers.want('heartbeat', 20);
  timers.want('heartbeat', 5);
  timers.wantOrNot('heartbeat', undefined);
  timers.wantOrNot('heartbeat', undefined);
  expect(out.take()).toEqual([
    { kind: 'setTimer', name: 'heartbeat', atMs: 11 },
    { kind: 'setTimer', name: 'heartbeat', atMs: 5 },
    { kind: 'clearTimer', name: 'heartbeat' },
  ]);
  expect(refKey({ round: 1, author: 1, digest })).toBe(toHex(digest));
  expect(
    decode(peerMessageShape, encode(peerMessageShape, { kind: 'push', block: digest }), 99).ok,
  ).toBe(true);
});
