// Real processes: machines renewed by proofs.
import { readFile } from 'node:fs/promises';
import { encodeProof, inspectProof, type Proof, parseStoneJson } from '@fatty/cairo-verify';
import type { RunningCell } from '@fatty/cli';
import type { Client, MachineLease } from '@fatty/client/node';
import type { Digest } from '@fatty/interface';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, endEverything, metricOf, newCell, newClient } from './cell.ts';

/** Five consecutive runs of one program, proved by StarkWare's prover (packages/cairo/verify/fixtures). */
const CHAIN = 5;

async function loadProof(i: number): Promise<Proof> {
  const url = new URL(
    `../../packages/cairo/verify/fixtures/lease-chain/${i}.json`,
    import.meta.url,
  );
  const parsed = parseStoneJson(await readFile(url, 'utf8'));
  if (!parsed.ok) throw new Error(parsed.failure.code);
  return parsed.value;
}

let cell: RunningCell;
let worker: Client;
let rival: Client;
let chain: readonly Proof[];
let programId: Digest;

const proofOf = (i: number): Uint8Array => {
  const proof = chain[i];
  if (proof === undefined) throw new Error(`no proof ${i}`);
  return encodeProof(proof);
};

/** The proof with one bit of its STARK flipped, `share` of the way through. */
function tampered(i: number, share: number): Uint8Array {
  const proof = chain[i];
  if (proof === undefined) throw new Error(`no proof ${i}`);
  const proofBytes = proof.proofBytes.slice();
  const at = Math.floor((proofBytes.length - 1) * share);
  proofBytes[at] = (proofBytes[at] ?? 0) ^ 1;
  return encodeProof({ ...proof, proofBytes });
}

beforeAll(async () => {
  chain = await Promise.all(Array.from({ length: CHAIN }, (_, i) => loadProof(i)));
  const [first] = chain;
  const statement = first && inspectProof(first).statement;
  if (statement === undefined) throw new Error('no statement');
  programId = statement.programId;
  cell = await newCell();
  [worker, rival] = await Promise.all([newClient(cell), newClient(cell)]);
});
afterAll(endEverything);

const declare = (path: string, periodMs: number) =>
  worker.machine(path).declare({ programId, t: 0n, s: 1n, binding: 'open', periodMs });

describe('a machine renewed by proofs', () => {
  const PATH = '/worker';
  let lease: MachineLease;

  it('is taken by the first proof, and by one lessee only', async () => {
    await declare(PATH, 60_000);
    expect(await codeOf(worker.machine(PATH).take([tampered(0, 0.5)]))).toBe('bad_merkle');
    expect((await worker.machine(PATH).stat()).lessee).toBeUndefined();
    lease = await worker.machine(PATH).take([proofOf(0)]);
    expect(lease.held).toBe(true);
    expect(await codeOf(rival.machine(PATH).take([proofOf(1)]))).toBe('held');
    for (const index of [0, 1, 2, 3]) {
      expect(await metricOf(cell, index, 'fatty_verify_seconds_count')).toBeGreaterThan(0);
    }
  });

  it('advances by each next proof, or by several at once', async () => {
    const before = lease.t;
    await lease.renew([proofOf(1)]);
    expect(lease.t).toBeGreaterThan(before);
    await lease.renew([proofOf(2), proofOf(3)]);
    const state = await rival.machine(PATH).stat();
    expect([state.t, state.s]).toEqual([lease.t, lease.s]);
  });

  it('refuses tampered proofs wherever the bit was flipped, and is not moved', async () => {
    const { t } = lease;
    const codes: (string | undefined)[] = [];
    for (const share of [0, 0.02, 0.3, 0.7, 1]) {
      codes.push(await codeOf(lease.renew([tampered(4, share)])));
    }
    // What is hashed into the transcript moves the point that is asked; the rest is authenticated.
    expect(codes).toEqual(['bad_oods', 'bad_oods', 'bad_merkle', 'bad_merkle', 'bad_merkle']);
    expect((await worker.machine(PATH).stat()).t).toBe(t);
    expect(lease.held).toBe(true);
  });

  it('refuses proofs that were used and proofs out of turn', async () => {
    expect(await codeOf(lease.renew([proofOf(1)]))).toBe('stale_t');
    expect(await codeOf(lease.renew([proofOf(3)]))).toBe('stale_t');
    const { t } = lease;
    await lease.renew([proofOf(4)]);
    expect(lease.t).toBeGreaterThan(t);
    await lease.release();
    expect((await rival.machine(PATH).stat()).lessee).toBeUndefined();
  });

  it('cannot skip a step of the chain', async () => {
    await declare('/skipper', 60_000);
    expect(await codeOf(worker.machine('/skipper').take([proofOf(1)]))).toBe('wrong_t');
    const gap = [proofOf(0), proofOf(2)];
    expect(await codeOf(worker.machine('/skipper').take(gap))).toBe('broken_chain');
  });

  it('is lost within its period when no proof comes, and free for the next', async () => {
    await declare('/sleeper', 1_500);
    const held = await worker.machine('/sleeper').take([proofOf(0)]);
    const error = await held.lost;
    expect(['lock_lost', 'in_jeopardy', 'period_over']).toContain(error.code);
    expect(held.held).toBe(false);
    const state = await (async () => {
      for (;;) {
        const now = await rival.machine('/sleeper').stat();
        if (now.lessee === undefined) return now;
      }
    })();
    expect(state.t).toBe(held.t);
    const next = await rival.machine('/sleeper').take([proofOf(1)]);
    expect(next.generation.commit).toBeGreaterThan(held.generation.commit);
    expect(await codeOf(held.renew([proofOf(2)]))).toBe('not_lessee');
  });
});
