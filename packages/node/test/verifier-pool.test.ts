import { afterEach, describe, expect, it } from 'vitest';
import { type PoolOptions, verifierPool } from '../src/verifier-pool.ts';

/** A thread that says `accept` to jobs of an even first byte, dies at 0xdd, and counts its jobs. */
const THREAD = `
import { parentPort } from 'node:worker_threads';
let served = 0;
parentPort.on('message', ({ id, job }) => {
  served++;
  if (job[0] === 0xdd) throw new Error('told to die');
  const refusal = { kind: 'reject', code: 'odd', expected: 'even', actual: String(served) };
  parentPort.postMessage({ id, verdict: job[0] % 2 === 0 ? { kind: 'accept' } : refusal });
});`;
const entry = new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`);

const pools: { close(): Promise<void> }[] = [];
const poolOf = (options: Partial<PoolOptions> = {}) => {
  const pool = verifierPool({ entry, queueMax: 8, ...options });
  pools.push(pool);
  return pool;
};
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

const job = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

describe('verifier pool', () => {
  it('answers each job with its own verdict', async () => {
    const pool = poolOf();
    const verdicts = await Promise.all([2, 3, 4].map((n) => pool.verify(job(n))));
    expect(verdicts.map((verdict) => verdict?.kind)).toEqual(['accept', 'reject', 'accept']);
  });

  it('runs the same job asked twice at once only once, and again later', async () => {
    const pool = poolOf();
    const [first, second] = await Promise.all([pool.verify(job(3)), pool.verify(job(3))]);
    expect(first).toMatchObject({ actual: '1' });
    expect(second).toBe(first);
    expect(await pool.verify(job(3))).toMatchObject({ actual: '2' });
  });

  it('gives no verdict when the thread dies, says so, and works again', async () => {
    const crashes: string[] = [];
    const pool = poolOf({ onCrash: (error) => crashes.push(error.message) });
    const lost = await Promise.all([pool.verify(job(0xdd)), pool.verify(job(2))]);
    expect(lost[0]).toBeUndefined();
    expect(lost[1]).toBeUndefined();
    expect(crashes).toEqual(['told to die']);
    expect(await pool.verify(job(2))).toEqual({ kind: 'accept' });
  });

  it('gives no verdict beyond the bound of its queue, at once', async () => {
    const pool = poolOf({ queueMax: 2 });
    const asked = [2, 4, 6].map((n) => pool.verify(job(n)));
    expect(await asked[2]).toBeUndefined();
    expect(await Promise.all(asked)).toEqual([{ kind: 'accept' }, { kind: 'accept' }, undefined]);
    expect(await pool.verify(job(6))).toEqual({ kind: 'accept' });
  });

  it('gives no verdict to what waits when it closes, nor after', async () => {
    const pool = poolOf();
    const asked = pool.verify(job(2));
    await pool.close();
    expect([undefined, 'accept']).toContain((await asked)?.kind);
    expect(await pool.verify(job(2))).toBeUndefined();
  });

  it('gives no verdict when there is no such thread', async () => {
    const crashes: string[] = [];
    const missing = new URL('./no-such-worker.js', import.meta.url);
    const pool = poolOf({ entry: missing, onCrash: (error) => crashes.push(error.message) });
    expect(await pool.verify(job(2))).toBeUndefined();
    expect(crashes).toHaveLength(1);
  });
});
