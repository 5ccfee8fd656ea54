// Votes that no honest member signs, and what follows from evidence (R27, R30).
import { compareBytes, equalBytes, fail, ok, record, type Shape, union } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { type Cert, certShape } from './cert.ts';
import { type Change, MEMBERS_MIN } from './changes.ts';
import {
  type CertRules,
  checkCert,
  isVoteSigned,
  openVote,
  type SignedVote,
  signedVoteShape,
} from './checkpoint.ts';
import { type Committee, faultsMax, memberKey } from './committee.ts';

/** Proof that a member has signed a vote that no honest one signs. */
export type VoteEvidence =
  /** Two votes of one member for one commit, the lower bytes first. */
  | { readonly kind: 'votes'; readonly a: SignedVote; readonly b: SignedVote }
  /** A vote that says something else than q members have certified of the same commit. */
  | { readonly kind: 'uncertified'; readonly vote: SignedVote; readonly cert: Cert };

/** Canonical bytes of evidence about votes. */
export const voteEvidenceShape: Shape<VoteEvidence> = union<VoteEvidence>({
  votes: [1, record({ a: signedVoteShape, b: signedVoteShape })],
  uncertified: [2, record({ vote: signedVoteShape, cert: certShape })],
});

/** Evidence out of two different votes of one member for one commit, whichever came first. */
export function votePair(one: SignedVote, two: SignedVote): VoteEvidence {
  const [a, b] = compareBytes(one.core, two.core) <= 0 ? [one, two] : [two, one];
  return { kind: 'votes', a, b };
}

/**
 * Pure: the committee index of the member that evidence convicts, or why it convicts nobody. Signatures are
 * looked at last: two, or one and those of a certificate. Codes: those of `openVote` and of
 * `checkCert`, and `bad_signature`, `wrong_epoch`, `not_a_member`, `different_members`,
 * `different_commits`, `same_vote`, `evidence_order`.
 */
export function checkVoteEvidence(rules: CertRules, evidence: VoteEvidence): Outcome<number> {
  return evidence.kind === 'votes'
    ? checkPair(rules, evidence.a, evidence.b)
    : checkUncertified(rules, evidence.vote, evidence.cert);
}

function checkPair(rules: CertRules, a: SignedVote, b: SignedVote): Outcome<number> {
  if (a.author !== b.author) return fail('different_members', `member ${a.author}`, `${b.author}`);
  const order = compareBytes(a.core, b.core);
  if (order === 0) return fail('same_vote', 'two votes that differ', 'one');
  if (order > 0) return fail('evidence_order', 'lower bytes first', 'higher bytes first');
  const [first, second] = [indexOf(rules, a), indexOf(rules, b)];
  if (!first.ok) return first;
  if (!second.ok) return second;
  if (first.value !== second.value) {
    return fail('different_commits', `commit ${first.value}`, `${second.value}`);
  }
  return convict(rules, [a, b]);
}

function checkUncertified(rules: CertRules, vote: SignedVote, cert: Cert): Outcome<number> {
  const [said, certified] = [indexOf(rules, vote), openVote(cert.core)];
  if (!said.ok) return said;
  if (!certified.ok) return certified;
  if (said.value !== certified.value.index) {
    return fail('different_commits', `commit ${said.value}`, `${certified.value.index}`);
  }
  if (equalBytes(vote.core, cert.core))
    return fail('same_vote', 'another vote', 'the certified one');
  const author = convict(rules, [vote]);
  if (!author.ok) return author;
  const proved = checkCert(rules, cert);
  return proved.ok ? author : proved;
}

/** The commit that a vote of this epoch's is about. */
function indexOf({ committee }: CertRules, { core }: SignedVote): Outcome<number> {
  const vote = openVote(core);
  if (!vote.ok) return vote;
  const { epoch, index } = vote.value;
  if (epoch === committee.epoch) return ok(index);
  return fail('wrong_epoch', `epoch ${committee.epoch}`, `${epoch}`);
}

/** The author of these votes, who is one, when it is a member and has signed them. */
function convict(rules: CertRules, votes: readonly SignedVote[]): Outcome<number> {
  const author = votes[0]?.author ?? -1;
  if (rules.committee.members[author] === undefined) {
    return fail('not_a_member', 'votes of a member', `${author}`);
  }
  if (votes.every((vote) => isVoteSigned(rules, vote))) return ok(author);
  return fail('bad_signature', `the signature of member ${author}`, 'another');
}

/**
 * The change that evidence against these members asks for (R30), one each: it goes. At most f of them in one
 * epoch, and none where fewer than {@link MEMBERS_MIN} members would stay: who is convicted and stays is
 * shunned until somebody else can replace it. A function of the set of the convicted.
 */
export function removalsFor(committee: Committee, convicted: readonly number[]): readonly Change[] {
  const n = committee.members.length;
  const places = [...new Set(convicted)].filter((place) => place >= 0 && place < n);
  const most = Math.max(0, Math.min(faultsMax(committee), n - MEMBERS_MIN));
  const keys = places.map((place) => memberKey(committee, place)).sort(compareBytes);
  return keys.slice(0, most).map((old) => ({ kind: 'remove', old }));
}
