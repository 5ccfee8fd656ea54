// The prover's face: compiles the kernels once, answers with a proof or a failure.
import {
  byteHash,
  demand,
  type Hashes,
  loadHashes,
  PLAIN,
  type Proof,
  type ProofParameters,
  type ProofSize,
  readSizes,
} from '@fatty/cairo-air';
import type { Outcome } from '@fatty/interface';
import type { Kernels } from '../kernels/kernels.ts';
import type { Crew } from '../kernels/wasm/crew.ts';
import { compileKernels, WasmKernels } from '../kernels/wasm/kernels.ts';
import { attemptSteps, ProverError } from './failure.ts';
import { type Phase, proveRun } from './prove.ts';
import type { ProvableRun } from './table.ts';

/** Where a prover is. */
export interface ProverProgress {
  readonly phase: Phase;
  /** Of the phase, 0..1. */
  readonly fraction: number;
  /** Most bytes of the kernels' memory so far: nearly all that a proof takes. */
  readonly bytesPeak: number;
}

/** How a caller takes part in a proof that is made in one go. */
export interface ProveOptions {
  /** Looked at between turns; `onProgress` is where a synchronous caller can abort it. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ProverProgress) => void;
}

/**
 * Makes Stone proofs of plain runs. Deterministic, byte for byte what Stone makes of the same run
 * and parameters. Codes: `bad_run no_room no_memory cancelled malformed`, and those of `parse` in
 * `PROOF_CODES` for parameters that no verifier would take. A run that breaks one of its own
 * assertions is refused before anything is proved.
 */
export interface CairoProver {
  /** All at once: blocks its thread for the time of the proof. Never throws. */
  prove(run: ProvableRun, parameters: ProofParameters, options?: ProveOptions): Outcome<Proof>;
  /** In turns of a few milliseconds per 128 steps, for callers with something else to do. */
  turns(
    run: ProvableRun,
    parameters: ProofParameters,
  ): Generator<ProverProgress, Outcome<Proof>, undefined>;
}

/**
 * Compiles the kernels once. Every proof has a memory of its own, which goes with it. With a crew
 * several threads make a proof, of the same bytes, in memory that is kept for the next one; the
 * helpers are busy until the proof is made, or until its generator has returned.
 */
export function createProver(crew?: Crew): Promise<CairoProver> {
  const idle = crew === undefined ? undefined : [];
  return Promise.all([loadHashes(), compileKernels(crew !== undefined)]).then(([hashes, code]) =>
    proverWith(hashes, ({ commitmentHash: commitment, channelHash: channel }) => {
      return new WasmKernels(code, { commitment, channel, crew, idle });
    }),
  );
}

/** A prover on any kernels. */
export function proverWith(hashes: Hashes, kernelsFor: (size: ProofSize) => Kernels): CairoProver {
  const turns: CairoProver['turns'] = (run, parameters) =>
    attemptSteps(proveInTurns(hashes, kernelsFor, run, parameters));
  return {
    turns,
    prove: (run, parameters, options = {}) => {
      const all = attemptSteps(cancellable(turns(run, parameters), options));
      for (;;) {
        const { done, value } = all.next();
        if (done) return value.ok ? value.value : value;
        options.onProgress?.(value);
      }
    },
  };
}

function* cancellable<S, T>(
  turns: Generator<S, T, undefined>,
  { signal }: ProveOptions,
): Generator<S, T> {
  try {
    for (;;) {
      if (signal?.aborted) throw new ProverError('cancelled', 'no signal', 'one');
      const { done, value } = turns.next();
      if (done) return value;
      yield value;
    }
  } finally {
    turns.return(undefined as T);
  }
}

function* proveInTurns(
  hashes: Hashes,
  kernelsFor: (size: ProofSize) => Kernels,
  run: ProvableRun,
  parameters: ProofParameters,
): Generator<ProverProgress, Proof> {
  const { publicInput } = run;
  const size = readSizes({ parameters, publicInput, proofBytes: new Uint8Array(0) });
  const { layout } = size;
  demand(layout.name === PLAIN.name, 'unsupported_layout', PLAIN.name, layout.name);
  const channel = parameters.channelHash;
  const holds = byteHash(channel) !== undefined;
  demand(holds, 'unsupported_hash', 'channel keccak256 blake256', channel);
  const kernels = kernelsFor(size);
  try {
    const turns = proveRun({ hashes, kernels, run, parameters, size });
    for (;;) {
      const { done, value } = turns.next();
      if (done) return value;
      yield { ...value, bytesPeak: kernels.peak };
    }
  } finally {
    kernels.close();
  }
}
