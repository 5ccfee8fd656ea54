// Tests of a commit's bytes.
import { asDigest, decode, encode, toHex } from '@fatty/codec';
import { golden } from '@fatty/codec/golden';
import { describe, expect, it } from 'vitest';
import { type CommitCore, commitShape, sealCommit } from '../src/index.ts';

const digest = (byte: number) => asDigest(new Uint8Array(32).fill(byte));
const core: CommitCore = {
  index: 2,
  prevDigest: digest(1),
  leader: { round: 5, author: 1, digest: digest(3) },
  blocks: [
    { round: 4, author: 0, digest: digest(2) },
    { round: 5, author: 1, digest: digest(3) },
  ],
  commitTs: 1_700_000_000_123,
  leaseClock: 1_700_000_000_001,
  horizon: 3,
};

describe('Commit', () => {
  it('keeps its bytes', () => {
    const directory = new URL('./golden/', import.meta.url);
    expect(() => golden(directory, 'commit', commitShape, core)).not.toThrow();
  });

  it('is named by every field', () => {
    const changes: CommitCore[] = [
      { ...core, index: 3 },
      { ...core, prevDigest: digest(9) },
      { ...core, leader: { ...core.leader, author: 2 } },
      { ...core, blocks: core.blocks.slice(1) },
      { ...core, commitTs: 1 },
      { ...core, leaseClock: 1 },
      { ...core, horizon: 4 },
    ];
    const digests = [core, ...changes].map((each) => toHex(sealCommit(each).digest));
    expect(new Set(digests).size).toBe(8);
  });

  it('refuses other bytes', () => {
    const bytes = encode(commitShape, core);
    expect(decode(commitShape, bytes, bytes.length)).toEqual({ ok: true, value: core });
    expect(decode(commitShape, bytes.slice(0, -1), 999).ok).toBe(false);
  });
});
