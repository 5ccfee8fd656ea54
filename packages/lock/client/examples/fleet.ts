// A worked example: a fleet in one file. Coordinators hand out jobs, workers do them, anybody checks the results.
//
// Each role takes a connected client, so that it runs in a process of its own just as well:
//
//   const client = await connect('./my-cell/cell.json', { leaseMs: 6_000 });
//   await coordinate(client, jobs, { program, address: 'http://10.0.0.7:8080/', signal });
//
// What stalls, lies or dies costs time and changes no result: a claim that is not proved goes to the next worker, a
// wrong proof is refused, and the lock's generation keeps a coordinator that was replaced from declaring anything.
import { decodeJobPieces } from '@fatty/api';
import {
  bindingCell,
  COMMITTEE_POLICY,
  createCairoVerifier,
  decodeProof,
  idOfProgram,
  type Runnable,
} from '@fatty/cairo';
import { type Client, isFattyError, type JobState, type Lock } from '../src/index.ts';
import { type JobsEnd, type Prover, runJobs, runMachine } from '../src/worker/index.ts';

/** The lock whose holder coordinates, the machine that it takes by proof, and the queue. */
const LEAD = '/fleet/lead';
const MASTER = '/fleet/master';
const QUEUE = '/fleet/jobs';

/** A sum of numbers and of other jobs' results. */
export interface Sum {
  readonly name: string;
  readonly inputs: readonly (bigint | string)[];
}

/** Cells of `till.casm`: a proof takes in up to four numbers and shows their sum and count. */
const FORM = { window: 4, outputs: 2 };
const EXTRA = 1 + FORM.window + FORM.outputs;

/** Once, by whoever sets the fleet up. `master`: a program whose proofs keep the master's lease. */
export async function prepare(client: Client, master: Runnable): Promise<void> {
  await client.create(LEAD, { mode: 'guarded', parents: true });
  await client.create(QUEUE, { node: 'directory' });
  const programId = idOfProgram(master, 'plain');
  await client.machine(MASTER).declare({ programId, t: 0n, s: 1n, periodMs: 12_000 });
}

/** What a coordinator is told. */
export interface CoordinatorOptions {
  readonly till: Runnable;
  /** The program of `prepare`. */
  readonly master: Runnable;
  /** Where it can be found; published for as long as its proofs keep the machine. */
  readonly address: string;
  /** Ends it, and gives lock and machine back. */
  readonly signal: AbortSignal;
  readonly prover: Prover;
}

/**
 * Waits until it is elected, then takes the master's machine by proof, publishes its address there, and declares
 * the jobs that are not there yet. Run two of them: the second goes on where the first one fell.
 */
export async function coordinate(
  client: Client,
  jobs: readonly Sum[],
  { till, master, address, signal, prover }: CoordinatorOptions,
): Promise<void> {
  while (!signal.aborted) {
    const lock = await client.acquire(LEAD, { signal }).catch(ignoring(signal));
    if (lock === undefined) return;
    const reign = AbortSignal.any([lock.signal, signal]);
    const publish = { address };
    const kept = runMachine(client, {
      path: MASTER,
      program: master,
      publish,
      prover,
      signal: reign,
    });
    const declared = declareAll(client, jobs, till, lock).catch(ignoring(reign));
    await Promise.all([kept, declared]);
    await lock.release();
  }
}

/** Under the generation of the lock: refused (`lock_mismatch`) once somebody else has it. */
async function declareAll(
  client: Client,
  jobs: readonly Sum[],
  till: Runnable,
  { generation }: Lock,
): Promise<void> {
  const fence = { path: LEAD, lockGen: generation };
  const terms = { ...FORM, programId: idOfProgram(till, 'plain'), giveUpAfter: 8, fence };
  for (const { name, inputs } of jobs) {
    const given = inputs.map((one) =>
      typeof one === 'string' ? { path: `${QUEUE}/${one}` } : one,
    );
    const steps = BigInt(Math.max(1, Math.ceil(inputs.length / FORM.window)));
    const job = client.job(`${QUEUE}/${name}`);
    await job.declare({ ...terms, inputs: given, steps, span: 1n }).catch((error: unknown) => {
      // Whoever coordinated before has declared it.
      if (!isFattyError(error, 'exists')) throw error;
    });
  }
}

/** Claims, runs, proves and completes, one job after another, until it is told to stop. */
export function work(
  client: Client,
  till: Runnable,
  options: { readonly signal: AbortSignal; readonly prover: Prover },
): Promise<JobsEnd> {
  return runJobs(client, { path: QUEUE, programs: [till], pollMs: 100, ...options });
}

/** Resolves when so many jobs are done. @throws Error when one of them ended without a result */
export async function untilDone(client: Client, count: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let done = 0;
    for await (const { name, status } of client.job(QUEUE).list()) {
      if (status === 'done') done++;
      else if (!['waiting', 'ready', 'claimed'].includes(status))
        throw new Error(`${name}: ${status}`);
    }
    if (done === count) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Where the master says that it is; empty while nobody's proofs keep the machine. */
export async function findMaster(client: Client): Promise<string> {
  return (await client.machine(MASTER).stat()).address;
}

/** A result that rests on proofs which were checked here, not on anybody's word. */
export interface Checked {
  readonly sum: bigint;
  readonly proofs: number;
  readonly state: JobState;
}

/** @throws Error for a job whose proofs do not lead from (0, 0) to its result */
export async function check(client: Client, name: string, till: Runnable): Promise<Checked> {
  const path = `${QUEUE}/${name}`;
  const state = await client.job(path).stat();
  const pieces = decodeJobPieces((await client.get(path)).content);
  if (!pieces.ok) throw new Error(`${path}: ${pieces.failure.code}`);
  const verifier = await createCairoVerifier();
  const programId = idOfProgram(till, 'plain');
  let [t, sum, proofs] = [0n, 0n, 0];
  for (const piece of pieces.value) {
    const binding = bindingCell(client.cell.cellId, path, piece.worker, piece.nonce);
    const wanted = { programId, lease: { extra: EXTRA, binding } };
    for (const { envelope } of piece.proofs) {
      const proof = decodeProof(envelope ?? new Uint8Array(0));
      if (!proof.ok) throw new Error(`${path}: ${proof.failure.code}`);
      const verdict = verifier.verifyProof(proof.value, COMMITTEE_POLICY, wanted);
      if (verdict.kind === 'reject') throw new Error(`${path}: ${verdict.code}`);
      const { lease } = verdict;
      if (lease?.tFrom !== t || lease.sFrom !== sum) throw new Error(`${path}: a gap at ${t}`);
      ({ tTo: t, sTo: sum } = lease);
      proofs++;
    }
  }
  if (sum !== state.progress.s || t !== state.steps) throw new Error(`${path}: not what it shows`);
  return { sum, proofs, state };
}

function ignoring(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
