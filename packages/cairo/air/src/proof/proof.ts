// The data types of a Stone proof, and the limits of its formats.

/**
 * One cell of public memory. Page 0 is a list of (address, value); further pages are continuous.
 */
export interface PublicCell {
  readonly address: number;
  /** Standard form, 0..p−1. */
  readonly value: bigint;
  readonly page: number;
}

/** Where a memory segment begins and where its pointer stopped. */
export interface Segment {
  readonly name: string;
  readonly beginAddr: number;
  readonly stopPtr: number;
}

/** What the proof claims about a run, as Stone's `public_input`. */
export interface PublicInput {
  readonly layout: string;
  /** Number of steps, a power of two. */
  readonly nSteps: number;
  /** Smallest and largest biased instruction offset, 0..2^16−1. */
  readonly rcMin: number;
  readonly rcMax: number;
  /** Ascending by name, each name once. */
  readonly segments: readonly Segment[];
  /** Ascending by name; only the layout `dynamic` has any. */
  readonly dynamicParams: readonly { readonly name: string; readonly value: number }[];
  readonly publicMemory: readonly PublicCell[];
}

/**
 * How the proof was made, as Stone's `proof_parameters`. A verifier compares them, it never trusts
 * them.
 */
export interface ProofParameters {
  readonly channelHash: string;
  readonly commitmentHash: string;
  readonly pageHash: string;
  readonly powHash: string;
  readonly friStepList: readonly number[];
  readonly lastLayerDegreeBound: number;
  readonly logNCosets: number;
  readonly nQueries: number;
  readonly powBits: number;
  readonly nVerifierFriendlyLayers: number;
  readonly verifierFriendlyHash: string;
  readonly verifierFriendlyChannel: boolean;
}

/**
 * A Stone proof. The bytes carry no lengths or tags: parameters and transcript say what follows.
 */
export interface Proof {
  readonly parameters: ProofParameters;
  readonly publicInput: PublicInput;
  readonly proofBytes: Uint8Array;
}

/**
 * Releases of Stone that differ in the seed: `stone6` is its public release, `stone5` the prover
 * before it, whose seed lacks the number of verifier-friendly layers.
 */
export type SeedVersion = 'stone5' | 'stone6';

/** Hard limits of the formats, above every policy. Sizes in bytes. */
export const LIMITS = {
  /** Proof bytes that are verified (`too_large`). */
  proofBytes: 262_144,
  /** Proof bytes the readers still take, so that foreign proofs can be inspected. */
  proofBytesRead: 1_048_576,
  /** Stone JSON text, annotations included (`too_large`). */
  jsonBytes: 8_388_608,
  publicCells: 65_536,
  segments: 32,
  dynamicParams: 512,
  friSteps: 32,
  /** Addresses are below this: 2^50. */
  address: 1_125_899_906_842_624,
  /** Characters of a layout, hash or segment name. */
  name: 64,
} as const;
