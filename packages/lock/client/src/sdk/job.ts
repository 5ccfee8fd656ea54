// Jobs and their queues: declared, claimed, proved, looked at.
import type { Answer, Fence, JobEntry, MachinePolicy, Op, Query, Result } from '@fatty/api';
import type { Digest, Position, PublicKey } from '@fatty/interface';
import type { CallOptions } from './driver.ts';
import type { JobCalls } from './job-calls.ts';

/** A job, as f + 1 replicas answer it. */
export type JobState = Extract<Answer, { kind: 'job' }>;

/** What a job is declared with. */
export interface DeclareJobOptions extends CallOptions {
  /** SHA-256 over layout, builtins and program words, as `fatty proof inspect` prints it. */
  readonly programId: Digest;
  /** The state that the first proof starts from, at t = 0. Default 0. */
  readonly s?: bigint;
  /** Where the state clock stands when the job is done. Default 1. */
  readonly steps?: bigint;
  /** How far each proof goes. Default: all the steps. */
  readonly span?: bigint;
  /** Numbers, and results of jobs that were declared before: `{ path, output? }`. Default: none. */
  readonly inputs?: readonly (bigint | { readonly path: string; readonly output?: number })[];
  /** Inputs that one proof takes in, 1 to 31; default 0: a program without. */
  readonly window?: number;
  /** Cells at the end of the statement that the program shows, 0 to 30. Default 0. */
  readonly outputs?: number;
  readonly policy?: Partial<MachinePolicy>;
  /** A claim ends that long after it was made or last advanced the job, ms. Default 12,000. */
  readonly leaseMs?: number;
  /** Default an hour. */
  readonly deadlineMs?: number;
  /** Given up when so many different workers have failed it. Default 3. */
  readonly giveUpAfter?: number;
  /** 0 (default) to 255; higher ones first. */
  readonly priority?: number;
  /** Who may claim it. Default: anybody who may write to it. */
  readonly workers?: readonly PublicKey[];
  /** Whether the job's file keeps the proofs. Default true. */
  readonly keepProofs?: boolean;
  /** An ended job is removed after so many ms; default 0: never by itself. */
  readonly retainMs?: number;
  /** Only while this session holds that lock alone, in that generation. */
  readonly fence?: Fence;
}

/** A claim of a job. */
export interface ClaimedJob {
  /** Of the job, also when its queue was asked. */
  readonly path: string;
  /** What its proofs must name. */
  readonly nonce: Position;
  /** ms on the lease clock. */
  readonly leaseExpiry: number;
}

/** What proofs of a job are sent with: as the job declared. */
export interface JobProofOptions extends CallOptions {
  readonly nonce: Position;
  readonly outputs: number;
  readonly window: number;
}

/** What a proof answered: the state now stored. */
export type JobProved = Extract<Result, { kind: 'jobProved' }>;

/** What a job needs of its client. */
export interface JobClient {
  /** One batch; `path` is what an error is about. */
  submit(ops: readonly Op[], options: CallOptions, path: string): Promise<readonly Result[]>;
  readonly reads: {
    read<K extends Answer['kind']>(
      query: Query,
      kind: K,
      options: CallOptions,
    ): Promise<{ readonly value: Extract<Answer, { kind: K }> }>;
  };
}

/** A job node by its path, or the queue that a directory is. */
export class Job {
  readonly path: string;
  readonly #calls: () => Promise<JobCalls>;

  constructor(client: JobClient, path: string) {
    this.path = path;
    this.#calls = async () => new (await import('./job-calls.ts')).JobCalls(client, path);
  }

  /** Makes the node. @throws FattyError `exists`, `queue_full`, `bad_job`, `lock_mismatch`… */
  async declare(options: DeclareJobOptions): Promise<Position> {
    return (await this.#calls()).declare(options);
  }

  /**
   * Claims this job, or of the queue at this path the first that this client may have.
   * @throws FattyError `no_job`, `job_claimed`, `job_waits`, `too_many_claims`: later it may do;
   * `job_ended`, `not_worker`
   */
  async claim(options?: CallOptions): Promise<ClaimedJob> {
    return (await this.#calls()).claim(options);
  }

  /**
   * Advances a claimed job by one or more consecutive proofs.
   * @throws FattyError `not_claimant`, `job_ended`, `wrong_nonce`, `stale_t`, `wrong_s`… or the
   * verifier's own code (`outcome: 'not_applied'`)
   */
  async prove(proofs: readonly Uint8Array[], options: JobProofOptions): Promise<JobProved> {
    return (await this.#calls()).prove(proofs, options);
  }

  /** Gives a claim back, undone. Answers whether the job is given up now. */
  async fail(nonce: Position, options?: CallOptions): Promise<boolean> {
    return (await this.#calls()).fail(nonce, options);
  }

  /** Ends the job. @throws FattyError `not_job_owner`, `job_ended` */
  async cancel(options?: CallOptions): Promise<void> {
    await (await this.#calls()).cancel(options);
  }

  /** Terms, status, progress, claim, and what was refused. */
  async stat(options?: CallOptions): Promise<JobState> {
    return (await this.#calls()).stat(options);
  }

  /** The jobs of the queue at this path, ended ones too, in the order of their names. */
  async *list(options?: CallOptions): AsyncGenerator<JobEntry, void, undefined> {
    yield* (await this.#calls()).list(options);
  }
}
