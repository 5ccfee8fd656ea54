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
import type { CellId, PublicKey, Validation, Verdict } from '@fatty/interface';
import type { Machine } from './machine-state.ts';
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

/**
 * What the op's proofs state, read under the machine's own policy and program. Codes:
 * `below_policy`, `wrong_program`, `bad_proof`. Whether the proofs are true was settled in
 * `validate()`.
 */
export function readLeases(
  op: ProvenOp,
  machine: Machine,
): readonly LeaseStatement[] | ErrorResult {
  const checked = checkProofs(op.read, {
    policy: policyOf(machine.policy),
    programId: machine.programId,
    binding: undefined,
    extra: cellCount(machine.inbox?.terms.window ?? 0, machine.outputCount),
  });
  if (checked.ok) return checked.value.leases;
  const { code, expected, actual } = checked.failure;
  if (code.startsWith('policy_')) return errorResult('below_policy', expected, actual);
  if (code === 'wrong_program') return errorResult('wrong_program', expected, actual);
  return errorResult('bad_proof', expected, `${code}: ${actual}`);
}
