// What a replica is asked to prove, and what it answers, in the words of the lock service.
import { pathShape } from '@fatty/api';
import {
  array,
  bytes,
  decode,
  encode,
  record,
  type Shape,
  sessionId,
  u32,
  u53,
  union,
} from '@fatty/codec';
import type { Outcome, SessionId } from '@fatty/interface';
import { PROOF_BYTES_MAX } from './proofs.ts';

/**
 * What a proof is asked for. `file`: a node, with its contents beside the proof. `list`: from position `from`
 * on in the directory's order, at most `bytesMax` and at least one child. `receipts`: that of a seq, with its
 * neighbours.
 */
export type ProofQuestion =
  | { readonly kind: 'node'; readonly path: string }
  | {
      readonly kind: 'list';
      readonly path: string;
      readonly from: number;
      readonly bytesMax: number;
    }
  | { readonly kind: 'claim'; readonly path: string; readonly session: SessionId }
  | { readonly kind: 'receipts'; readonly session: SessionId; readonly seq: number }
  | { readonly kind: 'file'; readonly path: string };

/** Canonical bytes of a question. Tags are wire format: never reused, never renumbered. */
export const proofQuestionShape: Shape<ProofQuestion> = union<ProofQuestion>({
  node: [0, record({ path: pathShape })],
  list: [1, record({ path: pathShape, from: u32, bytesMax: u32 })],
  claim: [2, record({ path: pathShape, session: sessionId })],
  receipts: [3, record({ session: sessionId, seq: u53 })],
  file: [4, record({ path: pathShape })],
});

/** Longest question, bytes. */
const QUESTION_BYTES_MAX = 16 * 1024;

/** The bytes that {@link openQuestion} reads. */
export function encodeQuestion(question: ProofQuestion): Uint8Array {
  return encode(proofQuestionShape, question);
}

/** Codes of `decode`. */
export function openQuestion(question: Uint8Array): Outcome<ProofQuestion> {
  return decode(proofQuestionShape, question, QUESTION_BYTES_MAX);
}

/** What a replica answers to a question, before anybody has certified it. */
export interface Proved {
  /** Bytes of the proof that belongs to the question. */
  readonly proof: Uint8Array;
  /** To `file`: its contents in order, whose checksums the proof shows. To anything else: none. */
  readonly contents: readonly Uint8Array[];
}

const provedShape: Shape<Proved> = record<Proved>({
  proof: bytes(PROOF_BYTES_MAX),
  contents: array(bytes(PROOF_BYTES_MAX), 1024),
});

/** The bytes that {@link openProved} reads. */
export function encodeProved(proved: Proved): Uint8Array {
  return encode(provedShape, proved);
}

/** Codes of `decode`. */
export function openProved(proved: Uint8Array): Outcome<Proved> {
  return decode(provedShape, proved, 2 * PROOF_BYTES_MAX);
}
