// Tests of the names and bytes of blocks.
import { asCellId, asSessionId, ed25519 } from '@fatty/codec';
import { DEFAULT_LIMITS, signBatch } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { hashByHand, messageByHand, pin, signedByHand } from '../../codec/test/by-hand.ts';
import { reference } from '../../codec/test/reference.ts';
import { readBatch, signBlock, virtualRef } from '../src/index.ts';
import { openUnsigned } from './signed.ts';

const golden = new URL('./golden/', import.meta.url);
const fill = (byte: number, size = 32): Uint8Array => new Uint8Array(size).fill(byte);
const cellId = asCellId(fill(0xce));
const author = ed25519().signer(fill(1));
const client = ed25519().signer(fill(2));

const virtualByHand = (member: number): Uint8Array =>
  hashByHand('virtual', cellId, Uint8Array.of(member >> 8, member & 0xff));

const signed = signBatch(cellId, client, {
  client: client.publicKey,
  session: asSessionId(fill(5)),
  seq: 300,
  basis: { epoch: 7, commit: 70_000 },
  ops: [Uint8Array.of(1, 2, 3)],
});
const opened = readBatch(signed, DEFAULT_LIMITS);
const message = reference([fill(6), 65, fill(7)]);
const unsigned = openUnsigned(message);
const header = {
  cellId,
  epoch: 7,
  round: 1,
  author: 300,
  ts: 1_700_000_000_123,
  seal: true,
  parents: [300, 0, 1].map((member) => virtualRef(cellId, member)),
};
const block = signBlock(
  header,
  {
    batches: opened.ok ? [{ ...opened.value, opened: [] }] : [],
    unsigned: unsigned.ok ? [unsigned.value] : [],
    evidence: [],
  },
  author,
);

const ops = [Uint8Array.of(1, 2, 3)];
const coreByHand = reference([client.publicKey, fill(5), 300, [7, 70_000], ops]);
const bodyByHand = reference([[[coreByHand, signed.sig]], [[fill(6), 65, fill(7)]], [], [], []]);
const headerByHand = reference([
  cellId,
  7,
  1,
  300,
  1_700_000_000_123,
  1,
  [300, 0, 1].map((member) => [0, member, virtualByHand(member)]),
  hashByHand('body', bodyByHand),
]);

describe('a block (R4)', () => {
  it('starts from the virtual blocks of its cell (R2)', () => {
    pin(golden, 'virtual-digest', virtualRef(cellId, 300).digest);
    expect(virtualRef(cellId, 300).digest).toEqual(virtualByHand(300));
  });

  it('names its body by the hash of its bytes', () => {
    expect(block.signed.body).toEqual(bodyByHand);
    pin(golden, 'body-digest', block.header.bodyHash);
    expect(block.header.bodyHash).toEqual(hashByHand('body', bodyByHand));
  });

  it('is named by the hash of its header', () => {
    expect(block.signed.header).toEqual(headerByHand);
    pin(golden, 'block-digest', block.ref.digest);
    expect(block.ref.digest).toEqual(hashByHand('block', headerByHand));
  });

  it('is signed with domain and cell, and travels in three parts', () => {
    const message = messageByHand('block', cellId, headerByHand);
    expect(signedByHand(author.publicKey, message, block.signed.sig)).toBe(true);
    expect(signedByHand(author.publicKey, headerByHand, block.signed.sig)).toBe(false);
    pin(golden, 'block-message', message);
    pin(golden, 'block', block.bytes);
    expect(block.bytes).toEqual(reference([headerByHand, block.signed.sig, bodyByHand]));
  });
});
