// Checks what a fleet's job came to, by the program itself and by its proofs.
import { decodeJobPieces, INBOX_START, inboxChain, type JobPiece } from '@fatty/api';
import {
  bindingCell,
  type CairoVerifier,
  COMMITTEE_POLICY,
  decodeProof,
  type LeaseStatement,
} from '@fatty/cairo';
import type { Client, JobState } from '@fatty/client';
import type { CellId } from '@fatty/interface';
import { type PlannedJob, PROGRAMS } from './graph.ts';

/** What was found of a job. */
export interface Audited {
  readonly state: JobState;
  /** Proofs that were verified. */
  readonly proofs: number;
  /** What is not as it should be. */
  readonly flaws: readonly string[];
}

/**
 * The job is done, its result is what its program comes to when it is run directly, and its file holds a
 * chain of proofs, each verified as `fatty proof verify` does, that lead from its first state to that
 * result over its inputs.
 */
export async function auditJob(
  client: Client,
  job: PlannedJob,
  verifier: CairoVerifier,
): Promise<Audited> {
  const state = await client.job(job.path).stat();
  const flaws: string[] = [];
  const expect = (holds: boolean, what: string): void =>
    void (holds || flaws.push(`${job.path}: ${what}`));
  expect(state.status === 'done', `is ${state.status}`);
  expect(
    state.progress.s === job.result.s,
    `s is ${state.progress.s}, its program says ${job.result.s}`,
  );
  const outputs = state.progress.outputs.join();
  expect(outputs === job.result.outputs.join(), `outputs are ${outputs}`);
  const file = decodeJobPieces((await client.get(job.path)).content);
  const pieces = file.ok ? file.value : [];
  const { cellId } = client.cell;
  const leases = pieces.flatMap((piece) => leasesOf(piece, { job, cellId, verifier, expect }));
  for (const flaw of chainFlaws(job, leases)) expect(false, flaw);
  return { state, proofs: leases.length, flaws };
}

interface Desk {
  readonly job: PlannedJob;
  readonly cellId: CellId;
  readonly verifier: CairoVerifier;
  readonly expect: (holds: boolean, what: string) => void;
}

/** The statements of the piece's proofs that hold. */
function leasesOf(
  { worker, nonce, proofs }: JobPiece,
  { job, cellId, verifier, expect }: Desk,
): readonly LeaseStatement[] {
  const { window, outputs } = PROGRAMS[job.kind];
  const extra = outputs + (window === 0 ? 0 : window + 1);
  const binding = bindingCell(cellId, job.path, worker, nonce);
  const { programId } = job.terms;
  return proofs.flatMap(({ envelope }) => {
    const proof = envelope && decodeProof(envelope);
    if (!proof?.ok) return expect(false, 'a proof is missing') ?? [];
    const terms = { programId, lease: { extra, binding } };
    const verdict = verifier.verifyProof(proof.value, COMMITTEE_POLICY, terms);
    if (verdict.kind === 'accept' && verdict.lease !== undefined) return [verdict.lease];
    expect(false, `a proof is refused: ${verdict.kind === 'reject' ? verdict.code : 'no lease'}`);
    return [];
  });
}

function chainFlaws(job: PlannedJob, leases: readonly LeaseStatement[]): readonly string[] {
  const flaws: string[] = [];
  const { window, outputs } = PROGRAMS[job.kind];
  let [t, s, chain, taken] = [0n, job.terms.s, INBOX_START, 0];
  let shown: readonly bigint[] = [];
  for (const lease of leases) {
    if (lease.tFrom !== t || lease.sFrom !== s) flaws.push(`a proof does not begin at t ${t}`);
    const entries = window === 0 ? [] : job.values.slice(taken, taken + window);
    chain = entries.reduce(inboxChain, chain);
    if (window > 0 && lease.extra[0] !== chain) flaws.push('a proof is about other inputs');
    taken += entries.length;
    t = lease.tTo;
    s = lease.sTo;
    shown = outputs === 0 ? [] : lease.extra.slice(-outputs);
  }
  if (t !== job.terms.steps || s !== job.result.s)
    flaws.push('its proofs do not lead to its result');
  if (shown.join() !== job.result.outputs.join()) flaws.push('its proofs show other outputs');
  return flaws;
}
