// The verifier's face: bytes or a proof in, a verdict out.
import {
  attempt,
  attemptTyped,
  type Hashes,
  loadHashes,
  type Proof,
  readSizes,
} from '@fatty/cairo-air';
import { ACCEPT, reject } from '@fatty/codec';
import type { Digest, Failure, Verdict } from '@fatty/interface';
import { checkStark } from '../stark/stark.ts';
import type { Observer } from '../stark/transcript.ts';
import { runSegments } from '../statement/builtins.ts';
import { demandPolicy, type Policy, policySeeds } from '../statement/policy.ts';
import {
  type LeaseStatement,
  readLease,
  readStatement,
  type Statement,
} from '../statement/statement.ts';
import { type Strength, strengthOf } from '../statement/strength.ts';
import { demandBinding, demandProgram } from './check.ts';
import { checkRenewal, decodeJob } from './renewal.ts';

/** What else a proof must be about; whatever is left out may be anything. */
export interface VerifyOptions {
  readonly programId?: Digest;
  /** The statement must be a lease with exactly this many cells beyond the six. */
  readonly lease?: { readonly extra: number; readonly binding?: bigint };
  /** Sees the transcript, as far as it goes. */
  readonly observer?: Observer;
}

/** What is said of a proof and its statement; codes of `PROOF_CODES`. */
export type ProofVerdict =
  | ({
      readonly kind: 'accept';
      readonly statement: Statement;
      /** Present when `options.lease` was. */
      readonly lease: LeaseStatement | undefined;
    } & Strength)
  | ({ readonly kind: 'reject' } & Failure);

/** What is said of the STARK alone; codes of `PROOF_CODES`. */
export type RunVerdict =
  | ({ readonly kind: 'accept' } & Strength)
  | ({ readonly kind: 'reject' } & Failure);

/**
 * Verifies proofs. A verdict is a function of the bytes, the policy and the options alone: no
 * clock, no state, and never an exception.
 */
export interface CairoVerifier {
  /** Policy, statement and STARK, cheapest first; `options` say what else it must be about. */
  verifyProof(proof: Proof, policy: Policy, options?: VerifyOptions): ProofVerdict;
  /**
   * The STARK alone, as StarkWare's verifier checks it: *some* run has this public memory. Which
   * program ran, and whether the memory states anything, is left to the caller.
   */
  verifyRun(proof: Proof, policy: Policy, observer?: Observer): RunVerdict;
  /** Verdict of the canonical bytes of a `RenewalJob`. */
  runJob(job: Uint8Array): Verdict;
}

/** Compiles the hash kernels once. Everything after it is synchronous. */
export function createCairoVerifier(): Promise<CairoVerifier> {
  return loadHashes().then((hashes) => ({
    verifyProof: (proof, policy, options = {}) => verifyProof(hashes, proof, policy, options),
    verifyRun: (proof, policy, observer) => verifyRun(hashes, proof, policy, observer),
    runJob: (job) => runJob(hashes, job),
  }));
}

function verifyProof(
  hashes: Hashes,
  proof: Proof,
  policy: Policy,
  { programId, lease: wanted, observer }: VerifyOptions,
): ProofVerdict {
  const outcome = attempt(() => {
    const size = readSizes(proof);
    demandPolicy(proof, policy);
    const statement = readStatement(proof.publicInput);
    demandProgram(statement, programId);
    const lease = wanted === undefined ? undefined : readLease(statement, wanted.extra);
    if (lease !== undefined) demandBinding(lease.binding, wanted?.binding);
    checkStark(hashes, proof, size, policySeeds(policy), observer);
    const { parameters, publicInput } = proof;
    return { statement, lease, ...strengthOf(parameters, publicInput.nSteps) };
  });
  if (outcome.ok) return { kind: 'accept', ...outcome.value };
  return { kind: 'reject', ...outcome.failure };
}

function verifyRun(
  hashes: Hashes,
  proof: Proof,
  policy: Policy,
  observer: Observer | undefined,
): RunVerdict {
  const outcome = attempt(() => {
    const size = readSizes(proof);
    demandPolicy(proof, policy);
    runSegments(proof.publicInput);
    checkStark(hashes, proof, size, policySeeds(policy), observer);
    return strengthOf(proof.parameters, proof.publicInput.nSteps);
  });
  if (outcome.ok) return { kind: 'accept', ...outcome.value };
  return { kind: 'reject', ...outcome.failure };
}

function runJob(hashes: Hashes, bytes: Uint8Array): Verdict {
  const job = decodeJob(bytes);
  const renewal = job.ok ? checkRenewal(job.value) : job;
  const outcome = renewal.ok
    ? attemptTyped(() => {
        const seeds = policySeeds(renewal.value.policy);
        for (const { proof, size } of renewal.value.proofs) checkStark(hashes, proof, size, seeds);
      })
    : renewal;
  if (outcome.ok) return ACCEPT;
  const { code, expected, actual } = outcome.failure;
  return reject(code, expected, actual);
}
