export type {
  Builtin,
  Constraint,
  Layout,
  MaskCell,
  Node,
  PeriodicColumn,
  Rows,
} from './air/expression.ts';
export { LAYOUTS } from './air/layouts.ts';
export { PLAIN } from './air/plain.ts';
export { RECURSIVE } from './air/recursive.ts';
export { RECURSIVE_WITH_POSEIDON } from './air/recursive-with-poseidon.ts';
export { SMALL } from './air/small.ts';
export { STARKNET } from './air/starknet.ts';
export { type Assembled, type AssemblyOutcome, assemble } from './assembler/assemble.ts';
export { disassemble, listProgram } from './assembler/disassemble.ts';
export type { AssemblyCode, AssemblyFailure } from './assembler/failure.ts';
export { pedersen } from './curve/pedersen.ts';
export { felt } from './felt/shape.ts';
export type { Aid, Crew } from './kernels/wasm/crew.ts';
export { type Hint, type HintInput, loadProgram, type Runnable } from './program/load.ts';
export { idOfProgram, type Program, parseProgram } from './program/program.ts';
export { decodeProof, ENVELOPE_BYTES_MAX, encodeProof, proofShape } from './proof/envelope.ts';
export { parseStoneJson, writeStoneJson } from './proof/json.ts';
export {
  LIMITS,
  type Proof,
  type ProofParameters,
  type PublicCell,
  type PublicInput,
  type SeedVersion,
  type Segment,
} from './proof/proof.ts';
export { type Category, categoryOf, PROOF_CODES, type ProofCode } from './proof/rejected.ts';
export type { ProverReply, ProverRequest } from './prover/messages.ts';
export { type ParameterOptions, proofParameters } from './prover/parameters.ts';
export { PHASES, type Phase } from './prover/prove.ts';
export {
  type CairoProver,
  createProver,
  type ProveOptions,
  type ProverProgress,
} from './prover/prover.ts';
export type { ProvableRun } from './prover/table.ts';
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
export {
  ANY_POLICY,
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
export { type Strength, strengthOf } from './statement/strength.ts';
export { type Inspection, inspectProof, inspectStoneJson } from './verifier/inspect.ts';
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
  type RunVerdict,
  type VerifyOptions,
} from './verifier/verifier.ts';
export type { RunCode, RunFailure } from './vm/failure.ts';
export {
  readAirPublicInput,
  readInputs,
  readMemory,
  readTrace,
  writeAirPrivateInput,
  writeAirPublicInput,
  writeMemory,
  writeTrace,
} from './vm/files.ts';
export type { RunInputs } from './vm/inputs.ts';
export type { MemoryCell, PrivateInput, TraceEntry } from './vm/relocation.ts';
export { type Run, type RunOptions, type RunOutcome, runProgram } from './vm/run.ts';
