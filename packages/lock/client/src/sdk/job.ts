// Jobs and their queues: declared, claimed, proved, looked at.
import {
  type Answer,
  type Fence,
  type JobEntry,
  type JobInput,
  joinPath,
  type MachinePolicy,
  type Op,
  type Query,
  type Result,
  splitPath,
} from '@fatty/api';
import type { Digest, Position, PublicKey } from '@fatty/interface';
import { expectResult } from './answers.ts';
import { CALL, DECLARE_JOB } from './arguments.ts';
import { optionsOf } from './checks.ts';
import type { CallOptions } from './driver.ts';

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

const DEFAULT_POLICY: MachinePolicy = { layout: 'plain', bitsMin: 96, collisionBitsMin: 80 };
const LEASE_MS = 12_000;
const DEADLINE_MS = 3_600_000;
const PAGE = 256;

/** A job node by its path, or the queue that a directory is. */
export class Job {
  readonly path: string;
  readonly #client: JobClient;

  constructor(client: JobClient, path: string) {
    this.#client = client;
    this.path = path;
  }

  /** Makes the node. @throws FattyError `exists`, `queue_full`, `bad_job`, `lock_mismatch`… */
  async declare(options: DeclareJobOptions): Promise<Position> {
    const { signal, timeoutMs, ...terms } = optionsOf(DECLARE_JOB, options, ['programId']);
    const { s = 0n, steps = 1n, inputs = [], policy } = terms;
    const op: Op = {
      kind: 'declareJob',
      path: this.path,
      span: steps,
      window: 0,
      outputs: 0,
      leaseMs: LEASE_MS,
      deadlineMs: DEADLINE_MS,
      giveUpAfter: 3,
      priority: 0,
      workers: [],
      keepProofs: true,
      retainMs: 0,
      fence: undefined,
      ...terms,
      s,
      steps,
      inputs: inputs.map(inputOf),
      policy: { ...DEFAULT_POLICY, ...policy },
    };
    const [result] = await this.#client.submit([op], callOf({ signal, timeoutMs }), this.path);
    return expectResult(result, 'jobDeclared', this.path).position;
  }

  /**
   * Claims this job, or of the queue at this path the first that this client may have.
   * @throws FattyError `no_job`, `job_claimed`, `job_waits`, `too_many_claims`: later it may do;
   * `job_ended`, `not_worker`
   */
  async claim(options: CallOptions = {}): Promise<ClaimedJob> {
    const { path } = this;
    const op: Op = { kind: 'claimJob', path };
    const [result] = await this.#client.submit([op], optionsOf(CALL, options), path);
    const { name, nonce, leaseExpiry } = expectResult(result, 'jobClaimed', path);
    const own = splitPath(path);
    const isJob = own.ok && own.value.at(-1) === name && !(await this.#isQueue(options));
    return { path: isJob ? path : below(path, name), nonce, leaseExpiry };
  }

  /** A queue may be called like its job. */
  async #isQueue(options: CallOptions): Promise<boolean> {
    return this.stat(options).then(
      () => false,
      () => true,
    );
  }

  /**
   * Advances a claimed job by one or more consecutive proofs.
   * @throws FattyError `not_claimant`, `job_ended`, `wrong_nonce`, `stale_t`, `wrong_s`… or the
   * verifier's own code (`outcome: 'not_applied'`)
   */
  async prove(proofs: readonly Uint8Array[], options: JobProofOptions): Promise<JobProved> {
    const { nonce, outputs, window, ...terms } = options;
    const { path } = this;
    const op: Op = { kind: 'proveJob', path, nonce, outputs, inbox: window, proofs };
    const [result] = await this.#client.submit([op], optionsOf(CALL, terms), path);
    return expectResult(result, 'jobProved', path);
  }

  /** Gives a claim back, undone. Answers whether the job is given up now. */
  async fail(nonce: Position, options: CallOptions = {}): Promise<boolean> {
    const { path } = this;
    const op: Op = { kind: 'failJob', path, nonce };
    const [result] = await this.#client.submit([op], optionsOf(CALL, options), path);
    return expectResult(result, 'jobFailed', path).ended;
  }

  /** Ends the job. @throws FattyError `not_job_owner`, `job_ended` */
  async cancel(options: CallOptions = {}): Promise<void> {
    const { path } = this;
    const [result] = await this.#client.submit(
      [{ kind: 'cancelJob', path }],
      optionsOf(CALL, options),
      path,
    );
    expectResult(result, 'jobCancelled', path);
  }

  /** Terms, status, progress, claim, and what was refused. */
  async stat(options: CallOptions = {}): Promise<JobState> {
    const query = { kind: 'job', path: this.path } as const;
    return (await this.#client.reads.read(query, 'job', optionsOf(CALL, options))).value;
  }

  /** The jobs of the queue at this path, ended ones too, in the order of their names. */
  async *list(options: CallOptions = {}): AsyncGenerator<JobEntry, void, undefined> {
    let after: string | undefined;
    for (let more = true; more; ) {
      const query = { kind: 'jobs', path: this.path, after, limit: PAGE } as const;
      const { value } = await this.#client.reads.read(query, 'jobs', optionsOf(CALL, options));
      yield* value.entries;
      after = value.entries.at(-1)?.name;
      more = value.more;
    }
  }
}

function below(path: string, name: string): string {
  const names = splitPath(path);
  return joinPath([...(names.ok ? names.value : []), name]);
}

function inputOf(input: bigint | { readonly path: string; readonly output?: number }): JobInput {
  if (typeof input === 'bigint') return { kind: 'value', value: input };
  return { kind: 'result', path: input.path, output: input.output };
}

function callOf({ signal, timeoutMs }: { [K in keyof CallOptions]: CallOptions[K] | undefined }) {
  const options: CallOptions = {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  return options;
}
