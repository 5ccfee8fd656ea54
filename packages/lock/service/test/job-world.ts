// Test helper: a world with jobs and workers, and proofs with a stand-in for the STARK.
import {
  INBOX_START,
  inboxChain,
  type JobAnswer,
  type JobInput,
  type Op,
  type Result,
} from '@fatty/api';
import { bindingCell } from '@fatty/cairo-verify';
import type { Position } from '@fatty/interface';
import { type Claim, envelope, PROGRAM, sendChecked } from './machine-world.ts';
import { CELL, Client, op, World } from './world.ts';

export type Declaration = Extract<Op, { kind: 'declareJob' }>;
export type ProofOp = Extract<Op, { kind: 'proveJob' }>;

export const QUEUE = '/fleet';
export const LEASE_MS = 2_000;
export const JOB = '/fleet/a';

/** The answer to a claim that must have been granted. */
export function claimed(answer: Result): Extract<Result, { kind: 'jobClaimed' }> {
  if (answer.kind !== 'jobClaimed') throw new Error(JSON.stringify(answer));
  return answer;
}

/** What another job ends with. */
export function result(path: string, output?: number): JobInput {
  return { kind: 'result', path, output };
}

export function value(of: bigint): JobInput {
  return { kind: 'value', value: of };
}

/** A job whose one proof goes from (0, 1) to (1, anything). */
export function jobOf(extra: Partial<Declaration> = {}): Declaration {
  const { inputs = [] } = extra;
  return {
    kind: 'declareJob',
    path: JOB,
    programId: PROGRAM,
    policy: { layout: 'plain', bitsMin: 96, collisionBitsMin: 124 },
    s: 1n,
    steps: 1n,
    span: 1n,
    inputs,
    window: inputs.length === 0 ? 0 : 4,
    outputs: 1,
    leaseMs: LEASE_MS,
    deadlineMs: 60_000,
    giveUpAfter: 3,
    priority: 0,
    workers: [],
    keepProofs: true,
    retainMs: 0,
    fence: undefined,
    ...extra,
  };
}

/** The cells behind the six of the next proof: `in`, its window, outputs. */
export function cellsOf(job: JobAnswer, outputs: readonly bigint[]): readonly bigint[] {
  const { values, window, progress } = job;
  if (window === 0) return outputs;
  const next = values.slice(progress.taken, progress.taken + window);
  const chain = next.reduce(inboxChain, progress.in ?? INBOX_START);
  const empty = Array.from({ length: window - next.length }, () => 0n);
  return [chain, ...next, ...empty, ...outputs];
}

export class JobWorld extends World {
  readonly owner = new Client(1, 0, { leaseMs: 60_000 });
  readonly workers = [2, 3, 4, 5].map((n) => new Client(n, 0, { leaseMs: 60_000 }));

  constructor(...quotas: ConstructorParameters<typeof World>) {
    super(...quotas);
    this.open(this.owner, op.dir(QUEUE));
    for (const worker of this.workers) this.open(worker);
  }

  get a(): Client {
    return this.worker(0);
  }

  get b(): Client {
    return this.worker(1);
  }

  worker(n: number): Client {
    const worker = this.workers[n];
    if (worker === undefined) throw new Error('a worker');
    return worker;
  }

  job(path = JOB): JobAnswer {
    const answer = this.ask({ kind: 'job', path });
    if (answer.kind !== 'job') throw new Error('a job');
    return answer;
  }

  declare(extra: Partial<Declaration> = {}, client = this.owner): Result | string {
    return this.send(client, jobOf(extra));
  }

  claim(client: Client, path = QUEUE): Result {
    return this.one(client, { kind: 'claimJob', path });
  }

  /** Through validate(), the stand-in worker and apply(), as a replica would. */
  send(client: Client, sent: Op): Result | string {
    return sendChecked(this, client, sent);
  }

  /** The next proof of a job as an honest worker makes it: s grows by all it takes in, and t. */
  next(client: Client, path = JOB, nonce?: Position): ProofOp {
    return this.proof(client, {}, path, nonce);
  }

  /** A proof that differs from the right one in some cells. */
  proof(client: Client, claim: Partial<Claim>, path = JOB, nonce?: Position): ProofOp {
    const job = this.job(path);
    const { t, s } = job.progress;
    const tTo = t + job.span < job.steps ? t + job.span : job.steps;
    const taken = job.values.slice(job.progress.taken, job.progress.taken + job.window);
    const sTo = taken.reduce((sum, one) => sum + one, s) + (tTo - t);
    const outputs = Array.from({ length: job.outputCount }, (_, i) => sTo * BigInt(10 * (i + 1)));
    const named = nonce ?? job.claim?.nonce ?? { commit: 0, index: 0 };
    const made = envelope({
      binding: bindingCell(CELL, path, client.signer.publicKey, named),
      from: [t, s],
      to: [tTo, sTo],
      outputs: cellsOf(job, outputs),
      ...claim,
    });
    return {
      kind: 'proveJob',
      path,
      nonce: named,
      outputs: job.outputCount,
      inbox: job.window,
      proofs: [made],
    };
  }

  prove(client: Client, path = JOB): Result | string {
    return this.send(client, this.next(client, path));
  }
}
