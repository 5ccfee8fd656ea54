// The workers of the fleet: those that work, and those that stall, lie or die.
import { decodeJobPieces, INBOX_START } from '@fatty/api';
import { bindingCell, encodeProof, type Proof, proofParameters } from '@fatty/cairo';
import { type ClaimedJob, isFattyError, type JobState } from '@fatty/client/node';
import { type JobEvent, type Prover, proverPool, runJobs } from '@fatty/client/worker';
import { forEver, type Post, sleep } from './duty.ts';
import { type PlannedJob, PROGRAMS, QUEUE, runPart } from './graph.ts';

const POLL_MS = 250;
const ALL = Object.values(PROGRAMS).map(({ program }) => program);

/** Claims, runs, proves, completes; one after another. */
export async function work(post: Post): Promise<void> {
  await workWith(post, proverPool({ threads: 1 }));
}

async function workWith({ client, tell }: Post, prover: Prover): Promise<void> {
  const onProgress = (event: JobEvent): void => {
    const { kind, path } = event;
    if (kind === 'claimed') tell({ kind, path });
    else if (kind === 'proved') tell({ kind, path, done: event.done });
    else tell({ kind, path, code: event.error.code });
  };
  await runJobs(client, { path: QUEUE, programs: ALL, prover, pollMs: POLL_MS, onProgress });
}

/** Works like any other, and never hands a proof in: it is to be killed with a claim in its hands. */
export async function workAndDie(post: Post): Promise<void> {
  const pool = proverPool({ threads: 1 });
  await workWith(post, {
    prove: async (...args) => {
      await pool.prove(...args);
      return forEver();
    },
    close: () => pool.close(),
  });
}

/** Claims one job and says nothing more. */
export async function stall(post: Post): Promise<void> {
  const { path } = await claimOne(post);
  post.tell({ kind: 'silent', path });
  await forEver();
}

async function claimOne({ client, tell }: Post): Promise<ClaimedJob> {
  for (;;) {
    try {
      const claim = await client.job(QUEUE).claim();
      tell({ kind: 'claimed', path: claim.path });
      return claim;
    } catch (error) {
      if (!isFattyError(error)) throw error;
      await sleep(POLL_MS);
    }
  }
}

/** Claims one job, and tries to complete it in every way but by its proof. */
export async function lie(post: Post): Promise<void> {
  const stolen = await stealProof(post);
  const { path, nonce } = await claimOne(post);
  const job = post.jobs.find((one) => one.path === path);
  if (job === undefined) throw new Error(`${path} is no job of ours`);
  const liar = new Liar(post, job, { path, nonce, leaseExpiry: 0 });
  const state = await post.client.job(path).stat();
  const honest = await liar.prove(state, 0n);
  await liar.tryOn('a proof with one bit flipped', [encodeProof(flipped(honest))]);
  await liar.tryOn('a true proof with another result written in', [encodeProof(bent(honest))]);
  await liar.tryOn('a proof that somebody else made, for another job', [stolen]);
  const other = await liar.prove(state, 1n);
  await liar.tryOn('a true proof, of other inputs or another state', [encodeProof(other)]);
  await forEver();
}

/** The proof that the first job which was done carries. */
async function stealProof({ client }: Post): Promise<Uint8Array> {
  for (;;) {
    for await (const { name, status } of client.job(QUEUE).list()) {
      if (status !== 'done') continue;
      const pieces = decodeJobPieces((await client.get(`${QUEUE}/${name}`)).content);
      const envelope = pieces.ok ? pieces.value[0]?.proofs[0]?.envelope : undefined;
      if (envelope !== undefined) return envelope;
    }
    await sleep(POLL_MS);
  }
}

class Liar {
  readonly #post: Post;
  readonly #job: PlannedJob;
  readonly #claim: ClaimedJob;
  readonly #prover = proverPool({ threads: 1 });

  constructor(post: Post, job: PlannedJob, claim: ClaimedJob) {
    this.#post = post;
    this.#job = job;
    this.#claim = claim;
  }

  /** Of the next part of the job, as it stands; `off` is added to where it starts, and to its inputs. */
  async prove({ progress, span, values }: JobState, off: bigint): Promise<Proof> {
    const { path, nonce } = this.#claim;
    const { client } = this.#post;
    const one = PROGRAMS[this.#job.kind];
    const { t, s, taken } = progress;
    const entries = values.slice(taken, taken + one.window).map((value) => value + off);
    const left = this.#job.terms.steps - t;
    const run = runPart(one, {
      binding: bindingCell(client.cell.cellId, path, client.key, nonce),
      t,
      s: one.window === 0 ? s + off : s,
      n: left < span ? left : span,
      in: taken === 0 ? INBOX_START : progress.in,
      entries,
    });
    const made = await this.#prover.prove(run, proofParameters(run.publicInput.nSteps));
    if (made.ok) return made.value;
    throw new Error(`there is no proof: ${made.failure.code}`);
  }

  async tryOn(lie: string, proofs: readonly Uint8Array[]): Promise<void> {
    const { client, tell } = this.#post;
    const { path, nonce } = this.#claim;
    const { window, outputs } = PROGRAMS[this.#job.kind];
    try {
      await client.job(path).prove(proofs, { nonce, window, outputs });
      tell({ kind: 'believed', path, lie });
    } catch (error) {
      if (!isFattyError(error)) throw error;
      tell({ kind: 'refused', path, lie, code: error.code });
    }
  }
}

function flipped(proof: Proof): Proof {
  const proofBytes = proof.proofBytes.slice();
  const middle = proofBytes.length >> 1;
  proofBytes[middle] = (proofBytes[middle] ?? 0) ^ 1;
  return { ...proof, proofBytes };
}

const S_TO = 5;
/** Main's frame begins so far behind the first fp. */
const FRAME = 2;

function bent(proof: Proof): Proof {
  const { publicInput } = proof;
  const execution = publicInput.segments.find(({ name }) => name === 'execution');
  const address = (execution?.beginAddr ?? 0) + FRAME + S_TO;
  const publicMemory = publicInput.publicMemory.map((cell) =>
    cell.address === address ? { ...cell, value: cell.value + 1n } : cell,
  );
  return { ...proof, publicInput: { ...publicInput, publicMemory } };
}
