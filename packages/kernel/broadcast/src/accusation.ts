// Evidence of every kind, in one type: what a replica keeps, passes on and shows.
import { decode, fail, ok, record, type Shape, union } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { checkVoteEvidence, openVote, type VoteEvidence, voteEvidenceShape } from '@fatty/protocol';
import { type Evidence, evidenceShape, HEADER_BYTES_MAX, headerShape } from './block.ts';
import { checkEvidence, evidenceAuthor } from './evidence.ts';
import type { HeaderRules } from './header.ts';

/** Proof that a member is faulty: by what it has signed as blocks, or as votes on checkpoints. */
export type Accusation =
  | { readonly kind: 'blocks'; readonly evidence: Evidence }
  | { readonly kind: 'votes'; readonly evidence: VoteEvidence };

/** Canonical bytes of an accusation. Tags are wire and log format. */
export const accusationShape: Shape<Accusation> = union<Accusation>({
  blocks: [1, record({ evidence: evidenceShape })],
  votes: [2, record({ evidence: voteEvidenceShape })],
});

/** Two headers, or a vote and the certificate of the largest committee. */
export const ACCUSATION_BYTES_MAX: number = 64 * 1024;

/** Whom an accusation names. Means something only when {@link checkAccusation} accepts it. */
export function accused({ kind, evidence }: Accusation): number | undefined {
  if (kind === 'blocks') return evidenceAuthor(evidence);
  return evidence.kind === 'votes' ? evidence.a.author : evidence.vote.author;
}

/** The epoch whose members it is to be held against, as it says itself; undefined: it can be read by nobody. */
export function accusationEpoch({ kind, evidence }: Accusation): number | undefined {
  if (kind === 'blocks') {
    const header = decode(headerShape, evidence.a.header, HEADER_BYTES_MAX);
    return header.ok ? header.value.epoch : undefined;
  }
  const vote = openVote(evidence.kind === 'votes' ? evidence.a.core : evidence.vote.core);
  return vote.ok ? vote.value.epoch : undefined;
}

/**
 * Pure: the committee index of the member that it convicts, or why it convicts nobody. No honest member is ever
 * convicted while one process runs under its key. Codes of `checkEvidence` and `checkVoteEvidence`.
 */
export function checkAccusation(rules: HeaderRules, accusation: Accusation): Outcome<number> {
  if (accusation.kind === 'votes') return checkVoteEvidence(rules, accusation.evidence);
  const verdict = checkEvidence(accusation.evidence, rules);
  const author = accused(accusation);
  if (verdict.kind === 'accept' && author !== undefined) return ok(author);
  if (verdict.kind === 'accept') return fail('header_valid', 'a header', 'none');
  return fail(verdict.code, verdict.expected, verdict.actual);
}

/** Reads the bytes of an accusation. Codes of `decode`. */
export function openAccusation(bytes: Uint8Array): Outcome<Accusation> {
  return decode(accusationShape, bytes, ACCUSATION_BYTES_MAX);
}
