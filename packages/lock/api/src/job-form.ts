// The form that the declaration of a job must have.
import { ACCEPT, utf8 } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';
import type { CellParams } from '@fatty/protocol';
import { all, checkBits, checkCells, checkPath, within } from './form-rules.ts';
import { JOB_GIVE_UP_MAX, JOB_MS_MAX, JOB_NAME_BYTES_MAX } from './jobs.ts';
import type { Op } from './ops.ts';
import { baseName } from './path.ts';

/** Codes `bad_path`, `reserved_path`, `bad_period`, `bad_policy`, `bad_outputs`, `bad_inbox`, `bad_job`. */
export function checkDeclareJob(
  op: Extract<Op, { kind: 'declareJob' }>,
  { periodMsMin, periodMsMax }: CellParams,
): Verdict {
  const { inputs, window, steps, span } = op;
  const proofs = span > 0n ? Number((steps + span - 1n) / span) : 0;
  return all(
    checkPath(op.path),
    ...inputs.map((input) => (input.kind === 'value' ? ACCEPT : checkPath(input.path))),
    op.fence === undefined ? ACCEPT : checkPath(op.fence.path),
    within('bad_job', utf8(baseName(op.path)).length, 1, JOB_NAME_BYTES_MAX, 'bytes of a name'),
    checkCells(op.outputs, window),
    checkBits(op.policy),
    within('bad_job', proofs, 1, Number.MAX_SAFE_INTEGER, 'proofs'),
    within('bad_job', inputs.length, 0, window * proofs, 'inputs in the windows of its proofs'),
    within('bad_period', op.leaseMs, periodMsMin, periodMsMax, 'ms'),
    within('bad_job', op.deadlineMs, op.leaseMs, JOB_MS_MAX, 'ms to the deadline'),
    within('bad_job', op.retainMs, 0, JOB_MS_MAX, 'ms of retention'),
    within('bad_job', op.giveUpAfter, 1, JOB_GIVE_UP_MAX, 'workers'),
  );
}
