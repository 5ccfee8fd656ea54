// Jobs: work that a fleet of Cairo machines claims, proves and completes.
import {
  array,
  bool,
  bytes,
  choice,
  decode,
  digest,
  optional,
  publicKey,
  record,
  type Shape,
  text,
  u8,
  u32,
  u53,
  u64,
  union,
} from '@fatty/codec';
import type { Digest, Outcome, Position, PublicKey } from '@fatty/interface';
import type { ErrorCode } from './errors.ts';
import { feltShape } from './felt.ts';
import { positionShape } from './ids.ts';
import { type MachinePolicy, machinePolicyShape } from './machine-policy.ts';
import { pathShape } from './path.ts';
import { errorCodeShape } from './standing.ts';

/** An input of a job. */
export type JobInput =
  | { readonly kind: 'value'; readonly value: bigint }
  /**
   * What another job, which was declared before, ends with: its output cell of this number, or
   * (undefined) its state.
   */
  | { readonly kind: 'result'; readonly path: string; readonly output: number | undefined };

/** What a job asks for, and of whom. Times in ms on the lease clock. */
export interface JobTerms {
  readonly programId: Digest;
  readonly policy: MachinePolicy;
  /** The program starts from (0, s); s may be a value or the hash of one that it opens. */
  readonly s: bigint;
  /** The job is done when the state clock stands there. */
  readonly steps: bigint;
  /**
   * Every proof advances by so many steps, the last one by what is left: so what a job comes to
   * does not depend on who did which part of it.
   */
  readonly span: bigint;
  readonly inputs: readonly JobInput[];
  /** Inputs that one proof takes in, in cells behind `in`, while there are any; 0: none. */
  readonly window: number;
  /** Output cells at the end of the statement. */
  readonly outputs: number;
  /** A claim ends that long after it was made, or after the last proof that advanced the job. */
  readonly leaseMs: number;
  /** From the declaration on. */
  readonly deadlineMs: number;
  /** The job is given up when so many different workers have failed it. */
  readonly giveUpAfter: number;
  /** Higher ones first. */
  readonly priority: number;
  /** Who may claim it; empty: anybody. */
  readonly workers: readonly PublicKey[];
  /** Whether the job's file keeps the proofs, and not their digests alone. */
  readonly keepProofs: boolean;
  /** An ended job is removed after that long; 0: when somebody removes it. */
  readonly retainMs: number;
}

/** An exclusive lock that the session of the op must hold, in this generation. */
export interface Fence {
  readonly path: string;
  readonly lockGen: Position;
}

/** How a job can end. */
export type JobEndKind = 'done' | 'given_up' | 'expired' | 'cancelled' | 'input_lost';
/** Where a job stands. `waiting`: for its inputs. `ready`: to be claimed. */
export type JobStatus = 'waiting' | 'ready' | 'claimed' | JobEndKind;

/** Who works on a job, until when (lease clock, ms). */
export interface JobClaim {
  readonly worker: PublicKey;
  /** Position of the claim: every proof of it names it. */
  readonly nonce: Position;
  readonly leaseExpiry: number;
}

/** Most inputs of a job. */
export const JOB_INPUTS_MAX = 64;
/** Longest name of a job, bytes of UTF-8. */
export const JOB_NAME_BYTES_MAX = 64;
/** Most workers that a job names. */
export const JOB_WORKERS_MAX = 32;
/** Most workers that may fail a job before it is given up. */
export const JOB_GIVE_UP_MAX = 16;
/** The longest time to a deadline, and the longest retention: 30 days, ms. */
export const JOB_MS_MAX: number = 30 * 24 * 3_600_000;

/** Canonical bytes of an input. */
export const jobInputShape: Shape<JobInput> = union<JobInput>({
  value: [1, record({ value: feltShape })],
  result: [2, record({ path: pathShape, output: optional(u8) })],
});

/** Canonical bytes of a fence. */
export const fenceShape: Shape<Fence> = record<Fence>({
  path: pathShape,
  lockGen: positionShape,
});

/** The fields of a job's terms, in order. */
export const jobTerms: { readonly [K in keyof JobTerms]-?: Shape<JobTerms[K]> } = {
  programId: digest,
  policy: machinePolicyShape,
  s: feltShape,
  steps: u64,
  span: u64,
  inputs: array(jobInputShape, JOB_INPUTS_MAX),
  window: u8,
  outputs: u8,
  leaseMs: u32,
  deadlineMs: u32,
  giveUpAfter: u8,
  priority: u8,
  workers: array(publicKey, JOB_WORKERS_MAX),
  keepProofs: bool,
  retainMs: u32,
};

/** Canonical bytes of an end of a job. */
export const jobEndKindShape: Shape<JobEndKind> = choice(
  'done',
  'given_up',
  'expired',
  'cancelled',
  'input_lost',
);

/** Canonical bytes of a job's status. */
export const jobStatusShape: Shape<JobStatus> = choice(
  'waiting',
  'ready',
  'claimed',
  'done',
  'given_up',
  'expired',
  'cancelled',
  'input_lost',
);

/** Canonical bytes of a claim. */
export const jobClaimShape: Shape<JobClaim> = record<JobClaim>({
  worker: publicKey,
  nonce: positionShape,
  leaseExpiry: u53,
});

/** What the proofs so far have made of a job. */
export interface JobProgress {
  readonly t: bigint;
  readonly s: bigint;
  /** Hash chain of the inputs taken in. */
  readonly in: bigint;
  readonly taken: number;
  /** Output cells of the last statement; empty before the first. */
  readonly outputs: readonly bigint[];
}

/** A job as an answer shows it. */
export interface JobAnswer extends Omit<JobTerms, 'outputs'> {
  readonly owner: PublicKey;
  readonly status: JobStatus;
  readonly outputCount: number;
  /** ms on the lease clock. */
  readonly deadline: number;
  /** The inputs as numbers, once all are there. */
  readonly values: readonly bigint[];
  readonly progress: JobProgress;
  readonly claim: JobClaim | undefined;
  /** Workers that have failed it, each once. */
  readonly failedBy: readonly PublicKey[];
  /** How often it was claimed. */
  readonly claims: number;
  /** Proofs of its claimants that were refused, and why the last one was. */
  readonly refused: number;
  readonly refusal: ErrorCode | undefined;
  /** Proofs accepted so far, and the hash chain of their digests. */
  readonly proofs: number;
  readonly proofsDigest: Digest;
  /** ms on the lease clock; 0: not yet. */
  readonly endedAt: number;
}

/** A job in the listing of its queue. */
export interface JobEntry {
  readonly name: string;
  readonly status: JobStatus;
  readonly worker: PublicKey | undefined;
  readonly priority: number;
  readonly t: bigint;
  readonly steps: bigint;
  readonly claims: number;
  readonly refused: number;
}

const { outputs: outputCount, ...restOfTerms } = jobTerms;
const OUTPUT_CELLS_MAX = 30;

/** The fields of a job's progress, in order. */
export const jobProgressShape: Shape<JobProgress> = record<JobProgress>({
  t: u64,
  s: feltShape,
  in: feltShape,
  taken: u8,
  outputs: array(feltShape, OUTPUT_CELLS_MAX),
});

/** Canonical bytes of a job as an answer shows it. */
export const jobAnswerShape: Shape<JobAnswer> = record<JobAnswer>({
  ...restOfTerms,
  owner: publicKey,
  status: jobStatusShape,
  outputCount,
  deadline: u53,
  values: array(feltShape, JOB_INPUTS_MAX),
  progress: jobProgressShape,
  claim: optional(jobClaimShape),
  failedBy: array(publicKey, JOB_GIVE_UP_MAX),
  claims: u32,
  refused: u32,
  refusal: optional(errorCodeShape),
  proofs: u32,
  proofsDigest: digest,
  endedAt: u53,
});

/** Canonical bytes of a job in a listing. */
export const jobEntryShape: Shape<JobEntry> = record<JobEntry>({
  name: text(JOB_NAME_BYTES_MAX),
  status: jobStatusShape,
  worker: optional(publicKey),
  priority: u8,
  t: u64,
  steps: u64,
  claims: u32,
  refused: u32,
});

/** A proof that a job has taken. `envelope` is missing where the file had no room for it. */
export interface KeptProof {
  readonly digest: Digest;
  readonly envelope: Uint8Array | undefined;
}

/**
 * The proofs of one op: bound to the cell, the job's path, this worker and its claim
 * (`bindingCell`).
 */
export interface JobPiece {
  readonly worker: PublicKey;
  readonly nonce: Position;
  readonly proofs: readonly KeptProof[];
}

const PIECES_MAX = 4096;
const PIECE_PROOFS_MAX = 8;
/** Decoding bound; a file is smaller. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

/** Canonical bytes of a job's file. */
export const jobPiecesShape: Shape<readonly JobPiece[]> = array(
  record<JobPiece>({
    worker: publicKey,
    nonce: positionShape,
    proofs: array(
      record<KeptProof>({ digest, envelope: optional(bytes(KEPT_BYTES_MAX)) }),
      PIECE_PROOFS_MAX,
    ),
  }),
  PIECES_MAX,
);

/** Reads the file of a job: what its result rests on. Codes of `decode`. */
export function decodeJobPieces(content: Uint8Array): Outcome<readonly JobPiece[]> {
  return content.length === 0
    ? { ok: true, value: [] }
    : decode(jobPiecesShape, content, KEPT_BYTES_MAX);
}
