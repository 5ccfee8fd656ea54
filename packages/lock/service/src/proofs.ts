// What `validate` and `apply` ask of proofs.
import { cellCount, type ErrorResult, errorResult, type MachinePolicy } from '@fatty/api';
import {
  bindingCell,
  COMMITTEE_POLICY,
  checkProofs,
  encodeJob,
  type LeaseStatement,
  type Policy,
  type RenewalTerms,
} from '@fatty/cairo-verify';
import { ACCEPT, reject } from '@fatty/codec';
import type { CellId, Digest, PublicKey, Validation, Verdict } from '@fatty/interface';
import type { ProvenOp } from './open.ts';

/**
 * R11a, the part of `validate()` that is about proofs: form, committee policy, statements and their
 * binding cell from the op's own fields here; the STARKs by whoever answers the job. A pure
 * function
 * of its arguments: the machine itself is looked at in `apply()`.
 */
export function askAbout(op: ProvenOp, cellId: CellId, lessee: PublicKey): Validation {
  const { proofs, read, nonce, path, outputs, inbox } = op;
  const terms: RenewalTerms = {
    policy: COMMITTEE_POLICY,
    programId: undefined,
    binding: nonce === undefined ? undefined : bindingCell(cellId, path, lessee, nonce),
    extra: cellCount(inbox, outputs),
  };
  const checked = checkProofs(read, terms);
  if (!checked.ok) return { kind: 'reject', ...checked.failure };
  return { kind: 'ask', job: encodeJob({ proofs, ...terms }) };
}

/** Whether any proof could meet a declared policy. Code `bad_policy`. */
export function checkPolicy({ layout }: MachinePolicy): Verdict {
  const { layouts } = COMMITTEE_POLICY;
  return layouts.includes(layout) ? ACCEPT : reject('bad_policy', layouts.join(' '), layout);
}

function policyOf({ layout, bitsMin, collisionBitsMin }: MachinePolicy): Policy {
  const layouts = COMMITTEE_POLICY.layouts.filter((one) => one === layout);
  return { ...COMMITTEE_POLICY, layouts, bitsMin, collisionBitsMin };
}

/** What a machine or a job demands of its proofs. */
export interface ProofDemands {
  readonly policy: MachinePolicy;
  readonly programId: Digest;
  /** Entries or inputs that a statement shows behind `in`; 0: not even that. */
  readonly window: number;
  readonly outputCount: number;
}

/**
 * Whether a first statement starts where the state stands. Codes `stale_t`, `wrong_t`, `wrong_s`.
 */
export function refuseStart(
  { tFrom, sFrom }: LeaseStatement,
  { t, s }: { readonly t: bigint; readonly s: bigint },
): ErrorResult | undefined {
  if (tFrom !== t) {
    return errorResult(tFrom < t ? 'stale_t' : 'wrong_t', `tFrom ${t}`, String(tFrom));
  }
  if (sFrom === s) return undefined;
  return errorResult('wrong_s', `sFrom 0x${s.toString(16)}`, `0x${sFrom.toString(16)}`);
}

/**
 * What the op's proofs state, read under the machine's or job's own policy and program. Codes:
 * `below_policy`, `wrong_program`, `bad_proof`. Whether the proofs are true was settled in
 * `validate()`.
 */
export function readLeases(
  op: ProvenOp,
  { policy, programId, window, outputCount }: ProofDemands,
): readonly LeaseStatement[] | ErrorResult {
  const checked = checkProofs(op.read, {
    policy: policyOf(policy),
    programId,
    binding: undefined,
    extra: cellCount(window, outputCount),
  });
  if (checked.ok) return checked.value.leases;
  const { code, expected, actual } = checked.failure;
  if (code.startsWith('policy_')) return errorResult('below_policy', expected, actual);
  if (code === 'wrong_program') return errorResult('wrong_program', expected, actual);
  return errorResult('bad_proof', expected, `${code}: ${actual}`);
}
