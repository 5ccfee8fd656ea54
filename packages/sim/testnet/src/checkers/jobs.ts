// Checks jobs: what was claimed, proved and completed, against a book of its own.
import { decodeOp, decodeResult, equalPositions, type Op, type Result } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Position } from '@fatty/interface';
import type { IdealProver } from '../world/ideal-prover.ts';
import type { Checker, Observation, Violation } from '../world/observation.ts';
import { type CommitSeen, effects } from './commits.ts';
import { chained } from './inboxes.ts';
import { isOver, JobBook, type JobSeen } from './job-book.ts';

type Of<K extends Op['kind']> = Extract<Op, { kind: K }>;
type Got<K extends Result['kind']> = Extract<Result, { kind: K }>;

/** Who did it, and when. */
interface Turn {
  /** Hex of the key. */
  readonly client: string;
  /** Lease clock, ms. */
  readonly now: number;
}

/** Refusals of proofs that an honest worker meets, too: it was overtaken. All others end a claim. */
const OVERTAKEN: ReadonlySet<string> = new Set([
  'not_claimant',
  'job_ended',
  'not_found',
  'wrong_nonce',
  'stale_t',
]);

const POWER = 2n ** 60n;

/** What one proof of a job computes: the jobs' program, a function that forgets nothing. */
export function workOf(s: bigint, entries: readonly bigint[], tTo: bigint): bigint {
  return entries.reduce((sum, one) => (sum * 37n + one) % POWER, s * 31n + tTo) % POWER;
}

/** The cells behind the six: `in` and the window, then outputs. */
export function cellsOf(
  { window, outputs }: Pick<Of<'declareJob'>, 'window' | 'outputs'>,
  chain: bigint,
  entries: readonly bigint[],
  sTo: bigint,
): readonly bigint[] {
  const shown = Array.from({ length: outputs }, (_, i) => sTo + BigInt(i) + 1n);
  if (window === 0) return shown;
  const cells = Array.from({ length: window }, (_, i) => entries[i] ?? 0n);
  return [entries.reduce(chained, chain), ...cells, ...shown];
}

/** What the next proof of a job takes in, and where it ends. */
export function nextOf({ op, t, taken, values }: JobSeen): {
  readonly entries: readonly bigint[];
  readonly tTo: bigint;
} {
  const tTo = t + op.span < op.steps ? t + op.span : op.steps;
  return { entries: values.slice(taken, taken + op.window), tTo };
}

/**
 * Jobs by what clients sent and were told, next to a book of who really proved what.
 * jobs: no job is completed twice or lost. A job moves by true proofs only, each for this job, this
 * claim and the next inputs, and what it comes to is what its program comes to. It is claimed when all
 * its inputs are there, by one worker at a time, and fairly: the highest priority first, then who has
 * waited longest; nobody hears `no_job` while there is one for him.
 */
export class JobChecker implements Checker {
  readonly rules: readonly string[] = ['jobs'];
  readonly book: JobBook;
  readonly #prover: IdealProver;
  readonly #reached: (what: string) => void;
  readonly #used = new Set<string>();
  #index = 0;
  #violations: Violation[] = [];

  constructor(queue: string, prover: IdealProver, reached: (what: string) => void) {
    this.book = new JobBook(queue, reached);
    this.#prover = prover;
    this.#reached = reached;
  }

  see(observation: Observation): readonly Violation[] {
    if (observation.kind !== 'committed' || observation.commit.index <= this.#index) return [];
    this.#index = observation.commit.index;
    this.#commit(observation);
    const { atMs, by } = observation;
    return this.#violations.splice(0).map((one) => ({ ...one, atMs, replica: by }));
  }

  finish(): readonly Violation[] {
    return [];
  }

  #say(expected: string, actual: string): void {
    this.#violations.push({ rule: 'jobs', expected, actual, atMs: 0, replica: -1 });
  }

  #commit(seen: CommitSeen): void {
    const now = seen.commit.leaseClock;
    for (const { batch, receipt } of effects(seen)) {
      const turn = { client: toHex(batch.client), now };
      for (const [i, bytes] of receipt.results.entries()) {
        const op = decodeOp(batch.ops[i] ?? new Uint8Array());
        const result = decodeResult(bytes);
        if (op.ok && result.ok) this.#op(op.value, result.value, turn);
      }
    }
    this.book.tick(now);
  }

  #op(op: Op, result: Result, turn: Turn): void {
    if (result.kind === 'error') return this.#refused(op, result, turn);
    if (op.kind === 'declareJob') return this.book.declare(op, turn);
    if (op.kind === 'claimJob' && result.kind === 'jobClaimed')
      return this.#claimed(op, result, turn);
    if (op.kind === 'proveJob' && result.kind === 'jobProved')
      return this.#proved(op, result, turn);
    if (op.kind === 'failJob' && result.kind === 'jobFailed') return this.#failed(op, result, turn);
    if (op.kind === 'cancelJob' && result.kind === 'jobCancelled') this.#cancelled(op, turn);
  }

  #refused(op: Op, { code }: Got<'error'>, { client, now }: Turn): void {
    if (op.kind === 'claimJob' && code === 'no_job' && op.path === this.book.queue) {
      const first = this.book.firstFor(client, now);
      if (first !== undefined) this.#say(`${first.op.path} for ${client.slice(0, 8)}`, code);
    }
    if (op.kind !== 'proveJob' || OVERTAKEN.has(code)) return;
    const job = this.book.jobs.get(op.path);
    if (job?.claim?.worker !== client) return;
    this.#reached(`claimEnded.${code}`);
    this.book.drop(job, now);
  }

  #claimed(
    { path }: Of<'claimJob'>,
    { name, nonce, leaseExpiry }: Got<'jobClaimed'>,
    turn: Turn,
  ): void {
    const { client, now } = turn;
    const { book } = this;
    const job = book.jobs.get(`${book.queue}/${name}`);
    if (job === undefined) return this.#say('a job that was declared', name);
    const { status, op, deadlineMs } = job;
    if (status !== 'ready') this.#say(`${op.path} ready`, status);
    if (!book.isFor(job, client, now))
      this.#say('a worker that has not just failed it', 'this one');
    for (const source of book.sourcesOf(job)) {
      if (source?.status !== 'done')
        this.#say(`${op.path}: its inputs done`, String(source?.status));
    }
    if (path === book.queue) {
      const first = book.firstFor(client, now);
      if (first !== job) this.#say(`${first?.op.path} first`, op.path);
      if (book.readyFor(client, now) > 1) this.#reached('claimedFirstOfSeveral');
    } else if (path !== op.path) this.#say(path, op.path);
    const expiryMs = Math.min(now + op.leaseMs, deadlineMs);
    if (leaseExpiry !== expiryMs) this.#say(`a claim to ${expiryMs}`, `to ${leaseExpiry}`);
    this.#reached('claimed');
    book.claim(job, { worker: client, nonce, expiryMs });
  }

  #own(path: string, nonce: Position, client: string): JobSeen | undefined {
    const job = this.book.jobs.get(path);
    if (job === undefined) this.#say('a job that was declared', path);
    else if (job.claim?.worker !== client || !equalPositions(job.claim.nonce, nonce)) {
      this.#say(`${path}: its claimant`, client.slice(0, 8));
    }
    return job;
  }

  #proved(op: Of<'proveJob'>, { t, s, done, leaseExpiry }: Got<'jobProved'>, turn: Turn): void {
    const { client, now } = turn;
    const job = this.#own(op.path, op.nonce, client);
    if (job === undefined) return;
    if (isOver(job)) this.#say(`${op.path} completed once`, 'twice');
    for (const envelope of op.proofs) this.#proof(client, op, job, envelope);
    this.#reached('proved');
    if (t !== job.t || s !== job.s) this.#say(`${op.path} at ${job.t}, ${job.s}`, `${t}, ${s}`);
    const isDone = job.t === job.op.steps;
    if (done !== isDone) this.#say(`${op.path} done: ${isDone}`, String(done));
    const expiryMs = Math.min(now + job.op.leaseMs, job.deadlineMs);
    if (job.claim !== undefined) job.claim = { ...job.claim, expiryMs };
    if (isDone) this.book.end(job, 'done');
    else if (leaseExpiry !== expiryMs) this.#say(`a claim to ${expiryMs}`, `to ${leaseExpiry}`);
  }

  /** What one proof of an accepted op has to be: the program's next part; the job moves along. */
  #proof(client: string, op: Of<'proveJob'>, job: JobSeen, envelope: Uint8Array): void {
    const proven = this.#prover.provenBy(envelope);
    const { path } = op;
    if (proven === undefined) return this.#say(`${path}: a true proof`, 'another');
    const use = toHex(envelope);
    if (this.#used.has(use)) this.#say(`${path}: each proof once`, 'twice');
    this.#used.add(use);
    const { bound } = proven;
    const isBound =
      bound?.path === path &&
      toHex(bound.lessee) === client &&
      equalPositions(bound.nonce, job.claim?.nonce);
    if (!isBound) this.#say(`${path}: a proof bound to this claim`, `${bound?.path}`);
    const { entries, tTo } = nextOf(job);
    const sTo = workOf(job.s, entries, tTo);
    const cells = cellsOf(job.op, job.chain, entries, sTo);
    const expected = [job.t, job.s, tTo, sTo, ...cells].join();
    const actual = [proven.tFrom, proven.sFrom, proven.tTo, proven.sTo, ...proven.extra].join();
    if (actual !== expected) this.#say(`${path}: ${expected}`, actual);
    job.t = tTo;
    job.s = sTo;
    job.chain = entries.reduce(chained, job.chain);
    job.taken += entries.length;
    job.outputs = cells.slice(cells.length - job.op.outputs);
  }

  #failed(
    { path, nonce }: Of<'failJob'>,
    { ended }: Got<'jobFailed'>,
    { client, now }: Turn,
  ): void {
    const job = this.#own(path, nonce, client);
    if (job === undefined) return;
    this.#reached('failed');
    this.book.drop(job, now);
    if (ended !== isOver(job)) this.#say(`${path} ended: ${isOver(job)}`, String(ended));
  }

  #cancelled({ path }: Of<'cancelJob'>, { client }: Turn): void {
    const job = this.book.jobs.get(path);
    if (job === undefined) return this.#say('a job that was declared', path);
    if (isOver(job)) this.#say(`${path} over once`, job.status);
    if (job.owner !== client) this.#say(`${path} cancelled by its owner`, client.slice(0, 8));
    this.book.end(job, 'cancelled');
  }
}
