// Tests of evidence about votes: who is convicted, who never can be, and what it asks for.
import { asDigest } from '@fatty/codec';
import { golden } from '@fatty/codec/golden';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  certOf,
  checkVoteEvidence,
  faultsMax,
  MEMBERS_MIN,
  nextCommittee,
  quorum,
  removalsFor,
  type SignedVote,
  signVote,
  type Vote,
  type VoteEvidence,
  voteEvidenceShape,
  votePair,
} from '../src/index.ts';
import { committeeOf, rulesOf, signersOf } from './cells.ts';

const digest = (byte: number) => asDigest(new Uint8Array(32).fill(byte));
const names = Array.from({ length: 10 }, (_, i) => `m${i}`);

function voteOf(index: number, state = 2, epoch = 0): Vote {
  const roots = { receiptsRoot: digest(3), frameRoot: digest(4) };
  return { epoch, index, commitDigest: digest(1), stateRoot: digest(state), ...roots };
}

function cell(n: number) {
  const committee = committeeOf(n);
  const rules = rulesOf(committee);
  const signers = signersOf(committee, names);
  const vote = (author: number, what: Vote): SignedVote => {
    const signer = signers[author];
    if (signer === undefined) throw new Error('no member');
    return signVote(rules.cellId, signer, author, what);
  };
  const cert = (what: Vote) =>
    certOf(
      committee,
      signers.slice(0, quorum(committee)).map((_, i) => vote(i, what)),
    );
  return { committee, rules, vote, cert };
}

const four = cell(4);
const { rules, vote, cert } = four;
const codeOf = (evidence: VoteEvidence): string | number => {
  const checked = checkVoteEvidence(rules, evidence);
  return checked.ok ? checked.value : checked.failure.code;
};
const pair = votePair(vote(2, voteOf(48)), vote(2, voteOf(48, 9)));
const against: VoteEvidence = {
  kind: 'uncertified',
  vote: vote(3, voteOf(48, 9)),
  cert: cert(voteOf(48)),
};

describe('evidence about votes', () => {
  it('convicts who votes twice for one commit, written one way', () => {
    expect(votePair(vote(2, voteOf(48, 9)), vote(2, voteOf(48)))).toEqual(pair);
    expect(codeOf(pair)).toBe(2);
  });

  it('convicts who votes against the certificate of the same commit', () => {
    expect(codeOf(against)).toBe(3);
  });

  it('convicts nobody by anything else', () => {
    const one = vote(2, voteOf(48));
    const two = vote(2, voteOf(48, 9));
    const ordered = pair.kind === 'votes' ? pair : expect.fail('a pair');
    const weak = { ...cert(voteOf(48)), bitmap: new Uint8Array([1]) };
    const cases: readonly (readonly [VoteEvidence, string])[] = [
      [{ kind: 'votes', a: ordered.b, b: ordered.a }, 'evidence_order'],
      [{ kind: 'votes', a: one, b: one }, 'same_vote'],
      [votePair(one, vote(2, voteOf(64, 9))), 'different_commits'],
      [votePair(one, vote(1, voteOf(48, 9))), 'different_members'],
      [votePair(one, { ...two, sig: one.sig }), 'bad_signature'],
      [votePair({ ...one, author: 9 }, { ...two, author: 9 }), 'not_a_member'],
      [votePair(vote(2, voteOf(48, 2, 1)), vote(2, voteOf(48, 9, 1))), 'wrong_epoch'],
      [{ ...against, vote: vote(3, voteOf(48)) }, 'same_vote'],
      [{ ...against, vote: vote(3, voteOf(64, 9)) }, 'different_commits'],
      [{ ...against, vote: { ...against.vote, author: 2 } }, 'bad_signature'],
      [{ ...against, cert: weak }, 'bad_bitmap'],
    ];
    expect(cases.map(([evidence]) => codeOf(evidence))).toEqual(cases.map(([, code]) => code));
  });

  it('has the bytes that golden files pin', () => {
    const directory = new URL('golden/', import.meta.url);
    golden(directory, 'evidence-votes', voteEvidenceShape, pair);
    golden(directory, 'evidence-uncertified', voteEvidenceShape, against);
  });
});

describe('what evidence asks for', () => {
  const sizes = fc.integer({ min: 4, max: 10 });
  const worlds = sizes.chain((n) =>
    fc.record({ n: fc.constant(n), some: fc.array(fc.nat({ max: n + 2 }), { maxLength: 12 }) }),
  );

  test('the convicted go, in an order of their keys, and the rest is a committee', () => {
    fc.assert(
      fc.property(worlds, ({ n, some }) => {
        const { committee } = cell(n);
        const changes = removalsFor(committee, some);
        expect(removalsFor(committee, [...some].reverse())).toEqual(changes);
        expect(changes.length).toBeLessThanOrEqual(faultsMax(committee));
        const next = nextCommittee(committee, changes, 2_000);
        if (!next.ok) return expect.fail(next.failure.code);
        expect(next.value.members.length).toBeGreaterThanOrEqual(MEMBERS_MIN);
        const convicted = new Set(some.filter((place) => place < n));
        const gone = committee.members.filter((key) => !next.value.members.includes(key));
        expect(gone.every((key) => convicted.has(committee.members.indexOf(key)))).toBe(true);
        const most = Math.min(convicted.size, faultsMax(committee), n - MEMBERS_MIN);
        expect(gone.length).toBe(most);
      }),
    );
  });
});
