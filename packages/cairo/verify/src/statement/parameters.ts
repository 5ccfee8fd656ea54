// The parameters to prove with: from bits, blow-up and steps to Stone's list.
import type { ProofParameters } from '@fatty/cairo-air';

/** What a caller chooses; everything else follows from it and the number of steps. */
export interface ParameterOptions {
  /** Conjectured bits, default 96: queries · log2 cosets + bits of work. */
  readonly bits?: number;
  /** log2 of the blow-up, 1..6, default 4. Less is faster to prove, and a larger proof. */
  readonly logNCosets?: number;
  /** Bits of proof of work, default 16: 2^16 hashes. */
  readonly powBits?: number;
  /** Default `keccak256`, unmasked. */
  readonly commitmentHash?: string;
  /** Of channel and proof of work, default `keccak256`. */
  readonly channelHash?: string;
  /** Coefficients of the last FRI layer, a power of two, default 64. */
  readonly lastLayerDegreeBound?: number;
  /**
   * Halvings per FRI layer: 0, then 1 to 4 each, which together lead from the trace's rows (16 a
   * step) down to the last layer; another sum is `bad_counts` when proving. Default: threes, then the rest.
   */
  readonly friStepList?: readonly number[];
}

const LAST_LAYER_LOG = 6;
const FRI_STEP = 3;
const FRI_STEP_MAX = 4;
const ROWS_PER_STEP_LOG = 4;

/** Stone's parameters for a plain run of `nSteps` steps, a power of two from 16 on. */
export function proofParameters(nSteps: number, options: ParameterOptions = {}): ProofParameters {
  const { bits = 96, logNCosets = 4, powBits = 16 } = options;
  const { commitmentHash = 'keccak256', channelHash = 'keccak256' } = options;
  const rowsLog = Math.log2(nSteps) + ROWS_PER_STEP_LOG;
  const { lastLayerDegreeBound = 2 ** Math.min(LAST_LAYER_LOG, rowsLog - 1) } = options;
  const halvings = rowsLog - Math.log2(lastLayerDegreeBound);
  return {
    channelHash,
    commitmentHash,
    pageHash: 'keccak256',
    powHash: channelHash,
    friStepList: options.friStepList ?? friSteps(halvings),
    lastLayerDegreeBound,
    logNCosets,
    nQueries: Math.max(1, Math.ceil((bits - powBits) / logNCosets)),
    powBits,
    nVerifierFriendlyLayers: 0,
    verifierFriendlyHash: '',
    verifierFriendlyChannel: false,
  };
}

/**
 * The list for so many halvings: threes, and at the end what remains, 2 to 4 (1 if that is all).
 * StarkWare's prover takes the list that it is given; its README advises steps of 2 to 4, and its
 * proofs of layout `plain` that we hold were made with this one.
 */
function friSteps(halvings: number): number[] {
  const steps = [0];
  if (!Number.isSafeInteger(halvings)) return steps;
  let rest = halvings;
  for (; rest > FRI_STEP_MAX; rest -= FRI_STEP) steps.push(FRI_STEP);
  if (rest > 0) steps.push(rest);
  return steps;
}
