// Tests of the ids of cells, sessions and batches, and of what replicas sign outside blocks.
import { asCellId, asDigest, asSessionId, compareBytes, ed25519 } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { describe, expect, test } from 'vitest';
import { hashByHand, messageByHand, pin, plainOf, signedByHand } from '../../codec/test/by-hand.ts';
import { reference } from '../../codec/test/reference.ts';
import {
  batchId,
  batchMessage,
  type Committee,
  cellIdOf,
  nowMessage,
  sessionIdOf,
  signAddresses,
  signBatch,
  signMotion,
  signNow,
  signReady,
  signVote,
} from '../src/index.ts';

const golden = new URL('./golden/', import.meta.url);
const fill = (byte: number, size = 32): Uint8Array => new Uint8Array(size).fill(byte);
const members = [1, 2, 3, 4]
  .map((byte) => ed25519().signer(fill(byte)).publicKey)
  .sort(compareBytes);

/** Every field has a value of its own, in another width of the encoding than its neighbour. */
const committee: Committee = {
  epoch: 3,
  members,
  genesisTs: 1_700_000_000_123,
  params: {
    supportRoundsMax: 401,
    horizonRounds: 70_000,
    basisCommitsMax: 9,
    leaseMs: 12_001,
    leaseStepMsMax: 200,
    checkpointCommits: 17,
    periodMsMin: 1_001,
    periodMsMax: 3_600_001,
    limits: {
      opBytesMax: 320_001,
      batchBytesMax: 768_001,
      batchOpsMax: 255,
      blockBytesMax: 1_048_577,
      blockOpsMax: 512,
      blockProofsMax: 5,
      fileBytesMax: 262_145,
    },
  },
};
const committeeBytes = reference([
  3,
  members,
  1_700_000_000_123,
  [
    401,
    70_000,
    9,
    12_001,
    200,
    17,
    1_001,
    3_600_001,
    [320_001, 768_001, 255, 1_048_577, 512, 5, 262_145],
  ],
]);

const cellId = asCellId(hashByHand('cell', committeeBytes));
const client = ed25519().signer(fill(0x21));
const nonce = Uint8Array.from({ length: 16 }, (_, i) => 0xf0 + i);

describe('identities', () => {
  test('of a cell: its genesis committee', () => {
    pin(golden, 'cell-id', cellIdOf(committee));
    expect(cellIdOf(committee)).toEqual(cellId);
  });

  test('of a session: key, nonce and basis of its opening', () => {
    const id = sessionIdOf(client.publicKey, nonce, { epoch: 3, commit: 5_000_000_000 });
    pin(golden, 'session-id', id);
    const basis = reference([3, 5_000_000_000]);
    expect(id).toEqual(hashByHand('session', client.publicKey, nonce, basis));
  });

  test('of a batch: its core; its signature covers the cell too', () => {
    const batch = {
      client: client.publicKey,
      session: asSessionId(fill(0x55)),
      seq: 70_000,
      basis: { epoch: 3, commit: 24 },
      ops: [Uint8Array.of(1, 2, 3), fill(9, 300)],
    };
    const core = reference([client.publicKey, fill(0x55), 70_000, [3, 24], batch.ops]);
    const signed = signBatch(cellId, client, batch);
    expect(signed.core).toEqual(core);
    pin(golden, 'batch-core', signed.core);
    pin(golden, 'batch-id', batchId(core));
    pin(golden, 'batch-signature', signed.sig);
    expect(batchId(core)).toEqual(hashByHand('batch', core));
    const message = messageByHand('batch', cellId, core);
    expect(batchMessage(cellId, core)).toEqual(message);
    expect(signedByHand(client.publicKey, message, signed.sig)).toBe(true);
  });
});

describe('what replicas sign outside blocks', () => {
  const replica = ed25519().signer(fill(1));

  test('addresses', () => {
    const at = { peer: 'wss://a.test:1', client: 'wss://a.test:2', http: 'http://a.test:3' };
    const { sig } = signAddresses(cellId, replica, at);
    pin(golden, 'addresses-signature', sig);
    const body = reference([replica.publicKey, at.peer, at.client, at.http]);
    const message = messageByHand('addresses', cellId, body);
    expect(signedByHand(replica.publicKey, message, sig)).toBe(true);
  });

  test('clock readings', () => {
    const times = { ts: 1_800_000_000_123, commit: 70_001, leaseClock: 24, offset: 2 ** 40 };
    const reading = { nonce, ...times };
    const { sig } = signNow(cellId, replica, reading);
    pin(golden, 'now-signature', sig);
    const body = reference([nonce, 1_800_000_000_123, 70_001, 24, 2 ** 40]);
    expect(nowMessage(cellId, reading)).toEqual(messageByHand('now', cellId, body));
    expect(signedByHand(replica.publicKey, messageByHand('now', cellId, body), sig)).toBe(true);
  });

  test('votes on checkpoints', () => {
    const vote = {
      epoch: 3,
      index: 5_000_000_000,
      commitDigest: asDigest(fill(1)),
      stateRoot: asDigest(fill(2)),
      receiptsRoot: asDigest(fill(3)),
      frameRoot: asDigest(fill(4)),
    };
    const { core, sig } = signVote(cellId, replica, 2, vote);
    pin(golden, 'vote-signature', sig);
    expect(core).toEqual(reference([3, 5_000_000_000, fill(1), fill(2), fill(3), fill(4)]));
    const message = messageByHand('vote', cellId, core);
    expect(signedByHand(replica.publicKey, message, sig)).toBe(true);
  });

  test('motions, and that a key is ready', () => {
    const add = { kind: 'add', key: members[0] as PublicKey } as const;
    const motion = signMotion(cellId, replica, 2, { epoch: 3, number: 70_000, change: add });
    pin(golden, 'motion', motion);
    const motionCore = reference([3, 70_000, [2, members[0] as PublicKey]]);
    const [, author, core, sig] = plainOf(motion) as [number, number, Uint8Array, Uint8Array];
    expect([author, core]).toEqual([2, motionCore]);
    const said = messageByHand('motion', cellId, motionCore);
    expect(signedByHand(replica.publicKey, said, sig)).toBe(true);

    const ready = signReady(cellId, replica, { epoch: 3, index: 5_000_000_000 });
    pin(golden, 'ready', ready);
    const readyCore = reference([3, 5_000_000_000, replica.publicKey]);
    const [tag, body, seal] = plainOf(ready) as [number, Uint8Array, Uint8Array];
    expect([tag, body]).toEqual([2, readyCore]);
    const meant = messageByHand('ready', cellId, readyCore);
    expect(signedByHand(replica.publicKey, meant, seal)).toBe(true);
  });
});
