// Tests of the verifier's thread and lanes.
import { asPublicKey } from '@fatty/codec';
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
    // Two are with the worker, two wait.
    const asked = [2, 4, 6, 8, 10].map((n) => pool.verify(job(n)));
    expect(await asked[4]).toBeUndefined();
    const accept = { kind: 'accept' };
    expect(await Promise.all(asked)).toEqual([accept, accept, accept, accept, undefined]);
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

  describe('has lanes', () => {
    const client = (name: number) => asPublicKey(new Uint8Array(32).fill(name));
    /** Asks for the jobs in this order; answers their first bytes in the order they were served. */
    async function servedOrder(asked: readonly [number, number | undefined][]): Promise<number[]> {
      const pool = poolOf({ queueMax: 64 });
      const done: number[] = [];
      const all = asked.map(async ([name, from]) => {
        await pool.verify(job(name), from === undefined ? undefined : client(from));
        done.push(name);
      });
      await Promise.all(all);
      return done;
    }

    it('what a block waits for goes before what clients sent', async () => {
      const mine = Array.from({ length: 30 }, (_, k): [number, number] => [2 * k + 2, 7]);
      const order = await servedOrder([...mine, [100, undefined], [102, undefined]]);
      // Two were with the worker already.
      expect(order.indexOf(100)).toBe(2);
      expect(order.indexOf(102)).toBe(3);
      expect(order).toHaveLength(32);
    });

    it('clients take turns, and blocks do not starve them', async () => {
      const mine = Array.from({ length: 20 }, (_, k): [number, number] => [2 * k + 2, 7]);
      const other: [number, number] = [80, 8];
      const blocks = Array.from({ length: 12 }, (_, k): [number, undefined] => [
        2 * k + 100,
        undefined,
      ]);
      const order = await servedOrder([...mine, other, ...blocks]);
      const first = order.filter((name) => name >= 100 || name === 80);
      expect(first.indexOf(80), 'within the second client turn').toBeLessThanOrEqual(8);
    });

    it('a job of a client that a block needs goes as a block', async () => {
      const pool = poolOf({ queueMax: 64 });
      const done: number[] = [];
      const all = Array.from({ length: 20 }, (_, k) => {
        const name = 2 * k + 2;
        return pool.verify(job(name), client(7)).then(() => done.push(name));
      });
      void pool.verify(job(40));
      await Promise.all(all);
      expect(done.indexOf(40)).toBe(2);
    });

    it('a full lane of clients leaves room for blocks', async () => {
      const pool = poolOf({ queueMax: 2 });
      const asked = [2, 4, 6, 8, 10].map((name) => pool.verify(job(name), client(7)));
      expect(await asked[4]).toBeUndefined();
      expect(await pool.verify(job(12))).toEqual({ kind: 'accept' });
    });
  });
});
