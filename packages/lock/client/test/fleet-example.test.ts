// The worked example of a fleet, with a worker that stalls, one that lies, and a coordinator that goes.
import { ok } from '@fatty/codec';
import { expect, it } from 'vitest';
import {
  check,
  coordinate,
  findMaster,
  prepare,
  type Sum,
  untilDone,
  work,
} from '../examples/fleet.ts';
import { startTestCell } from '../src/testing/index.ts';
import { type Prover, proverPool } from '../src/worker/index.ts';
import { programOf } from './worker-fake.ts';

const JOBS: readonly Sum[] = [
  { name: 'a', inputs: [1n, 2n, 3n] },
  { name: 'b', inputs: [10n, 20n, 30n, 40n, 50n, 60n] },
  { name: 'c', inputs: ['a', 'b'] },
  { name: 'd', inputs: ['c', 'a', 1_000n] },
];

it('a fleet does its jobs right, whoever stalls, lies or goes', async () => {
  await using cell = await startTestCell();
  const [till, master] = [programOf('till'), programOf('tick')];
  const pool = proverPool({ threads: 1 });
  const [client, first, second, honest, bad, silent] = await Promise.all(
    Array.from({ length: 6 }, () => cell.connect({ leaseMs: 60_000 })),
  );
  if (!client || !first || !second || !honest || !bad || !silent) throw new Error('clients');
  await prepare(client, master);
  const [stopFirst, stop] = [new AbortController(), new AbortController()];
  const { signal } = stop;
  const options = { till, master, prover: pool };
  const leading = coordinate(first, JOBS.slice(0, 2), {
    ...options,
    address: 'first',
    signal: stopFirst.signal,
  });
  const found = async (address: string): Promise<void> => {
    while ((await findMaster(client)) !== address)
      await new Promise((next) => setTimeout(next, 50));
  };
  await found('first');
  const standingBy = coordinate(second, JOBS, { ...options, address: 'second', signal });
  // Claims one and says nothing more until it gives it back.
  const silence = await silent.job('/fleet/jobs').claim();
  const liar: Prover = {
    async prove(...args) {
      const made = await pool.prove(...args);
      return made.ok
        ? ok({
            ...made.value,
            proofBytes: made.value.proofBytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
          })
        : made;
    },
    close: () => Promise.resolve(),
  };
  const lying = work(bad, till, { signal, prover: liar });
  stopFirst.abort();
  await Promise.all([leading, found('second')]);
  const working = work(honest, till, { signal, prover: pool });
  await silent.job(silence.path).fail(silence.nonce);
  await untilDone(client, JOBS.length, signal);
  const sums = await Promise.all(JOBS.map(({ name }) => check(client, name, till)));
  expect(sums.map(({ sum }) => sum)).toEqual([6n, 210n, 216n, 1_222n]);
  expect(sums.map(({ proofs }) => proofs)).toEqual([1, 2, 1, 1]);
  stop.abort();
  expect((await lying).done).toEqual([]);
  expect((await working).done).toHaveLength(JOBS.length);
  expect(sums.some(({ state }) => state.failedBy.length > 0)).toBe(true);
  await standingBy;
  await pool.close();
});
