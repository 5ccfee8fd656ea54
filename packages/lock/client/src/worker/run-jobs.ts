// Works on the jobs of a queue: claim, run, prove, complete, one after another.
import { bindingCell, encodeProof, idOfProgram } from '@fatty/cairo';
import { equalBytes } from '@fatty/codec';
import type { CellId, Position, PublicKey } from '@fatty/interface';
import { isWhole } from '../sdk/arguments.ts';
import type { CallOptions } from '../sdk/driver.ts';
import { clientError, type FattyError, isFattyError } from '../sdk/error.ts';
import type { ClaimedJob, JobProofOptions, JobProved, JobState } from '../sdk/job.ts';
import { systemClock } from './clock.ts';
import { type Intake, swallow } from './intake.ts';
import { proverPool } from './prover-pool.ts';
import { parametersFor, runSpan, type SpanRun } from './span.ts';
import { raise } from './span-prover.ts';
import type { CellValues, ParameterOptions, Prover, Runnable, WorkerClock } from './types.ts';

/** What a worker needs of a job; `Job` of the SDK. */
export interface WorkerJob {
  stat(options?: CallOptions): Promise<JobState>;
  claim(options?: CallOptions): Promise<ClaimedJob>;
  prove(proofs: readonly Uint8Array[], options: JobProofOptions): Promise<JobProved>;
  fail(nonce: Position, options?: CallOptions): Promise<boolean>;
}

/** What a worker needs of a client; `Client` of the SDK. */
export interface JobWorkerClient {
  readonly key: PublicKey;
  readonly cell: { readonly cellId: CellId };
  job(path: string): WorkerJob;
}

/** What a worker tells as it goes on. */
export type JobEvent =
  | { readonly kind: 'claimed'; readonly path: string; readonly nonce: Position }
  | {
      readonly kind: 'proved';
      readonly path: string;
      readonly t: bigint;
      readonly s: bigint;
      readonly done: boolean;
      readonly bytes: number;
      /** From the run to the receipt. */
      readonly tookMs: number;
    }
  /** The claim is not ours any more: late, or the job has ended. */
  | { readonly kind: 'lost'; readonly path: string; readonly error: FattyError }
  /** The claim was given back: the program is none of ours, or its run or proof failed. */
  | { readonly kind: 'failed'; readonly path: string; readonly error: FattyError };

/** How a worker works on jobs. */
export interface RunJobsOptions {
  /** A queue, or one job. */
  readonly path: string;
  /** All that jobs of the queue are about: a claim of another program is given back, failed. */
  readonly programs: readonly Runnable[];
  /** Output cells that are inputs too, for each job. */
  readonly inputs?: (job: JobState) => CellValues;
  /** Default: a pool of threads of its own. It is not closed here unless it was made here. */
  readonly prover?: Prover;
  readonly parameters?: ParameterOptions;
  /**
   * Jobs at the same time, 1 (default) to 4, as many as the cell lets one key claim: while one is
   * proved, others are claimed and handed in.
   */
  readonly atOnce?: number;
  /** Goes on when the queue has nothing to claim. Default true. */
  readonly wait?: boolean;
  /** How often an empty queue is looked at. Default 500. */
  readonly pollMs?: number;
  /** Ends the work; a claim is given back. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: JobEvent) => void;
  readonly clock?: WorkerClock;
}

/** What a worker has done. */
export interface JobsEnd {
  /** Paths of the jobs that it completed. */
  readonly done: readonly string[];
}

const POLL_MS = 500;
const AT_ONCE_MAX = 4;
/** Nothing to do now. */
const IDLE: readonly string[] = ['no_job', 'job_waits', 'job_claimed', 'too_many_claims'];
/** The claim is not ours any more. */
const LOST: readonly string[] = ['not_claimant', 'job_ended', 'wrong_nonce', 'not_found'];

/**
 * Claims jobs of a queue, `atOnce` at a time, runs their programs, proves the runs and completes them,
 * until `signal` is aborted, or (without `wait`) there is nothing to claim.
 * @throws FattyError `bad_argument`; refusals of the cell that another try would not mend
 */
export async function runJobs(client: JobWorkerClient, options: RunJobsOptions): Promise<JobsEnd> {
  const prover = options.prover ?? proverPool();
  try {
    return await new JobWork(client, options, prover).run();
  } finally {
    if (options.prover === undefined) await prover.close();
  }
}

/** Where a claimed job stands. */
interface Stand {
  readonly t: bigint;
  readonly s: bigint;
  readonly intake: Intake;
}

class JobWork {
  readonly #client: JobWorkerClient;
  readonly #options: RunJobsOptions;
  readonly #prover: Prover;
  readonly #clock: WorkerClock;
  readonly #signal: AbortSignal;
  /** What ends one lane ends all of them. */
  readonly #broken = new AbortController();
  readonly #done: string[] = [];

  constructor(client: JobWorkerClient, options: RunJobsOptions, prover: Prover) {
    this.#client = client;
    this.#options = options;
    this.#prover = prover;
    this.#clock = options.clock ?? systemClock;
    const { signal: broken } = this.#broken;
    this.#signal =
      options.signal === undefined ? broken : AbortSignal.any([options.signal, broken]);
  }

  async run(): Promise<JobsEnd> {
    const { atOnce = 1 } = this.#options;
    if (!isWhole(1, AT_ONCE_MAX)(atOnce)) {
      throw clientError('bad_argument', `atOnce: 1 to ${AT_ONCE_MAX}`, String(atOnce));
    }
    const all = Array.from({ length: atOnce }, () => this.#workOn());
    try {
      await Promise.all(all);
    } catch (error) {
      this.#broken.abort();
      await Promise.allSettled(all);
      throw error;
    }
    return { done: this.#done };
  }

  /** One job after another. */
  async #workOn(): Promise<void> {
    const { path, wait = true, pollMs = POLL_MS } = this.#options;
    while (!this.#signal.aborted) {
      const claim = await this.#claim(path);
      if (claim === 'over' || (claim === undefined && !wait)) break;
      if (claim === undefined) await this.#clock.sleep(pollMs, this.#signal);
      else await this.#work(claim);
    }
  }

  async #claim(path: string): Promise<ClaimedJob | 'over' | undefined> {
    try {
      return await this.#client.job(path).claim({ signal: this.#signal });
    } catch (error) {
      if (this.#signal.aborted) return 'over';
      if (!isFattyError(error)) throw error;
      if (IDLE.includes(error.code)) return undefined;
      if (error.code === 'job_ended') return 'over';
      throw error;
    }
  }

  async #work({ path, nonce }: ClaimedJob): Promise<void> {
    this.#options.onProgress?.({ kind: 'claimed', path, nonce });
    try {
      await this.#prove(path, nonce);
    } catch (error) {
      if (!isFattyError(error)) throw error;
      if (LOST.includes(error.code)) this.#options.onProgress?.({ kind: 'lost', path, error });
      else await this.#fail(path, nonce, error);
    }
  }

  async #fail(path: string, nonce: Position, error: FattyError): Promise<void> {
    this.#options.onProgress?.({ kind: 'failed', path, error });
    // A refused proof may have ended the claim already; else its lease ends it.
    await this.#client
      .job(path)
      .fail(nonce)
      .catch(() => undefined);
  }

  async #prove(path: string, nonce: Position): Promise<void> {
    const job = this.#client.job(path);
    const state = await job.stat({ signal: this.#signal });
    const program = this.#programOf(state);
    const { progress, values, window, outputCount: outputs } = state;
    const entries = values.slice(progress.taken);
    let at: Stand = { t: progress.t, s: progress.s, intake: { window, in: progress.in, entries } };
    for (let done = false; !done; ) {
      const startMs = this.#clock.nowMs();
      const { made, left } = this.#run(program, { path, nonce, state, at });
      const proof = await this.#proveOne(made, state);
      const proved = await job.prove([proof], { nonce, outputs, window, signal: this.#signal });
      ({ done } = proved);
      at = { t: proved.t, s: proved.s, intake: left };
      const tookMs = this.#clock.nowMs() - startMs;
      const { t, s } = proved;
      this.#options.onProgress?.({ kind: 'proved', path, t, s, done, bytes: proof.length, tookMs });
    }
    this.#done.push(path);
  }

  /** @throws FattyError `wrong_program` */
  #programOf({ policy, programId }: JobState): Runnable {
    const found = this.#options.programs.find((one) =>
      equalBytes(idOfProgram(one, policy.layout), programId),
    );
    if (found !== undefined) return found;
    return raise({
      code: 'wrong_program',
      expected: 'a program of this worker',
      actual: 'another',
    });
  }

  #run(
    program: Runnable,
    work: {
      readonly path: string;
      readonly nonce: Position;
      readonly state: JobState;
      readonly at: Stand;
    },
  ): { readonly made: SpanRun; readonly left: Intake } {
    const { path, nonce, state, at } = work;
    const { cell, key } = this.#client;
    const steps = state.steps - at.t;
    const n = Number(steps < state.span ? steps : state.span);
    const next = swallow(at.intake);
    const made = runSpan(
      program,
      { t: at.t, s: at.s, n, entries: next.entries },
      {
        binding: bindingCell(cell.cellId, path, key, nonce),
        inbox: next.cells,
        more: this.#options.inputs?.(state) ?? {},
        outputs: state.outputCount,
      },
    );
    return made.ok ? { made: made.value, left: next.left } : raise(made.failure);
  }

  async #proveOne({ run }: SpanRun, { policy }: JobState): Promise<Uint8Array> {
    const { parameters } = this.#options;
    const chosen = parametersFor(run.publicInput.nSteps, policy, parameters);
    const outcome = await this.#prover.prove(run, chosen, { signal: this.#signal });
    return outcome.ok ? encodeProof(outcome.value) : raise(outcome.failure);
  }
}
