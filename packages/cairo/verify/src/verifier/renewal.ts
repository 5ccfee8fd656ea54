// The job of a renewal: its proofs, what they must be about, and the cheap checks of both.
import { attemptTyped, demand, felt, type Proof, type ProofSize, Rejected } from '@fatty/cairo-air';
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
import { ENVELOPE_BYTES_MAX } from '../proof/envelope.ts';
import { type OpenedProof, openProof } from '../proof/opened.ts';
import { demandPolicy, type Policy, policyShape } from '../statement/policy.ts';
import {
  EXTRA_CELLS_MAX,
  type LeaseStatement,
  readLease,
  type Statement,
} from '../statement/statement.ts';
import { demandBinding, demandProgram } from './check.ts';

/** Proofs that one renewal may carry. */
export const RENEWAL_PROOFS_MAX = 8;

/** What the proofs of a renewal are held to. `undefined` means that any value will do. */
export interface RenewalTerms {
  readonly policy: Policy;
  readonly programId: Digest | undefined;
  /** The binding cell every proof must carry; see `bindingCell`. */
  readonly binding: bigint | undefined;
  /** Cells the machine declared beyond the six, 0 to 32. */
  readonly extra: number;
}

/**
 * Everything a renewal's verdict depends on: canonical bytes of this are what `validate()` hands to
 * a Verifier, and they are their own cache key.
 */
export interface RenewalJob extends RenewalTerms {
  /** Envelopes of consecutive proofs, 1 to {@link RENEWAL_PROOFS_MAX}, oldest first. */
  readonly proofs: readonly Uint8Array[];
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

/** {@link checkProofs} of the envelopes of a job. Never throws. */
export function checkRenewal(job: RenewalJob): Outcome<Renewal> {
  return checkProofs(job.proofs.map(openProof), job);
}

/**
 * All checks of a renewal but the STARKs: form, counts, policy, statement, program, binding, chain.
 * Cheap enough for `validate()` and `apply()` themselves. Never throws.
 */
export function checkProofs(
  proofs: readonly Outcome<OpenedProof>[],
  terms: RenewalTerms,
): Outcome<Renewal> {
  return attemptTyped(() => {
    const { extra } = terms;
    demand(proofs.length > 0, 'bad_counts', 'at least one proof', 'none');
    demand(extra <= EXTRA_CELLS_MAX, 'bad_counts', `≤ ${EXTRA_CELLS_MAX} extra cells`, extra);
    const checked = proofs.map((opened) => checkOne(terms, opened));
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
      policy: terms.policy,
    };
  });
}

/** @throws Rejected with the failure's code */
function must<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw Rejected.of(outcome.failure);
}

interface CheckedOne {
  readonly proof: Proof;
  readonly size: ProofSize;
  readonly statement: Statement;
  readonly lease: LeaseStatement;
}

function checkOne(terms: RenewalTerms, opened: Outcome<OpenedProof>): CheckedOne {
  const { proof, size, statement: stated } = must(opened);
  demandPolicy(proof, terms.policy);
  const statement = must(stated);
  demandProgram(statement, terms.programId);
  const lease = readLease(statement, terms.extra);
  demandBinding(lease.binding, terms.binding);
  return { proof, size, statement, lease };
}

function demandChain(last: CheckedOne, next: CheckedOne): void {
  demandProgram(next.statement, last.statement.programId);
  const { tTo, sTo } = last.lease;
  const { tFrom, sFrom } = next.lease;
  demand(tFrom === tTo, 'broken_chain', `tFrom ${tTo}`, `${tFrom}`);
  demand(sFrom === sTo, 'broken_chain', `sFrom 0x${sTo.toString(16)}`, `0x${sFrom.toString(16)}`);
}
