// Jobs through the SDK: a worker that claims, runs, proves and completes, in a cell of real replicas.
import { decodeJobPieces } from '@fatty/api';
import {
  bindingCell,
  COMMITTEE_POLICY,
  createCairoVerifier,
  decodeProof,
  idOfProgram,
  type Proof,
} from '@fatty/cairo';
import { fail, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Client, isFattyError } from '../src/index.ts';
import { startTestCell, type TestCell } from '../src/testing/index.ts';
import { type JobEvent, type Prover, proverPool, runJobs } from '../src/worker/index.ts';
import { programOf } from './worker-fake.ts';

const TILL = programOf('till');
const COUNTER = programOf('counter');
const programId = idOfProgram(TILL, 'plain');
const terms = { programId, window: 4, outputs: 2, leaseMs: 12_000 };
const pool = proverPool({ threads: 1 });
afterAll(() => pool.close());

let cell: TestCell;
beforeEach(async () => {
  cell = await startTestCell();
});
afterEach(() => cell[Symbol.asyncDispose]());

async function inFleet(): Promise<Client> {
  const client = await cell.connect();
  await client.create('/fleet', { node: 'directory' });
  return client;
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isFattyError(error) ? error.code : String(error)),
  );

async function statusesOf(client: Client): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, status } of client.job('/fleet').list()) found.push(`${name} ${status}`);
  return found;
}

/** What a lying worker has in place of a prover. */
function liar(change: (proof: Proof) => Outcome<Proof>): Prover {
  return {
    async prove(...args) {
      const made = await pool.prove(...args);
      return made.ok ? change(made.value) : made;
    },
    close: () => Promise.resolve(),
  };
}

describe('a worker', () => {
  it('does the jobs of a queue in their order, and each result carries its proof', async () => {
    const client = await inFleet();
    await client.job('/fleet/a').declare({ ...terms, inputs: [5n, 6n], steps: 3n, span: 2n });
    const inputs = [{ path: '/fleet/a' }, 100n];
    await client.job('/fleet/b').declare({ ...terms, inputs });
    expect(await statusesOf(client)).toEqual(['a ready', 'b waiting']);
    const worker = await cell.connect();
    const events: JobEvent[] = [];
    const onProgress = (event: JobEvent): void => void events.push(event);
    const work = { path: '/fleet', programs: [COUNTER, TILL], prover: pool, onProgress };
    const { done } = await runJobs(worker, { ...work, wait: false });
    expect(done).toEqual(['/fleet/a', '/fleet/b']);
    const kinds = events.map(({ kind }) => kind);
    expect(kinds).toEqual(['claimed', 'proved', 'proved', 'claimed', 'proved']);
    const [a, b] = [await client.job('/fleet/a').stat(), await client.job('/fleet/b').stat()];
    expect([a.status, a.progress.s, a.proofs]).toEqual(['done', 11n, 2]);
    expect([b.status, b.progress.s, b.progress.outputs]).toEqual(['done', 111n, [111n, 2n]]);
    const verifier = await createCairoVerifier();
    const pieces = decodeJobPieces((await client.get('/fleet/b')).content);
    if (!pieces.ok) throw new Error(pieces.failure.code);
    for (const { worker: by, nonce, proofs } of pieces.value) {
      expect(by).toEqual(worker.key);
      const proof = decodeProof(proofs[0]?.envelope ?? new Uint8Array(0));
      if (!proof.ok) throw new Error(proof.failure.code);
      const binding = bindingCell(client.cell.cellId, '/fleet/b', by, nonce);
      const lease = { extra: 7, binding };
      const verdict = verifier.verifyProof(proof.value, COMMITTEE_POLICY, { programId, lease });
      expect(verdict).toMatchObject({ kind: 'accept', lease: { sTo: 111n } });
    }
  });

  it('that lies is refused, and its job goes to the next', async () => {
    const client = await inFleet();
    await client.job('/fleet/a').declare({ ...terms, inputs: [5n] });
    const [bad, good] = [await cell.connect(), await cell.connect()];
    const events: JobEvent[] = [];
    const work = { path: '/fleet', programs: [TILL], wait: false };
    const forged = liar((proof) =>
      ok({ ...proof, proofBytes: proof.proofBytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) }),
    );
    const onProgress = (event: JobEvent): void => void events.push(event);
    await runJobs(bad, { ...work, prover: forged, onProgress });
    expect(events.map(({ kind }) => kind)).toEqual(['claimed', 'failed']);
    expect((await client.job('/fleet/a').stat()).failedBy).toEqual([bad.key]);
    expect(await codeOf(bad.job('/fleet').claim())).toBe('no_job');
    const { done } = await runJobs(good, { ...work, prover: pool });
    expect(done).toEqual(['/fleet/a']);
  });

  it('claims the next while it proves one, if it may', async () => {
    const client = await inFleet();
    for (const name of ['a', 'b', 'c']) {
      await client.job(`/fleet/${name}`).declare({ ...terms, inputs: [5n] });
    }
    let [claimed, proving, claimedWhileProving] = [0, 0, 0];
    const prover: Prover = {
      async prove(...args) {
        proving++;
        const made = await pool.prove(...args);
        proving--;
        return made;
      },
      close: () => Promise.resolve(),
    };
    const work = { path: '/fleet', programs: [TILL], wait: false, prover, atOnce: 2 };
    const onProgress = ({ kind }: JobEvent): void => {
      if (kind !== 'claimed') return;
      claimed++;
      if (proving > 0) claimedWhileProving++;
    };
    const { done } = await runJobs(client, { ...work, onProgress });
    expect(done.toSorted()).toEqual(['/fleet/a', '/fleet/b', '/fleet/c']);
    expect(claimed).toBe(3);
    expect(claimedWhileProving).toBeGreaterThan(0);
    expect(await codeOf(runJobs(client, { ...work, atOnce: 5 }))).toBe('bad_argument');
  });

  it('gives back what it cannot do, and stops when it is told', async () => {
    const client = await inFleet();
    await client.job('/fleet/a').declare({ ...terms, inputs: [5n], giveUpAfter: 1 });
    const events: JobEvent[] = [];
    const onProgress = (event: JobEvent): void => void events.push(event);
    const stop = new AbortController();
    const broken: Prover = {
      prove: () => Promise.resolve(fail('prover_died', 'a proof', 'none')),
      close: () => Promise.resolve(),
    };
    const working = runJobs(client, {
      path: '/fleet',
      programs: [TILL],
      prover: broken,
      signal: stop.signal,
      pollMs: 10,
      onProgress: (event) => {
        onProgress(event);
        if (event.kind === 'failed') stop.abort();
      },
    });
    expect((await working).done).toEqual([]);
    expect(events.at(-1)).toMatchObject({ kind: 'failed', error: { code: 'prover_died' } });
    expect((await client.job('/fleet/a').stat()).status).toBe('given_up');
  });
});

it('declares, claims, cancels and shows; refusals are errors with codes', async () => {
  const client = await inFleet();
  const job = client.job('/fleet/a');
  await job.declare({ ...terms, inputs: [1n] });
  expect(await codeOf(job.declare({ ...terms, inputs: [1n] }))).toBe('exists');
  expect(await codeOf(client.job('/fleet/b').declare({ ...terms, steps: 0n }))).toBe('bad_job');
  const wrong = { ...terms, span: 1 } as never;
  expect(await codeOf(client.job('/fleet/b').declare(wrong))).toBe('bad_argument');
  const other = await cell.connect();
  const claim = await other.job('/fleet').claim();
  expect(claim.path).toBe('/fleet/a');
  expect(await codeOf(client.job('/fleet/a').claim())).toBe('job_claimed');
  expect(await codeOf(other.job('/fleet/a').cancel())).toBe('not_job_owner');
  const proof = { nonce: claim.nonce, outputs: 2, window: 4 };
  expect(await codeOf(other.job('/fleet/a').prove([], proof))).toBe('no_proof');
  expect(await other.job('/fleet/a').fail(claim.nonce)).toBe(false);
  await job.cancel();
  expect((await job.stat()).status).toBe('cancelled');
  expect(await codeOf(job.cancel())).toBe('job_ended');
});
