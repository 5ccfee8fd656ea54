// The toolkit of those who prove: assembler, loader, VM, prover, and all that the verifier exports.
export { pedersen, type RunCode } from '@fatty/cairo-air';
export * from '@fatty/cairo-verify';
export { type Assembled, type AssemblyOutcome, assemble } from './assembler/assemble.ts';
export { disassemble, listProgram } from './assembler/disassemble.ts';
export type { AssemblyCode, AssemblyFailure } from './assembler/failure.ts';
export type { Aid, Crew } from './kernels/wasm/crew.ts';
export { type Hint, type HintInput, loadProgram, type Runnable } from './program/load.ts';
export type { ProverReply, ProverRequest } from './prover/messages.ts';
export { PHASES, type Phase } from './prover/prove.ts';
export {
  type CairoProver,
  createProver,
  type ProveOptions,
  type ProverProgress,
} from './prover/prover.ts';
export type { ProvableRun } from './prover/table.ts';
export type { RunFailure } from './vm/failure.ts';
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
