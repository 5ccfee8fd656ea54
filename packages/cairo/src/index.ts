export type { Constraint, Layout, MaskCell, Node, Rows } from './air/expression.ts';
export { PLAIN } from './air/plain.ts';
export { felt } from './felt/shape.ts';
export { idOfProgram, type Program, parseProgram } from './program/program.ts';
export { decodeProof, ENVELOPE_BYTES_MAX, encodeProof, proofShape } from './proof/envelope.ts';
export { parseStoneJson, writeStoneJson } from './proof/json.ts';
export {
  LIMITS,
  type Proof,
  type ProofParameters,
  type PublicCell,
  type PublicInput,
  type Segment,
} from './proof/proof.ts';
export { type Category, categoryOf, PROOF_CODES, type ProofCode } from './proof/rejected.ts';
export type { Observer, TranscriptEvent } from './stark/transcript.ts';
export {
  COMMITTEE_POLICY,
  collisionBits,
  MACHINE_POLICY,
  type Policy,
  policyShape,
  securityBits,
} from './statement/policy.ts';
export { bindingCell, type ProgramKey, programId } from './statement/program-id.ts';
export {
  EXTRA_CELLS_MAX,
  LEASE_CELLS,
  type LeaseStatement,
  type Statement,
  statementHash,
} from './statement/statement.ts';
export { type Inspection, inspectProof } from './verifier/inspect.ts';
export type { VerifierReply, VerifierRequest } from './verifier/messages.ts';
export {
  checkRenewal,
  decodeJob,
  encodeJob,
  RENEWAL_PROOFS_MAX,
  type Renewal,
  type RenewalJob,
} from './verifier/renewal.ts';
export {
  type CairoVerifier,
  createCairoVerifier,
  type ProofVerdict,
  type VerifyOptions,
} from './verifier/verifier.ts';
