// Tests of accusations: evidence of every kind in one type.
import { asDigest, encode } from '@fatty/codec';
import { signVote, votePair } from '@fatty/protocol';
import { describe, expect, it } from 'vitest';
import {
  type Accusation,
  accusationShape,
  accused,
  checkAccusation,
  checkBlock,
  contradiction,
  openAccusation,
  selfContradiction,
} from '../src/index.ts';
import { Cell } from './signed.ts';

const cell = new Cell();

function block(author: number, change: Parameters<Cell['header']>[1] = {}) {
  const checked = checkBlock(cell.bytes(author, change), cell.rules);
  return checked.kind === 'accept' ? checked.block : expect.fail(checked.code);
}

const digest = (byte: number) => asDigest(new Uint8Array(32).fill(byte));

function vote(author: number, state: number) {
  const roots = { stateRoot: digest(state), receiptsRoot: digest(3), frameRoot: digest(4) };
  const signer = cell.members[author];
  if (signer === undefined) throw new Error('no member');
  const { epoch } = cell.rules.committee;
  const what = { epoch, index: 16, commitDigest: digest(1), ...roots };
  return signVote(cell.cellId, signer, author, what);
}

const blocks: Accusation = {
  kind: 'blocks',
  evidence: contradiction(block(1), block(1, { ts: 1_501 })),
};
const votes: Accusation = { kind: 'votes', evidence: votePair(vote(2, 5), vote(2, 6)) };

describe('an accusation', () => {
  it('convicts by blocks and by votes', () => {
    for (const [accusation, member] of [
      [blocks, 1],
      [votes, 2],
    ] as const) {
      expect(checkAccusation(cell.rules, accusation)).toEqual({ ok: true, value: member });
      expect(accused(accusation)).toBe(member);
    }
  });

  it('that does not hold says why', () => {
    const valid: Accusation = { kind: 'blocks', evidence: selfContradiction(block(1).signed) };
    const forged = votePair(vote(2, 5), { ...vote(1, 6), author: 2 });
    const codes = [valid, { kind: 'votes', evidence: forged } as const].map((one) => {
      const checked = checkAccusation(cell.rules, one);
      return checked.ok ? 'ok' : checked.failure.code;
    });
    expect(codes).toEqual(['header_valid', 'bad_signature']);
  });

  it('is read back from its bytes, and from nothing else', () => {
    for (const one of [blocks, votes]) {
      const bytes = encode(accusationShape, one);
      expect(openAccusation(bytes)).toEqual({ ok: true, value: one });
      expect(openAccusation(bytes.subarray(1)).ok).toBe(false);
    }
  });
});
