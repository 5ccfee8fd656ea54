// Jobs as simply as they can be thought of: lists are searched, nothing is indexed.
import type { JobStatus, Op } from '@fatty/api';
import type { Position } from '@fatty/interface';

type Declaration = Extract<Op, { kind: 'declareJob' }>;

/** A claim, by hex of the worker's key; lease clock, ms. */
export interface ClaimSeen {
  readonly worker: string;
  readonly nonce: Position;
  readonly expiryMs: number;
}

/** A job as the answers of the cell make it out to be. */
export interface JobSeen {
  readonly op: Declaration;
  /** Hex of the key. */
  readonly owner: string;
  /** Lease clock, ms. */
  readonly deadlineMs: number;
  status: JobStatus;
  /** Grows with every time that any job is queued. */
  turn: number;
  values: readonly bigint[];
  t: bigint;
  s: bigint;
  chain: bigint;
  taken: number;
  outputs: readonly bigint[];
  claim: ClaimSeen | undefined;
  claims: number;
  /** By worker: until when it may not have it again. */
  readonly failedBy: Map<string, number>;
}

const RUNNING: ReadonlySet<JobStatus> = new Set<JobStatus>(['waiting', 'ready', 'claimed']);

/** Whether a job has ended. */
export const isOver = ({ status }: JobSeen): boolean => !RUNNING.has(status);

/** One queue and its jobs. */
export class JobBook {
  readonly queue: string;
  readonly jobs: Map<string, JobSeen> = new Map<string, JobSeen>();
  readonly #reached: (what: string) => void;
  #turn = 0;

  constructor(queue: string, reached: (what: string) => void) {
    this.queue = queue;
    this.#reached = reached;
  }

  declare(
    op: Declaration,
    { client, now }: { readonly client: string; readonly now: number },
  ): void {
    const job: JobSeen = {
      op,
      owner: client,
      deadlineMs: now + op.deadlineMs,
      status: 'waiting',
      turn: 0,
      values: [],
      t: 0n,
      s: op.s,
      chain: 0n,
      taken: 0,
      outputs: [],
      claim: undefined,
      claims: 0,
      failedBy: new Map(),
    };
    this.jobs.set(op.path, job);
    this.#reached('declared');
    this.#settle(job);
    if (job.status === 'waiting') this.#reached('waits');
  }

  /** The jobs whose results a job takes. */
  sourcesOf({ op }: JobSeen): readonly (JobSeen | undefined)[] {
    return op.inputs.flatMap((input) =>
      input.kind === 'result' ? [this.jobs.get(input.path)] : [],
    );
  }

  isFor({ failedBy }: JobSeen, worker: string, now: number): boolean {
    return (failedBy.get(worker) ?? 0) <= now;
  }

  #ready(worker: string, now: number): JobSeen[] {
    return [...this.jobs.values()].filter(
      (job) => job.status === 'ready' && this.isFor(job, worker, now),
    );
  }

  readyFor(worker: string, now: number): number {
    return this.#ready(worker, now).length;
  }

  /** The highest priority, then who has waited longest. */
  firstFor(worker: string, now: number): JobSeen | undefined {
    const ready = this.#ready(worker, now);
    return ready.sort((a, b) => b.op.priority - a.op.priority || a.turn - b.turn)[0];
  }

  claim(job: JobSeen, claim: ClaimSeen): void {
    job.status = 'claimed';
    job.claim = claim;
    job.claims += 1;
  }

  /** Back into the queue, behind the others; or given up. */
  drop(job: JobSeen, now: number): void {
    if (job.claim !== undefined) job.failedBy.set(job.claim.worker, now + job.op.leaseMs);
    job.claim = undefined;
    if (job.failedBy.size >= job.op.giveUpAfter) this.end(job, 'given_up');
    else this.#queue(job);
  }

  #queue(job: JobSeen): void {
    job.status = 'ready';
    job.turn = ++this.#turn;
  }

  end(job: JobSeen, status: JobStatus): void {
    job.status = status;
    job.claim = undefined;
    this.#reached(`end.${status}`);
  }

  /** What the clock of a commit does: claims, then deadlines, then those whose inputs have come or are lost. */
  tick(now: number): void {
    const sorted = [...this.jobs.values()].sort((a, b) => (a.op.path < b.op.path ? -1 : 1));
    for (const job of sorted) {
      if (job.claim === undefined || job.claim.expiryMs > now) continue;
      this.#reached('claimLost');
      this.drop(job, now);
    }
    for (const job of sorted) if (!isOver(job) && job.deadlineMs <= now) this.end(job, 'expired');
    // In waves: who is settled by what ends in one has its turn in the next.
    for (let due = sorted; due.length > 0; ) {
      due = sorted.filter((job) => this.#isDue(job));
      for (const job of due) this.#settle(job);
    }
  }

  #isDue(job: JobSeen): boolean {
    if (job.status !== 'waiting') return false;
    const sources = this.sourcesOf(job);
    const lost = sources.some((one) => one === undefined || (isOver(one) && one.status !== 'done'));
    return lost || sources.every((one) => one?.status === 'done');
  }

  #settle(job: JobSeen): void {
    if (!this.#isDue(job)) return;
    if (this.sourcesOf(job).some((one) => one?.status !== 'done'))
      return this.end(job, 'input_lost');
    job.values = job.op.inputs.map((input) => {
      if (input.kind === 'value') return input.value;
      const source = this.jobs.get(input.path);
      const { output } = input;
      return (output === undefined ? source?.s : source?.outputs[output]) ?? 0n;
    });
    this.#queue(job);
  }
}
