// What it takes to judge a proof: reading it, what it is about, which are allowed, whether it is true.
export {
  type Category,
  categoryOf,
  LIMITS,
  PROOF_CODES,
  type Proof,
  type ProofCode,
  type ProofParameters,
  type PublicCell,
  type PublicInput,
  type SeedVersion,
  type Segment,
} from '@fatty/cairo-air';
export { decodeProof, ENVELOPE_BYTES_MAX, encodeProof, proofShape } from './proof/envelope.ts';
export { parseStoneJson, readPublicInput, writePublicInput, writeStoneJson } from './proof/json.ts';
export { type OpenedProof, openProof } from './proof/opened.ts';
export type { Observer, TranscriptEvent } from './stark/transcript.ts';
export {
  extractStatement,
  type InnerStatement,
  innerLease,
  type OuterProgram,
  type TaskHash,
  taskHash,
  verifiedHash,
} from './statement/outer.ts';
export { type ParameterOptions, proofParameters } from './statement/parameters.ts';
export {
  ANY_POLICY,
  COMMITTEE_POLICY,
  collisionBits,
  MACHINE_POLICY,
  type Policy,
  policyShape,
  securityBits,
} from './statement/policy.ts';
export { idOfProgram, type Program, parseProgram, readProgram } from './statement/program.ts';
export { bindingCell, type ProgramKey, programId } from './statement/program-id.ts';
export {
  EXTRA_CELLS_MAX,
  LEASE_CELLS,
  type LeaseStatement,
  type Statement,
  statementHash,
} from './statement/statement.ts';
export { type Strength, strengthOf } from './statement/strength.ts';
export { type Inspection, inspectProof, inspectStoneJson } from './verifier/inspect.ts';
export type { VerifierReply, VerifierRequest } from './verifier/messages.ts';
export {
  checkProofs,
  checkRenewal,
  decodeJob,
  encodeJob,
  RENEWAL_PROOFS_MAX,
  type Renewal,
  type RenewalJob,
  type RenewalTerms,
} from './verifier/renewal.ts';
export {
  type CairoVerifier,
  createCairoVerifier,
  type ProofVerdict,
  type RunVerdict,
  type VerifyOptions,
} from './verifier/verifier.ts';
