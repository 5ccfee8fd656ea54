// The state of a job, and its bytes.
import {
  type ErrorCode,
  errorCodeShape,
  feltShape,
  INBOX_START,
  JOB_GIVE_UP_MAX,
  JOB_INPUTS_MAX,
  type JobAnswer,
  type JobClaim,
  type JobEndKind,
  type JobEntry,
  type JobProgress,
  type JobStatus,
  type JobTerms,
  jobClaimShape,
  jobEndKindShape,
  jobProgressShape,
  jobTerms,
  pathShape,
  positionShape,
} from '@fatty/api';
import {
  array,
  digest,
  hash,
  optional,
  publicKey,
  record,
  type Shape,
  u32,
  u53,
} from '@fatty/codec';
import type { Digest, Position, PublicKey } from '@fatty/interface';

/** A worker that has failed a job, and until when (lease clock, ms) it does not get it again. */
export interface Failing {
  readonly worker: PublicKey;
  readonly until: number;
}

/** How and when (lease clock, ms) a job ended. */
export interface JobEnd {
  readonly how: JobEndKind;
  readonly at: number;
}

/** A job of the queue that is the directory above it. A value: every event makes a new one. */
export interface Job extends JobTerms {
  readonly kind: 'job';
  /** Who holds this lock alone may cancel the job. */
  readonly fencePath: string | undefined;
  /** ms on the lease clock. */
  readonly deadline: number;
  /** The inputs as numbers, once all are there. */
  readonly values: readonly bigint[];
  readonly progress: JobProgress;
  /** Place in the queue, while ready. */
  readonly queuedAt: Position | undefined;
  readonly claim: JobClaim | undefined;
  readonly failedBy: readonly Failing[];
  readonly claims: number;
  readonly refused: number;
  readonly refusal: ErrorCode | undefined;
  readonly proofs: number;
  readonly proofsDigest: Digest;
  readonly end: JobEnd | undefined;
}

/** Canonical bytes of a job. */
export const jobShape: Shape<Omit<Job, 'kind'>> = record<Omit<Job, 'kind'>>({
  ...jobTerms,
  fencePath: optional(pathShape),
  deadline: u53,
  values: array(feltShape, JOB_INPUTS_MAX),
  progress: jobProgressShape,
  queuedAt: optional(positionShape),
  claim: optional(jobClaimShape),
  failedBy: array(record<Failing>({ worker: publicKey, until: u53 }), JOB_GIVE_UP_MAX),
  claims: u32,
  refused: u32,
  refusal: optional(errorCodeShape),
  proofs: u32,
  proofsDigest: digest,
  end: optional(record<JobEnd>({ how: jobEndKindShape, at: u53 })),
});

/** `proofsDigest` of a job that has taken no proof. */
const NO_PROOFS: Digest = hash('job-proofs');

/** A job as it was declared, at `now` on the lease clock. It waits until it is settled. */
export function newJob(terms: JobTerms, fencePath: string | undefined, now: number): Job {
  const progress = { t: 0n, s: terms.s, in: INBOX_START, taken: 0, outputs: [] };
  return {
    ...terms,
    kind: 'job',
    fencePath,
    deadline: now + terms.deadlineMs,
    values: [],
    progress,
    queuedAt: undefined,
    claim: undefined,
    failedBy: [],
    claims: 0,
    refused: 0,
    refusal: undefined,
    proofs: 0,
    proofsDigest: NO_PROOFS,
    end: undefined,
  };
}

/** Where a job stands. */
export function statusOf({ end, claim, queuedAt }: Job): JobStatus {
  if (end !== undefined) return end.how;
  if (claim !== undefined) return 'claimed';
  return queuedAt === undefined ? 'waiting' : 'ready';
}

/** Whether all is done that the job asks for. */
export function isComplete({ progress, steps }: Job): boolean {
  return progress.t === steps;
}

/** `proofsDigest` after one more proof. */
export function chainProof(before: Digest, envelopeDigest: Digest): Digest {
  return hash('job-proofs', before, envelopeDigest);
}

/** A job as an answer shows it. */
export function showJob(job: Job, owner: PublicKey): JobAnswer {
  const { outputs, failedBy, end } = job;
  return {
    ...job,
    owner,
    status: statusOf(job),
    outputCount: outputs,
    failedBy: failedBy.map(({ worker }) => worker),
    endedAt: end?.at ?? 0,
  };
}

/** A job in the listing of its queue. */
export function showEntry(name: string, job: Job): JobEntry {
  const { priority, progress, steps, claims, refused, claim } = job;
  return {
    name,
    status: statusOf(job),
    worker: claim?.worker,
    priority,
    t: progress.t,
    steps,
    claims,
    refused,
  };
}
