// Threads: the same proof however many they are, and what a prover thread relays.
import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import {
  createProver,
  PHASES,
  type ProverProgress,
  type ProverReply,
  type ProverRequest,
  proofParameters,
} from '../src/index.ts';
import type { Vector } from '../src/kernels/kernels.ts';
import type { Crew } from '../src/kernels/wasm/crew.ts';
import { compileKernels, WasmKernels } from '../src/kernels/wasm/kernels.ts';
import { codeOf, expectSame, must, tick } from './runs.ts';

const prover = await createProver();

/** `count` threads that help a prover of this one; and how to end them. */
function crewOf(count: number): Crew & { readonly end: () => Promise<unknown> } {
  const channels = Array.from({ length: count }, () => new MessageChannel());
  const threads = channels.map(
    ({ port2: port }) =>
      new Worker(new URL('../dist/prover-helper.js', import.meta.url), {
        execArgv: [],
        workerData: { port },
        transferList: [port],
      }),
  );
  return {
    helpers: count,
    summon: (helper, aid) => channels[helper]?.port1.postMessage(aid),
    end: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}

describe('several threads', () => {
  test.each([1, 2, 4])(
    'one more than %i make the same bytes, whatever the sizes',
    async (count) => {
      const crew = crewOf(count);
      const together = await createProver(crew);
      for (const [transitions, options] of [
        [1n, { logNCosets: 1 }],
        [12n, { logNCosets: 2, commitmentHash: 'blake256_masked248_lsb', channelHash: 'blake256' }],
        [3n, { logNCosets: 4 }],
      ] as const) {
        const run = tick(transitions);
        const parameters = proofParameters(run.publicInput.nSteps, { bits: 40, ...options });
        const fractions = new Map<string, number>();
        const onProgress = ({ phase, fraction }: ProverProgress): void => {
          expect(fraction).toBeGreaterThanOrEqual(fractions.get(phase) ?? 0);
          fractions.set(phase, fraction);
        };
        const proof = must(together.prove(run, parameters, { onProgress }));
        expectSame(must(prover.prove(run, parameters)), proof);
        expect([...fractions.keys()]).toEqual(PHASES);
      }
      await crew.end();
    },
  );

  test('are let go when a proof is given up, or when it fails; two proofs at once do not mix', async () => {
    const crew = crewOf(1);
    const memories = new Set<object>();
    const together = await createProver({
      helpers: 1,
      summon: (helper, aid) => {
        memories.add(aid.memory);
        crew.summon(helper, aid);
      },
    });
    const run = tick(1n);
    const parameters = proofParameters(run.publicInput.nSteps, { bits: 40 });
    const wanted = must(prover.prove(run, parameters));
    for (const last of PHASES) {
      const controller = new AbortController();
      const onProgress = ({ phase }: ProverProgress): void => {
        if (phase === last) controller.abort();
      };
      const options = { signal: controller.signal, onProgress };
      expect(codeOf(together.prove(run, parameters, options))).toMatch(/cancelled|proved/);
    }
    expect(codeOf(together.prove({ ...run, trace: [] }, parameters))).toBe('bad_run');
    // Whoever is let go leaves the memory for the next.
    expect(memories.size).toBe(1);
    const one = together.turns(run, parameters);
    for (let i = 0; i < 10; i++) one.next();
    expectSame(must(together.prove(run, parameters)), wanted);
    for (let turn = one.next(); ; turn = one.next())
      if (turn.done) {
        expectSame(must(turn.value), wanted);
        break;
      }
    await crew.end();
  });
});

test('every task is done once, however short the rounds', async () => {
  const crew = crewOf(3);
  const commitment = { base: 'keccak256', from: 0, to: 32 } as const;
  const options = { commitment, channel: 'keccak256', crew } as const;
  const kernels = new WasmKernels(await compileKernels(true), options);
  const [one, ...cells] = Array.from({ length: 7 }, () => kernels.vector(1)) as [Vector];
  for (const cell of [one, ...cells]) kernels.write(cell, [1n]);
  for (let round = 1; round <= 5000; round++) {
    // Fewer and more tasks in turn: a late thread must not take one of an earlier round.
    const some = cells.slice(0, 2 + (round % 5));
    kernels.together(some.map((cell) => () => kernels.add(cell, cell, one)));
  }
  expect(cells.map((cell) => kernels.read(cell)[0])).toEqual(
    cells.map((_, i) => 5001n - 1000n * BigInt(Math.max(0, i - 1))),
  );
  kernels.close();
  await crew.end();
});

test('a thread: proofs one after the other, a cancelled one between', async () => {
  const worker = new Worker(new URL('../dist/prover-worker.js', import.meta.url), {
    execArgv: [],
    workerData: { helpers: [] },
  });
  const run = tick(1n);
  const { publicInput, trace, memory } = run;
  const parameters = proofParameters(publicInput.nSteps);
  const ask = (request: ProverRequest): void => worker.postMessage(request);
  for (const id of [1, 2, 3])
    ask({ kind: 'prove', id, run: { publicInput, trace, memory }, parameters });
  ask({ kind: 'cancel', id: 2 });
  const codes: string[] = [];
  let progress = 0;
  await new Promise<void>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (reply: ProverReply) => {
      if (reply.kind === 'progress') progress++;
      else codes.push(`${reply.id} ${codeOf(reply.outcome)}`);
      if (codes.length === 3) resolve();
    });
  });
  await worker.terminate();
  expect(codes).toEqual(['1 proved', '2 cancelled', '3 proved']);
  expect(progress).toBeGreaterThan(2 * PHASES.length);
});
