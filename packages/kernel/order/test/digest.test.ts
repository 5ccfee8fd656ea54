// Tests of a commit's digest.
import { asDigest } from '@fatty/codec';
import { expect, it } from 'vitest';
import { hashByHand, pin } from '../../codec/test/by-hand.ts';
import { reference } from '../../codec/test/reference.ts';
import { type CommitCore, sealCommit } from '../src/index.ts';

const golden = new URL('./golden/', import.meta.url);
const digest = (byte: number) => asDigest(new Uint8Array(32).fill(byte));

it('a commit is named by the hash of its core (R5), which chains to the one before', () => {
  const core: CommitCore = {
    index: 5_000_000_001,
    prevDigest: digest(1),
    leader: { round: 70_001, author: 2, digest: digest(3) },
    blocks: [
      { round: 70_000, author: 0, digest: digest(2) },
      { round: 70_001, author: 2, digest: digest(3) },
    ],
    commitTs: 1_700_000_000_123,
    leaseClock: 24,
    horizon: 69_001,
  };
  const byHand = reference([
    5_000_000_001,
    digest(1),
    [70_001, 2, digest(3)],
    [
      [70_000, 0, digest(2)],
      [70_001, 2, digest(3)],
    ],
    1_700_000_000_123,
    24,
    69_001,
  ]);
  const commit = sealCommit(core);
  pin(golden, 'commit-digest', commit.digest);
  expect(commit.digest).toEqual(hashByHand('commit', byHand));

  const next = { ...core, index: core.index + 1, prevDigest: commit.digest, blocks: [core.leader] };
  pin(golden, 'commit-digest-next', sealCommit(next).digest);
  const chained = reference([
    5_000_000_002,
    hashByHand('commit', byHand),
    [70_001, 2, digest(3)],
    [[70_001, 2, digest(3)]],
    1_700_000_000_123,
    24,
    69_001,
  ]);
  expect(sealCommit(next).digest).toEqual(hashByHand('commit', chained));
});
