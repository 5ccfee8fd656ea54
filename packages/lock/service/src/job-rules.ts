// Who may declare and who may claim a job, and what others take from it.
import {
  type ErrorResult,
  equalPositions,
  errorResult,
  type Fence,
  showPosition,
} from '@fatty/api';
import { toHex } from '@fatty/codec';
import { isFor, readyOf } from './job-queue.ts';
import type { Job } from './job-state.ts';
import type { Session } from './sessions.ts';

/** Of a lease that begins or begins again now, lease clock, ms. */
export function leaseEnd({ leaseMs, deadline }: Job, now: number): number {
  return Math.min(now + leaseMs, deadline);
}

/** What other jobs take from one that is done: its state, or an output. */
export function resultOf({ progress }: Job, output: number | undefined): bigint {
  return output === undefined ? progress.s : (progress.outputs[output] ?? 0n);
}

/** Code `lock_mismatch`. */
export function refuseFence(session: Session, fence: Fence | undefined): ErrorResult | undefined {
  if (fence === undefined) return undefined;
  const own = session.claims.get(fence.path);
  const holds = own?.held === true && own.mode === 'exclusive';
  if (holds && equalPositions(fence.lockGen, own.position)) return undefined;
  const actual = holds ? showPosition(own.position) : 'no exclusive hold';
  return errorResult('lock_mismatch', `a hold of ${showPosition(fence.lockGen)}`, actual);
}

/** Codes `job_ended`, `job_claimed`, `job_waits`, `not_worker`, `no_job`. `worker`: hex key. */
export function refuseClaim(
  { path, job }: { readonly path: string; readonly job: Job },
  worker: string,
  now: number,
): ErrorResult | undefined {
  const { end, claim, queuedAt } = job;
  if (end !== undefined) return errorResult('job_ended', 'a ready job', end.how);
  if (claim !== undefined) {
    const waitMs = Math.max(0, claim.leaseExpiry - now);
    return errorResult('job_claimed', 'a ready job', `claimed by ${toHex(claim.worker)}`, waitMs);
  }
  if (queuedAt === undefined) return errorResult('job_waits', 'a ready job', 'its inputs are due');
  const ready = readyOf(path, job);
  if (isFor(worker, ready, now)) return undefined;
  if (ready.workers?.has(worker) === false) {
    return errorResult('not_worker', 'a worker of the job', 'another client');
  }
  const waitMs = (ready.barred.get(worker) ?? now) - now;
  return errorResult('no_job', 'a job that this worker has not failed', 'just failed', waitMs);
}
