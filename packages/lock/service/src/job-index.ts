// What is derived from the jobs of the namespace: queues, claims, timers, who waits for whom.
import { comparePaths, parentPath } from '@fatty/api';
import { toHex } from '@fatty/codec';
import { Deadlines } from '@fatty/sessions';
import { JobQueue, readyOf } from './job-queue.ts';
import { type Job, statusOf } from './job-state.ts';

/** Rebuilt from the namespace, never in a snapshot: a function of the jobs in it. */
export class JobIndex {
  /** By path of their directories. */
  readonly #queues = new Map<string, JobQueue>();
  /** How many claims a worker (hex key) has. */
  readonly #claims = new Map<string, number>();
  readonly #claimEnds = new Deadlines();
  readonly #deadlines = new Deadlines();
  readonly #retentions = new Deadlines();
  /** Waiting jobs by each of the jobs whose results they wait for. */
  readonly #dependents = new Map<string, Set<string>>();
  /** Waiting jobs of whose inputs one has come, or will never come. */
  readonly #unsettled = new Set<string>();

  get timed(): boolean {
    const timers = [this.#claimEnds, this.#deadlines, this.#retentions, this.#unsettled];
    return timers.some(({ size }) => size > 0);
  }

  queueOf(path: string): JobQueue | undefined {
    return this.#queues.get(path);
  }

  claimsOf(worker: string): number {
    return this.#claims.get(worker) ?? 0;
  }

  dependentsOf(path: string): ReadonlySet<string> {
    return this.#dependents.get(path) ?? NONE;
  }

  /** A job that stands at its node now. `owner`: hex key. */
  add(path: string, job: Job, owner: string): void {
    if (job.end === undefined) this.#count(path, owner, 1);
    if (job.end === undefined) this.#deadlines.set(path, job.deadline);
    this.#enter(path, job);
  }

  /** A job has become another value. */
  change(path: string, before: Job, job: Job, owner: string): void {
    this.#leave(path, before);
    if (before.end === undefined && job.end !== undefined) {
      this.#count(path, owner, -1);
      this.#deadlines.delete(path);
      this.#wake(path);
    }
    this.#enter(path, job);
  }

  /** The job has gone with its node. */
  remove(path: string, job: Job, owner: string): void {
    this.#leave(path, job);
    if (job.end === undefined) this.#count(path, owner, -1);
    this.#deadlines.delete(path);
    this.#retentions.delete(path);
    this.#wake(path);
  }

  #count(path: string, owner: string, by: 1 | -1): void {
    const at = parentPath(path);
    const queue = this.#queues.get(at) ?? new JobQueue();
    queue.count(owner, by);
    if (queue.size > 0) this.#queues.set(at, queue);
    else this.#queues.delete(at);
  }

  #wake(path: string): void {
    for (const dependent of this.dependentsOf(path)) this.#unsettled.add(dependent);
  }

  #enter(path: string, job: Job): void {
    const { claim, end, inputs, retainMs } = job;
    const status = statusOf(job);
    if (status === 'ready') this.#queues.get(parentPath(path))?.add(readyOf(path, job));
    if (claim !== undefined) {
      this.#countClaim(toHex(claim.worker), 1);
      this.#claimEnds.set(path, claim.leaseExpiry);
    }
    if (end !== undefined && retainMs > 0) this.#retentions.set(path, end.at + retainMs);
    if (status !== 'waiting') return;
    for (const input of inputs) {
      if (input.kind === 'value') continue;
      const dependents = this.#dependents.get(input.path) ?? new Set();
      this.#dependents.set(input.path, dependents.add(path));
    }
  }

  #leave(path: string, job: Job): void {
    const { claim, inputs } = job;
    const status = statusOf(job);
    if (status === 'ready') this.#queues.get(parentPath(path))?.delete(readyOf(path, job));
    if (claim !== undefined) {
      this.#countClaim(toHex(claim.worker), -1);
      this.#claimEnds.delete(path);
    }
    if (status !== 'waiting') return;
    this.#unsettled.delete(path);
    for (const input of inputs) {
      if (input.kind === 'value') continue;
      const dependents = this.#dependents.get(input.path);
      dependents?.delete(path);
      if (dependents?.size === 0) this.#dependents.delete(input.path);
    }
  }

  #countClaim(worker: string, by: 1 | -1): void {
    const left = this.claimsOf(worker) + by;
    if (left === 0) this.#claims.delete(worker);
    else this.#claims.set(worker, left);
  }

  takeClaimEnds(now: number, max: number): string[] {
    return this.#claimEnds.take(now, max);
  }

  takeDeadlines(now: number, max: number): string[] {
    return this.#deadlines.take(now, max);
  }

  takeRetained(now: number, max: number): string[] {
    return this.#retentions.take(now, max);
  }

  /** By path. */
  takeUnsettled(): readonly string[] {
    const wave = [...this.#unsettled].sort(comparePaths);
    this.#unsettled.clear();
    return wave;
  }

  /** There is no room for it in this commit. */
  putOff(path: string): void {
    this.#unsettled.add(path);
  }

  /** After a restore: waiting jobs of whose inputs one has come, or will never come. */
  findUnsettled(find: (path: string) => Job | undefined): void {
    for (const [path, dependents] of this.#dependents) {
      const job = find(path);
      if (job !== undefined && job.end === undefined) continue;
      for (const dependent of dependents) this.#unsettled.add(dependent);
    }
  }
}

const NONE: ReadonlySet<string> = new Set();
