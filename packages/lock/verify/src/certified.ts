// Certified answers: a proof together with the signatures on the root that it leads to.
import { pathShape } from '@fatty/api';
import { bytes, decode, encode, ok, record, type Shape, sessionId, u53, union } from '@fatty/codec';
import type { Digest, Outcome, SessionId } from '@fatty/interface';
import { type Cert, certShape } from '@fatty/protocol';
import {
  checkClaim,
  checkKept,
  checkList,
  checkNode,
  type ProvedClaim,
  type ProvedKept,
  type ProvedList,
  type ProvedNode,
} from './answers.ts';
import { checkCertBy, type VerifyRules } from './chain.ts';
import { badProof } from './check.ts';
import { PROOF_BYTES_MAX } from './proofs.ts';
import type { ProofQuestion } from './questions.ts';

/** What an answer is about. */
export type Subject =
  | { readonly kind: 'node'; readonly path: string }
  | { readonly kind: 'list'; readonly path: string }
  | { readonly kind: 'claim'; readonly path: string; readonly session: SessionId }
  | { readonly kind: 'receipts'; readonly session: SessionId; readonly seq: number };

/** What the answer to a question is about. */
export function subjectOf(question: ProofQuestion): Subject {
  if (question.kind !== 'list' && question.kind !== 'file') return question;
  return { kind: question.kind === 'list' ? 'list' : 'node', path: question.path };
}

/** Canonical bytes of a subject. */
export const subjectShape: Shape<Subject> = union<Subject>({
  node: [0, record({ path: pathShape })],
  list: [1, record({ path: pathShape })],
  claim: [2, record({ path: pathShape, session: sessionId })],
  receipts: [3, record({ session: sessionId, seq: u53 })],
});

/** An answer that anybody can check who knows the committee. */
export interface CertifiedAnswer {
  readonly about: Subject;
  readonly cert: Cert;
  /** Bytes of the proof that belongs to the subject. */
  readonly proof: Uint8Array;
}

/** Canonical bytes of a certified answer. */
export const certifiedAnswerShape: Shape<CertifiedAnswer> = record<CertifiedAnswer>({
  about: subjectShape,
  cert: certShape,
  proof: bytes(PROOF_BYTES_MAX),
});

/** What a certified answer proves: so it was at `head.commit`. */
export type Fact =
  | ({ readonly kind: 'node'; readonly path: string } & ProvedNode)
  | ({ readonly kind: 'list'; readonly path: string } & ProvedList)
  | ({ readonly kind: 'claim'; readonly path: string; readonly session: SessionId } & ProvedClaim)
  | ({ readonly kind: 'receipts'; readonly session: SessionId; readonly seq: number } & ProvedKept);

/** Longest certified answer, bytes. */
export const CERTIFIED_BYTES_MAX: number = 2 * PROOF_BYTES_MAX;

/** The bytes that {@link checkCertified} reads. */
export function encodeCertified(answer: CertifiedAnswer): Uint8Array {
  return encode(certifiedAnswerShape, answer);
}

/**
 * What an answer proves to somebody who knows the committee, or the way to it; no replica has to be believed. It says
 * nothing of the time after its commit. Codes of `decode`, `checkCert`, {@link CellChain} and {@link checkNode}.
 */
export function checkCertified(rules: VerifyRules, answer: Uint8Array): Outcome<Fact> {
  const opened = decode(certifiedAnswerShape, answer, CERTIFIED_BYTES_MAX);
  if (!opened.ok) return opened;
  const { about, cert, proof } = opened.value;
  const vote = checkCertBy(rules, cert);
  if (!vote.ok) return vote;
  const { index, stateRoot } = vote.value;
  const fact = factOf(stateRoot, about, proof);
  if (!fact.ok) return fact;
  const { commit } = fact.value.head;
  return commit === index ? fact : badProof(`the state of commit ${index}`, `of ${commit}`);
}

function factOf(root: Digest, about: Subject, proof: Uint8Array): Outcome<Fact> {
  switch (about.kind) {
    case 'node':
      return joined(about, checkNode(root, about.path, proof));
    case 'list':
      return joined(about, checkList(root, about.path, proof));
    case 'claim':
      return joined(about, checkClaim(root, about.path, about.session, proof));
    case 'receipts':
      return joined(about, checkKept(root, about, proof));
  }
}

function joined<A, P>(about: A, proved: Outcome<P>): Outcome<A & P> {
  return proved.ok ? ok({ ...about, ...proved.value }) : proved;
}
