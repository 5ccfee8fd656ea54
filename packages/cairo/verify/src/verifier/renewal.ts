// The job of a renewal: its proofs, what they must be about, and the cheap checks of both.
import {
  attemptTyped,
  demand,
  felt,
  type Proof,
  type ProofSize,
  Rejected,
  readSizes,
} from '@fatty/cairo-air';
import {
  array,
  bytes,
  decode,
  digest,
  encode,
  optional,
  record,
  type Shape,
  u16,
} from '@fatty/codec';
import type { Digest, Outcome } from '@fatty/interface';
import { decodeProof, ENVELOPE_BYTES_MAX } from '../proof/envelope.ts';
import { demandPolicy, type Policy, policyShape } from '../statement/policy.ts';
import {
  EXTRA_CELLS_MAX,
  type LeaseStatement,
  readLease,
  readStatement,
  type Statement,
} from '../statement/statement.ts';
import { demandBinding, demandProgram } from './check.ts';

/** Proofs that one renewal may carry. */
export const RENEWAL_PROOFS_MAX = 8;

/**
 * Everything a renewal's verdict depends on: canonical bytes of this are what `validate()` hands to
 * a Verifier, and they are their own cache key. `undefined` means that any value will do.
 */
export interface RenewalJob {
  /** Envelopes of consecutive proofs, 1 to {@link RENEWAL_PROOFS_MAX}, oldest first. */
  readonly proofs: readonly Uint8Array[];
  readonly policy: Policy;
  readonly programId: Digest | undefined;
  /** The binding cell every proof must carry; see `bindingCell`. */
  readonly binding: bigint | undefined;
  /** Cells the machine declared beyond the six, 0 to 32. */
  readonly extra: number;
}

const jobShape: Shape<RenewalJob> = record({
  proofs: array(bytes(ENVELOPE_BYTES_MAX), RENEWAL_PROOFS_MAX),
  policy: policyShape,
  programId: optional(digest),
  binding: optional(felt),
  extra: u16,
});

const JOB_BYTES_MAX = RENEWAL_PROOFS_MAX * ENVELOPE_BYTES_MAX + 16 * 1024;

/** Canonical bytes of a job, which a verifier thread is sent. */
export function encodeJob(job: RenewalJob): Uint8Array {
  return encode(jobShape, job);
}

/** Codes of codec `decode`. Never throws. */
export function decodeJob(input: Uint8Array): Outcome<RenewalJob> {
  return decode(jobShape, input, JOB_BYTES_MAX);
}

/** A renewal whose form, policy and statements are right, whether or not its proofs are true. */
export interface Renewal {
  readonly programId: Digest;
  readonly statements: readonly Statement[];
  /** One per proof; each continues the one before. */
  readonly leases: readonly LeaseStatement[];
  readonly proofs: readonly { readonly proof: Proof; readonly size: ProofSize }[];
  /** The job's. */
  readonly policy: Policy;
}

/**
 * All checks of a job but the STARKs: form, counts, policy, statement, program, binding, chain.
 * Cheap enough for `validate()` and `apply()` themselves. Never throws.
 */
export function checkRenewal(job: RenewalJob): Outcome<Renewal> {
  return attemptTyped(() => {
    const { proofs, extra } = job;
    demand(proofs.length > 0, 'bad_counts', 'at least one proof', 'none');
    demand(extra <= EXTRA_CELLS_MAX, 'bad_counts', `≤ ${EXTRA_CELLS_MAX} extra cells`, extra);
    const checked = proofs.map((envelope) => checkOne(job, envelope));
    const [first] = checked;
    demand(first !== undefined, 'bad_counts', 'at least one proof', 'none');
    checked.forEach((next, i) => {
      if (i > 0) demandChain(checked[i - 1] ?? first, next);
    });
    return {
      programId: first.statement.programId,
      statements: checked.map((one) => one.statement),
      leases: checked.map((one) => one.lease),
      proofs: checked.map(({ proof, size }) => ({ proof, size })),
      policy: job.policy,
    };
  });
}

/** @throws Rejected with a code of codec `decode` */
function readEnvelope(envelope: Uint8Array): Proof {
  const decoded = decodeProof(envelope);
  if (decoded.ok) return decoded.value;
  throw Rejected.of(decoded.failure);
}

interface CheckedOne {
  readonly proof: Proof;
  readonly size: ProofSize;
  readonly statement: Statement;
  readonly lease: LeaseStatement;
}

function checkOne(job: RenewalJob, envelope: Uint8Array): CheckedOne {
  const proof = readEnvelope(envelope);
  const size = readSizes(proof);
  demandPolicy(proof, job.policy);
  const statement = readStatement(proof.publicInput);
  demandProgram(statement, job.programId);
  const lease = readLease(statement, job.extra);
  demandBinding(lease.binding, job.binding);
  return { proof, size, statement, lease };
}

function demandChain(last: CheckedOne, next: CheckedOne): void {
  demandProgram(next.statement, last.statement.programId);
  const { tTo, sTo } = last.lease;
  const { tFrom, sFrom } = next.lease;
  demand(tFrom === tTo, 'broken_chain', `tFrom ${tTo}`, `${tFrom}`);
  demand(sFrom === sTo, 'broken_chain', `sFrom 0x${sTo.toString(16)}`, `0x${sFrom.toString(16)}`);
}
