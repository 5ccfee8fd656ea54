import type { ProofParameters } from '../proof/proof.ts';

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
}

const LAST_LAYER_LOG = 6;
const FRI_STEP_MAX = 4;
const ROWS_PER_STEP_LOG = 4;

/** Stone's parameters for a plain run of `nSteps` steps, a power of two from 16 on. */
export function proofParameters(nSteps: number, options: ParameterOptions = {}): ProofParameters {
  const { bits = 96, logNCosets = 4, powBits = 16 } = options;
  const { commitmentHash = 'keccak256', channelHash = 'keccak256' } = options;
  const rowsLog = Math.log2(nSteps) + ROWS_PER_STEP_LOG;
  const lastLog = Math.min(LAST_LAYER_LOG, rowsLog - 1);
  return {
    channelHash,
    commitmentHash,
    pageHash: 'keccak256',
    powHash: channelHash,
    friStepList: [0, ...halvings(rowsLog - lastLog)],
    lastLayerDegreeBound: 2 ** lastLog,
    logNCosets,
    nQueries: Math.max(1, Math.ceil((bits - powBits) / logNCosets)),
    powBits,
    nVerifierFriendlyLayers: 0,
    verifierFriendlyHash: '',
    verifierFriendlyChannel: false,
  };
}

/** `count` halvings in steps of at most 2^4, as even as can be, the larger ones first. */
function halvings(count: number): number[] {
  const parts = Math.ceil(count / FRI_STEP_MAX);
  return Array.from({ length: parts }, (_, i) => Math.ceil((count - i) / parts));
}
