// Test helper: jobs as simply as they can be thought of. Lists are searched, nothing is indexed.
import type { JobStatus } from '@fatty/api';

export interface ModelJob {
  readonly name: string;
  readonly priority: number;
  readonly deps: readonly string[];
  readonly giveUpAfter: number;
  readonly steps: number;
  readonly deadline: number;
  status: JobStatus;
  /** Grows with every time it is queued. */
  turn: number;
  t: number;
  worker: number | undefined;
  expiry: number;
  readonly failedBy: Map<number, number>;
  /** How often it was done: never twice. */
  done: number;
}

type Terms = Pick<ModelJob, 'name' | 'priority' | 'deps' | 'giveUpAfter' | 'steps'>;

const ENDED: readonly JobStatus[] = ['done', 'given_up', 'expired', 'cancelled', 'input_lost'];
const isOver = ({ status }: ModelJob): boolean => ENDED.includes(status);
const byName = (a: ModelJob, b: ModelJob): number => (a.name < b.name ? -1 : 1);

/** One queue and its workers, by number. Times in ms. */
export class JobModel {
  readonly jobs: ModelJob[] = [];
  now = 0;
  #turn = 0;
  readonly #leaseMs: number;
  readonly #claimsMax: number;

  constructor(leaseMs: number, claimsMax: number) {
    this.#leaseMs = leaseMs;
    this.#claimsMax = claimsMax;
  }

  find(name: string): ModelJob | undefined {
    return this.jobs.find((job) => job.name === name);
  }

  /** The claimed ones, by name. */
  get claimed(): readonly ModelJob[] {
    return this.jobs.filter(({ status }) => status === 'claimed').sort(byName);
  }

  declare(terms: Terms, deadlineMs: number): string {
    if (terms.deps.some((dep) => !this.find(dep))) return 'not_found';
    if (this.find(terms.name)) return 'exists';
    const job: ModelJob = {
      ...terms,
      deadline: this.now + deadlineMs,
      status: 'waiting',
      turn: 0,
      t: 0,
      worker: undefined,
      expiry: 0,
      failedBy: new Map(),
      done: 0,
    };
    this.jobs.push(job);
    this.#settle(job);
    return 'jobDeclared';
  }

  claim(worker: number): string {
    if (this.jobs.filter((job) => job.worker === worker).length >= this.#claimsMax) {
      return 'too_many_claims';
    }
    const ready = this.jobs.filter(
      (job) => job.status === 'ready' && (job.failedBy.get(worker) ?? 0) <= this.now,
    );
    const [first] = ready.sort((a, b) => b.priority - a.priority || a.turn - b.turn);
    if (first === undefined) return 'no_job';
    first.status = 'claimed';
    first.worker = worker;
    first.expiry = Math.min(this.now + this.#leaseMs, first.deadline);
    return first.name;
  }

  prove(worker: number, name: string, honest: boolean): string {
    const job = this.find(name);
    const refusal = this.#refuse(worker, job);
    if (job === undefined || refusal !== undefined) return refusal ?? 'not_found';
    if (!honest) {
      this.#drop(job);
      return 'wrong_s';
    }
    job.t += 1;
    job.expiry = Math.min(this.now + this.#leaseMs, job.deadline);
    if (job.t < job.steps) return 'jobProved';
    job.done += 1;
    this.#end(job, 'done');
    return 'jobProved';
  }

  fail(worker: number, name: string): string {
    const job = this.find(name);
    const refusal = this.#refuse(worker, job);
    if (job === undefined || refusal !== undefined) return refusal ?? 'not_found';
    this.#drop(job);
    return 'jobFailed';
  }

  cancel(name: string): string {
    const job = this.find(name);
    if (job === undefined) return 'not_found';
    if (isOver(job)) return 'job_ended';
    this.#end(job, 'cancelled');
    return 'jobCancelled';
  }

  #refuse(worker: number, job: ModelJob | undefined): string | undefined {
    if (job === undefined) return 'not_found';
    if (isOver(job)) return 'job_ended';
    return job.worker === worker ? undefined : 'not_claimant';
  }

  #end(job: ModelJob, status: JobStatus): void {
    job.status = status;
    job.worker = undefined;
  }

  #queue(job: ModelJob): void {
    job.status = 'ready';
    job.turn = ++this.#turn;
  }

  #drop(job: ModelJob): void {
    if (job.worker !== undefined) job.failedBy.set(job.worker, this.now + this.#leaseMs);
    job.worker = undefined;
    if (job.failedBy.size >= job.giveUpAfter) this.#end(job, 'given_up');
    else this.#queue(job);
  }

  #settle(job: ModelJob): boolean {
    if (job.status !== 'waiting') return false;
    const sources = job.deps.map((dep) => this.find(dep));
    if (sources.some((one) => one && isOver(one) && one.status !== 'done')) {
      this.#end(job, 'input_lost');
    } else if (sources.every((one) => one?.status === 'done')) this.#queue(job);
    return job.status !== ('waiting' as JobStatus);
  }

  /** What the clock of a commit does. */
  tick(): void {
    const sorted = [...this.jobs].sort(byName);
    for (const job of sorted)
      if (job.status === 'claimed' && job.expiry <= this.now) this.#drop(job);
    for (const job of sorted)
      if (!isOver(job) && job.deadline <= this.now) this.#end(job, 'expired');
    // In waves: who is settled by what ends in one wave has its turn in the next.
    let before: ReadonlyMap<string, JobStatus>;
    do {
      before = new Map(this.jobs.map(({ name, status }) => [name, status]));
      const due = sorted.filter((job) => this.#isDue(job));
      for (const job of due) this.#settle(job);
    } while (this.jobs.some(({ name, status }) => before.get(name) !== status));
  }

  #isDue(job: ModelJob): boolean {
    if (job.status !== 'waiting') return false;
    const sources = job.deps.map((dep) => this.find(dep));
    const lost = sources.some((one) => one && isOver(one) && one.status !== 'done');
    return lost || sources.every((one) => one?.status === 'done');
  }
}
