// Which proofs are allowed.
import {
  demand,
  LAYOUTS,
  LIMITS,
  type Proof,
  type ProofParameters,
  type SeedVersion,
} from '@fatty/cairo-air';
import { array, record, type Shape, text, u16, u32 } from '@fatty/codec';

/**
 * Which proofs are allowed, pinned in a committee's parameters or a machine's declaration.
 * Parameters are not in the transcript, so that whoever leaves them to the prover checks nothing.
 */
export interface Policy {
  readonly layouts: readonly string[];
  readonly channelHashes: readonly string[];
  readonly commitmentHashes: readonly string[];
  /** Against the best known attack: n_queries · log_n_cosets + proof of work. */
  readonly bitsMin: number;
  /**
   * Collision resistance of the commitment hash: 80 for 160-bit masks, 124 for 248, 128 unmasked.
   */
  readonly collisionBitsMin: number;
  readonly nQueriesMin: number;
  readonly nStepsMin: number;
  readonly nStepsMax: number;
  readonly proofBytesMax: number;
  /** Releases of Stone whose seed is tried, in this order: `stone6`, `stone5`. */
  readonly seeds: readonly string[];
  /** Tree levels hashed with Poseidon, 0.1 ms a hash: a check of hundreds costs 100 ms or more. */
  readonly friendlyLayersMax: number;
}

/** Work beyond this is not counted: it costs the prover only time. */
export const POW_BITS_COUNTED = 32;

/** The least a committee takes, and what `fatty proof verify` asks by default. */
export const COMMITTEE_POLICY: Policy = {
  layouts: ['plain'],
  channelHashes: ['keccak256', 'blake256'],
  commitmentHashes: [
    'keccak256',
    'keccak256_masked160_msb',
    'keccak256_masked160_lsb',
    'keccak256_masked248_msb',
    'keccak256_masked248_lsb',
    'blake256',
    'blake256_masked160_msb',
    'blake256_masked160_lsb',
    'blake256_masked248_msb',
    'blake256_masked248_lsb',
  ],
  bitsMin: 96,
  collisionBitsMin: 80,
  nQueriesMin: 16,
  nStepsMin: 2 ** 4,
  nStepsMax: 2 ** 20,
  proofBytesMax: LIMITS.proofBytes,
  seeds: ['stone6'],
  friendlyLayersMax: 0,
};

/** The default of a machine: unmasked or 248-bit commitments. */
export const MACHINE_POLICY: Policy = { ...COMMITTEE_POLICY, collisionBitsMin: 124 };

/**
 * Everything that can be checked, however weak: for whoever reads the figures of the verdict, as with
 * StarkWare's verifier, which has no minimum.
 */
export const ANY_POLICY: Policy = {
  ...COMMITTEE_POLICY,
  layouts: [...LAYOUTS.keys()],
  channelHashes: ['keccak256', 'blake256', 'poseidon3'],
  bitsMin: 0,
  collisionBitsMin: 0,
  nQueriesMin: 0,
  nStepsMin: 0,
  nStepsMax: 2 ** 32 - 1,
  seeds: ['stone6', 'stone5'],
  friendlyLayersMax: 2 ** 16 - 1,
};

const names = array(text(LIMITS.name), 32);

/** Canonical form of a policy, for committee parameters, machine declarations and jobs. */
export const policyShape: Shape<Policy> = record({
  layouts: names,
  channelHashes: names,
  commitmentHashes: names,
  bitsMin: u16,
  collisionBitsMin: u16,
  nQueriesMin: u16,
  nStepsMin: u32,
  nStepsMax: u32,
  proofBytesMax: u32,
  seeds: names,
  friendlyLayersMax: u16,
});

/** Bits of a proof with these parameters against the best known attack; `strengthOf` has the others. */
export function securityBits(parameters: ProofParameters): number {
  const { nQueries, logNCosets, powBits } = parameters;
  return nQueries * logNCosets + Math.min(powBits, POW_BITS_COUNTED);
}

/** Bits of collision resistance of a commitment hash by its Stone name. */
export function collisionBits(commitmentHash: string): number {
  const mask = /_masked(\d+)_[lm]sb$/.exec(commitmentHash);
  return mask === null ? 128 : Number(mask[1]) / 2;
}

const isSeed = (name: string): name is SeedVersion => name === 'stone6' || name === 'stone5';

/** The seeds to try. @throws Rejected `policy_seed` for a list without any known one */
export function policySeeds({ seeds }: Policy): readonly SeedVersion[] {
  const known = seeds.filter(isSeed);
  demand(known.length > 0, 'policy_seed', 'stone6 stone5', seeds.join(' '));
  return known;
}

/** @throws Rejected with one of the `policy_…` codes. */
export function demandPolicy(proof: Proof, policy: Policy): void {
  const { parameters, publicInput, proofBytes } = proof;
  const { channelHash, commitmentHash, nQueries } = parameters;
  const { layout, nSteps } = publicInput;
  const size = proofBytes.length;
  const listed = (list: readonly string[]): string => list.join(' ');
  demand(size <= policy.proofBytesMax, 'policy_size', `≤ ${policy.proofBytesMax} bytes`, size);
  demand(policy.layouts.includes(layout), 'policy_layout', listed(policy.layouts), layout);
  const { channelHashes, commitmentHashes } = policy;
  demand(channelHashes.includes(channelHash), 'policy_hash', listed(channelHashes), channelHash);
  demand(
    commitmentHashes.includes(commitmentHash),
    'policy_hash',
    listed(commitmentHashes),
    commitmentHash,
  );
  const { nVerifierFriendlyLayers: layers } = parameters;
  const { friendlyLayersMax: layersMax } = policy;
  const friendly = `≤ ${layersMax} verifier-friendly layers`;
  demand(layers <= layersMax, 'policy_friendly', friendly, layers);
  policySeeds(policy);
  const collision = collisionBits(commitmentHash);
  const { collisionBitsMin, bitsMin, nQueriesMin, nStepsMin, nStepsMax } = policy;
  demand(collision >= collisionBitsMin, 'policy_collision', `≥ ${collisionBitsMin}`, collision);
  const bits = securityBits(parameters);
  demand(bits >= bitsMin, 'policy_bits', `≥ ${bitsMin} bits`, bits);
  demand(nQueries >= nQueriesMin, 'policy_queries', `≥ ${nQueriesMin} queries`, nQueries);
  const steps = `${nStepsMin}..${nStepsMax} steps`;
  demand(nSteps >= nStepsMin && nSteps <= nStepsMax, 'policy_steps', steps, nSteps);
}
