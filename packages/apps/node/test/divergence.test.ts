// Tests of what is told of another state.
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asCellId, asDigest, fromHex, hash, standIn, toHex, utf8 } from '@fatty/codec';
import { certOf, DEFAULT_PARAMS, openVote, type SignedVote, signVote } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import { keepDivergence } from '../src/divergence.ts';

const cellId = asCellId(new Uint8Array(32).fill(9));
const signers = [0, 1, 2, 3].map((i) => standIn().signer(hash('m', utf8(`${i}`))));

function vote(author: number, byte: number): SignedVote {
  const root = asDigest(new Uint8Array(32).fill(byte));
  const roots = { stateRoot: root, receiptsRoot: root, frameRoot: root };
  const signer = signers[author];
  if (signer === undefined) throw new Error('four members');
  return signVote(cellId, signer, author, { epoch: 0, index: 32, commitDigest: root, ...roots });
}

describe('a divergence', () => {
  it('is kept in the folder: what this replica has, what others signed, and their bytes', async () => {
    const votes = [1, 2, 3].map((author) => vote(author, 2));
    const members = signers.map(({ publicKey }) => publicKey);
    const committee = { epoch: 0, members, genesisTs: 0, params: DEFAULT_PARAMS };
    const cert = certOf(committee, votes);
    const failure = { code: 'diverged', expected: 'one', actual: 'two' };
    const found = {
      kind: 'diverged',
      index: 32,
      failure,
      own: vote(0, 1).core,
      votes,
      cert,
    } as const;
    const path = await keepDivergence(mkdtempSync(join(tmpdir(), 'fatty-')), found, 0);
    expect(path).toMatch(/diverged-32\.json$/);
    const told = JSON.parse(readFileSync(path, 'utf8'));
    expect(told).toMatchObject({
      commit: 32,
      here: { member: 0, commit: 32, stateRoot: '01'.repeat(32) },
      others: [1, 2, 3].map((member) => ({ member, commit: 32, stateRoot: '02'.repeat(32) })),
      certified: { bitmap: '0e', vote: { stateRoot: '02'.repeat(32) } },
    });
    expect(told.others[0].signature).toBe(toHex(votes[0]?.sig ?? new Uint8Array()));
    const bytes = fromHex(told.here.bytes);
    expect(bytes && openVote(bytes).ok).toBe(true);
  });
});
