// Jobs: declared, claimed, proved, completed; and what the clock does to them.
import {
  baseName,
  comparePaths,
  type Dot,
  type ErrorResult,
  equalPositions,
  errorResult,
  type JobEndKind,
  type JobProgress,
  type Op,
  parentPath,
  type Result,
  showPosition,
} from '@fatty/api';
import { equalBytes, toHex } from '@fatty/codec';
import type { Position, PublicKey } from '@fatty/interface';
import { JobIndex } from './job-index.ts';
import { envelopeDigest, type JobProofOp, judgeJob, LIES, withPiece } from './job-proofs.ts';
import { leaseEnd, refuseClaim, refuseFence, resultOf } from './job-rules.ts';
import { chainProof, isComplete, type Job, newJob, statusOf } from './job-state.ts';
import type { Ledger } from './ledger.ts';
import { jobOf } from './machine-state.ts';
import type { Names, Node } from './names.ts';
import type { Quotas } from './quotas.ts';
import type { Session } from './sessions.ts';
import { creationWith } from './slots.ts';

type Declaration = Extract<Op, { kind: 'declareJob' }>;

interface Found {
  readonly path: string;
  readonly node: Node;
  readonly job: Job;
}

/** What a worker asks for. */
interface Asked {
  /** Of a job, or of a queue. */
  readonly path: string;
  readonly worker: PublicKey;
  /** Whether the worker has the right to a job of the queue, by its path. */
  readonly mayWrite: (path: string) => boolean;
}

/** Whose proof it is, and where in the total order. */
interface ProofTurn {
  readonly id: Dot;
  readonly at: Position;
  readonly ledger: Ledger;
}

/**
 * Jobs (README.md, Jobs). `validate()` has settled that proofs are true and bound to the worker, the
 * path and the claim that the op names; this file decides whether they are about this job, now.
 */
export class Jobs {
  readonly #names: Names;
  readonly #quotas: Quotas;
  readonly #index = new JobIndex();

  constructor(names: Names, quotas: Quotas) {
    this.#names = names;
    this.#quotas = quotas;
  }

  /** True while something of a job is to happen by the clock. */
  get timed(): boolean {
    return this.#index.timed;
  }

  /**
   * Codes `lock_mismatch`, `bad_job`, `queue_full`, `too_many_dependents`, `not_found`, `not_a_job`,
   * and those of a create.
   */
  declare(op: Declaration, session: Session, id: Dot, at: Position, ledger: Ledger): Result {
    const { path, fence, inputs } = op;
    const refusal =
      refuseFence(session, fence) ??
      this.#refuseInputs(inputs) ??
      this.#refuseFull(parentPath(path), session.owner);
    if (refusal) return refusal;
    const { kind: _, path: __, fence: ___, ...terms } = op;
    const job = newJob(terms, fence?.path, ledger.now);
    const what = {
      path,
      id,
      owner: session.identity,
      stamp: { position: at, timeMs: ledger.ts },
    };
    const created = this.#names.create(creationWith(job, what));
    if ('kind' in created) return created;
    this.#index.add(path, job, session.owner);
    ledger.happened({ kind: 'added', path, node: 'job', ephemeral: false, instance: at });
    this.#settle({ path, node: created.node, job }, at, ledger);
    return { kind: 'jobDeclared', node: created.node.id, position: at };
  }

  #refuseInputs(inputs: Declaration['inputs']): ErrorResult | undefined {
    for (const input of inputs) {
      if (input.kind === 'value') continue;
      const found = this.#find(input.path);
      if ('kind' in found) return found;
      const { outputs } = found.job;
      if (input.output !== undefined && input.output >= outputs) {
        return errorResult('bad_job', `one of ${outputs} outputs`, `output ${input.output}`);
      }
      const max = this.#quotas.dependentsPerJobMax;
      if (this.#index.dependentsOf(input.path).size >= max) {
        return errorResult('too_many_dependents', `at most ${max}`, `${max} of ${input.path}`);
      }
    }
    return undefined;
  }

  #refuseFull(queuePath: string, owner: string): ErrorResult | undefined {
    const { jobsPerQueueMax, jobsPerQueueAndClientMax } = this.#quotas;
    const queue = this.#index.queueOf(queuePath);
    if (queue === undefined) return undefined;
    if (queue.size >= jobsPerQueueMax) {
      return errorResult('queue_full', `at most ${jobsPerQueueMax}`, String(queue.size));
    }
    const own = queue.sizeOf(owner);
    if (own < jobsPerQueueAndClientMax) return undefined;
    return errorResult('queue_full', `at most ${jobsPerQueueAndClientMax} of yours`, String(own));
  }

  /**
   * A job, or at a directory the first of its queue that the worker may have. Codes `not_found`,
   * `not_a_job`, `too_many_claims`, `no_job`, `not_worker`, `job_waits`, `job_claimed`, `job_ended`.
   */
  claim(asked: Asked, at: Position, ledger: Ledger): Result {
    const { worker } = asked;
    const max = this.#quotas.jobClaimsPerClientMax;
    if (this.#index.claimsOf(toHex(worker)) >= max) {
      return errorResult('too_many_claims', `at most ${max} at once`, String(max));
    }
    const found = this.#toClaim(asked, ledger.now);
    if ('kind' in found) return found;
    const { job } = found;
    const leaseExpiry = leaseEnd(job, ledger.now);
    const claim = { worker, nonce: at, leaseExpiry };
    this.#set(found, { ...job, claim, claims: job.claims + 1, queuedAt: undefined }, ledger);
    return { kind: 'jobClaimed', name: baseName(found.path), nonce: at, leaseExpiry };
  }

  #toClaim({ path, worker: key, mayWrite }: Asked, now: number): Found | ErrorResult {
    const worker = toHex(key);
    const node = this.#names.find(path);
    if (node?.kind !== 'directory') {
      const found = this.#find(path);
      return 'kind' in found ? found : (refuseClaim(found, worker, now) ?? found);
    }
    const first = this.#index.queueOf(path)?.firstFor(worker, now, mayWrite);
    return first ? this.#find(first.path) : errorResult('no_job', 'a job for this worker', 'none');
  }

  /**
   * Advances a claimed job. A refused proof of the claimant is counted, and one that no honest
   * worker sends ends its claim. Codes `not_found`, `not_a_job`, `job_ended`, `not_claimant`, and
   * those of {@link judgeJob}.
   */
  prove(op: JobProofOp, session: Session, { id, at, ledger }: ProofTurn): Result {
    const found = this.#ownClaim(op.path, session.identity);
    if ('kind' in found) return found;
    const progress = judgeJob(op, found.job);
    if ('kind' in progress) {
      this.#countRefusal(found, progress, at, ledger);
      return progress;
    }
    // The proofs are bound to the key that signs.
    this.#keep(found, op, session.client, { id, at, ledger });
    const job = this.#advance(found, op, progress, ledger);
    const { t, s } = progress;
    const leaseExpiry = job.claim?.leaseExpiry ?? 0;
    return { kind: 'jobProved', t, s, done: job.end !== undefined, leaseExpiry };
  }

  #countRefusal(found: Found, { code }: ErrorResult, at: Position, ledger: Ledger): void {
    const job = { ...found.job, refused: found.job.refused + 1, refusal: code };
    if (LIES.has(code)) this.#dropClaim({ ...found, job }, at, ledger);
    else this.#set(found, job, ledger);
  }

  /** What the job's file has room for; its owner's quota keeps no worker from its result. */
  #keep({ path, node, job }: Found, op: JobProofOp, worker: PublicKey, turn: ProofTurn): void {
    if (!job.keepProofs) return;
    const { id, at, ledger } = turn;
    const before = node.siblings[0]?.bytes ?? new Uint8Array(0);
    const stamp = { position: at, timeMs: ledger.ts };
    const piece = { worker, nonce: op.nonce };
    for (const bytesMax of [Number.POSITIVE_INFINITY, before.length + BARE_BYTES]) {
      const content = withPiece(before, piece, op, bytesMax);
      const live = this.#names.find(path);
      if (content === before || live === undefined) continue;
      if (this.#names.write(live, { id, content, replaces: [], stamp })) continue;
      ledger.happened({ kind: 'modified', path, generation: at });
      return;
    }
  }

  #advance(found: Found, { proofs }: JobProofOp, progress: JobProgress, ledger: Ledger): Job {
    const { job } = found;
    const claim = job.claim && { ...job.claim, leaseExpiry: leaseEnd(job, ledger.now) };
    const proofsDigest = proofs.map(envelopeDigest).reduce(chainProof, job.proofsDigest);
    const next = { ...job, progress, claim, proofs: job.proofs + proofs.length, proofsDigest };
    return isComplete(next)
      ? this.#end(found, next, 'done', ledger)
      : this.#set(found, next, ledger);
  }

  /** The claimant cannot do it. Codes `not_found`, `not_a_job`, `job_ended`, `not_claimant`, `wrong_nonce`. */
  fail(
    { path, nonce }: Extract<Op, { kind: 'failJob' }>,
    worker: PublicKey,
    at: Position,
    ledger: Ledger,
  ): Result {
    const found = this.#ownClaim(path, worker);
    if ('kind' in found) return found;
    const { claim } = found.job;
    if (!equalPositions(claim?.nonce, nonce)) {
      return errorResult('wrong_nonce', showPosition(claim?.nonce), showPosition(nonce));
    }
    const { end } = this.#dropClaim(found, at, ledger);
    return { kind: 'jobFailed', ended: end !== undefined, position: at };
  }

  /** Codes `not_found`, `not_a_job`, `job_ended`, `not_job_owner`. */
  cancel(path: string, session: Session, at: Position, ledger: Ledger): Result {
    const found = this.#live(path);
    if ('kind' in found) return found;
    const { node, job } = found;
    const fence = job.fencePath === undefined ? undefined : session.claims.get(job.fencePath);
    const holds = fence?.held === true && fence.mode === 'exclusive';
    if (!holds && !equalBytes(node.owner, session.identity)) {
      return errorResult('not_job_owner', `the owner ${toHex(node.owner)}`, 'another client');
    }
    this.#end(found, job, 'cancelled', ledger);
    return { kind: 'jobCancelled', position: at };
  }

  #find(path: string): Found | ErrorResult {
    const node = this.#names.find(path);
    if (node === undefined) return errorResult('not_found', 'a job', 'no live node');
    const job = jobOf(node);
    if (job !== undefined) return { path, node, job };
    return errorResult('not_a_job', 'a job', node.slot?.kind ?? node.kind);
  }

  #live(path: string): Found | ErrorResult {
    const found = this.#find(path);
    if ('kind' in found || found.job.end === undefined) return found;
    return errorResult('job_ended', 'a job that has not ended', found.job.end.how);
  }

  #ownClaim(path: string, worker: PublicKey): Found | ErrorResult {
    const found = this.#live(path);
    if ('kind' in found) return found;
    const { claim } = found.job;
    if (claim && equalBytes(claim.worker, worker)) return found;
    const actual = claim ? 'another client' : 'nobody has claimed it';
    return errorResult('not_claimant', 'the claimant', actual);
  }

  /** Puts a job's new value in its place, and everything that is derived from it. */
  #set({ path, node, job: before }: Found, job: Job, ledger: Ledger): Job {
    const status = statusOf(job);
    const { t } = job.progress;
    if (status !== statusOf(before) || t !== before.progress.t) {
      ledger.happened({ kind: 'jobMoved', path, status, t });
    }
    this.#index.change(path, before, job, toHex(node.owner));
    this.#names.setSlot(node, job);
    return job;
  }

  #end(found: Found, job: Job, how: JobEndKind, ledger: Ledger): Job {
    const end = { how, at: ledger.now };
    return this.#set(found, { ...job, end, claim: undefined, queuedAt: undefined }, ledger);
  }

  /** Back into the queue, behind those that wait; or given up. */
  #dropClaim(found: Found, at: Position, ledger: Ledger): Job {
    const { claim, failedBy, giveUpAfter, leaseMs } = found.job;
    if (claim === undefined) return found.job;
    const { worker } = claim;
    const others = failedBy.filter((one) => !equalBytes(one.worker, worker));
    const failed = [...others, { worker, until: ledger.now + leaseMs }];
    const job = { ...found.job, failedBy: failed, claim: undefined, queuedAt: at };
    if (failed.length >= giveUpAfter) return this.#end(found, job, 'given_up', ledger);
    return this.#set(found, job, ledger);
  }

  /** The inputs of a job as numbers. */
  #inputsOf({ job }: Found): readonly bigint[] | 'due' | 'lost' {
    const values = job.inputs.map((input) => {
      if (input.kind === 'value') return input.value;
      const source = jobOf(this.#names.find(input.path));
      if (source === undefined) return 'lost';
      if (source.end === undefined) return 'due';
      return source.end.how === 'done' ? resultOf(source, input.output) : 'lost';
    });
    if (values.includes('lost')) return 'lost';
    return values.includes('due') ? 'due' : values.filter((one) => typeof one === 'bigint');
  }

  /** A job that waits for its inputs: ready if all are there, over if one will never be. */
  #settle(found: Found, at: Position, ledger: Ledger): void {
    const values = this.#inputsOf(found);
    if (values === 'lost') this.#end(found, found.job, 'input_lost', ledger);
    else if (values !== 'due') this.#set(found, { ...found.job, values, queuedAt: at }, ledger);
  }

  /**
   * R21 (4): claims whose lease is over, then deadlines, both by path; then jobs whose inputs have
   * come or are lost, as many as the commit may.
   */
  endTimers(ledger: Ledger): void {
    const { now } = ledger;
    for (const path of this.#index.takeClaimEnds(now, ledger.room).sort(comparePaths)) {
      const found = this.#live(path);
      ledger.spend(1);
      if (!('kind' in found)) this.#dropClaim(found, ledger.next(), ledger);
    }
    for (const path of this.#index.takeDeadlines(now, ledger.room).sort(comparePaths)) {
      const found = this.#live(path);
      ledger.spend(1);
      if (!('kind' in found)) this.#end(found, found.job, 'expired', ledger);
    }
    this.#settleAll(ledger);
  }

  /**
   * In waves, each by path: what ends in one has its dependents in the next. Jobs that still wait
   * for another input cost nothing: after a restore there may be more of them.
   */
  #settleAll(ledger: Ledger): void {
    for (;;) {
      const wave = this.#index.takeUnsettled().flatMap((path) => {
        const found = this.#live(path);
        return 'kind' in found || this.#inputsOf(found) === 'due' ? [] : [found];
      });
      if (wave.length === 0) return;
      for (const found of wave) {
        if (ledger.room === 0) this.#index.putOff(found.path);
        else this.#settle(found, ledger.next(), ledger);
        ledger.spend(1);
      }
      if (ledger.room === 0) return;
    }
  }

  /** Paths of ended jobs that are to be removed now. */
  takeRetained({ now, room }: Ledger): readonly string[] {
    return this.#index.takeRetained(now, room).sort(comparePaths);
  }

  /** The node has died with the job that stood there. */
  nodeRemoved(path: string, job: Job, owner: PublicKey): void {
    this.#index.remove(path, job, toHex(owner));
  }

  /** After a restore: what is derived, from the namespace. */
  rebuild(): void {
    for (const node of this.#names.all()) {
      const job = jobOf(node);
      if (job !== undefined) this.#index.add(this.#names.pathOf(node), job, toHex(node.owner));
    }
    this.#index.findUnsettled((path) => jobOf(this.#names.find(path)));
  }
}

/** What the digests of one op's proofs take in a job's file at most. */
const BARE_BYTES = 512;
