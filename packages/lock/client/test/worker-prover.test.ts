// Embedded and outside provers, their cancellation and their deaths.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import workerThreads, { type Worker } from 'node:worker_threads';
import {
  COMMITTEE_POLICY,
  createCairoVerifier,
  decodeProof,
  loadProgram,
  type Proof,
  parseStoneJson,
  proofParameters,
  type Run,
  runProgram,
} from '@fatty/cairo';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { commandProver, proverPool, runMachine } from '../src/worker/index.ts';
import { FakeMachine, PATH, programOf, VirtualClock } from './worker-fake.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const RECORDED = here('../../../cairo/verify/fixtures/lease-chain/1.json');
const STAND_IN = here('./worker-stand-in.mjs');

function recorded(): Proof {
  const proof = parseStoneJson(readFileSync(RECORDED, 'utf8'));
  if (!proof.ok) throw new Error(proof.failure.code);
  return proof.value;
}

/** The run that the recorded proof is about, or one of other inputs. */
function runOf(cells: readonly bigint[]): Run {
  const program = loadProgram(
    readFileSync(here('../../../cairo/verify/fixtures/lease-tick.json'), 'utf8'),
  );
  if (!program.ok) throw new Error(program.failure.code);
  const options = { inputs: cells.slice(0, 4), statementCells: 6, provable: true };
  const run = runProgram(program.value, options);
  if (!run.ok) throw new Error(run.failure.code);
  return run.value;
}

const proof = recorded();
const run = runOf(proof.publicInput.publicMemory.slice(-6).map(({ value }) => value));
const pool = proverPool();
afterAll(() => pool.close());

describe('the prover pool', () => {
  it.each([1, 2, 3])('makes in %i threads the proof that Stone made', async (threads) => {
    const mine = proverPool({ threads });
    const phases = new Set<string>();
    const onProgress = ({ phase }: { phase: string }): void => void phases.add(phase);
    // The second in the memory of the first.
    for (let i = 0; i < 2; i++) {
      const made = await mine.prove(run, proof.parameters, { onProgress });
      expect(made.ok && Buffer.from(made.value.proofBytes).equals(proof.proofBytes)).toBe(true);
    }
    expect(phases.size).toBeGreaterThan(3);
    await mine.close();
  });

  it('cancels, before and during a proof, and goes on with the next', async () => {
    const parameters = proofParameters(run.publicInput.nSteps);
    const early = await pool.prove(run, parameters, { signal: AbortSignal.abort() });
    const controller = new AbortController();
    const late = pool.prove(run, parameters, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    const next = pool.prove(run, proofParameters(128, { bits: 32 }));
    for (const outcome of [early, await late]) {
      expect(outcome).toMatchObject({ ok: false, failure: { code: 'cancelled' } });
    }
    expect((await next).ok).toBe(true);
  });

  it('says so when its thread ends, and has another for the next proof', async () => {
    const parameters = proofParameters(128, { bits: 32, powBits: 0 });
    const mine = proverPool({ proofs: 2, threads: 2 });
    const both = [mine.prove(run, parameters), mine.prove(run, parameters)];
    await mine.close();
    for (const outcome of await Promise.all(both)) {
      expect(outcome).toMatchObject({ ok: false, failure: { code: 'prover_died' } });
    }
    expect((await mine.prove(run, parameters)).ok).toBe(true);
    await mine.close();
  });
});

describe('a thread that dies', () => {
  const started: Worker[] = [];
  const { Worker: Original } = workerThreads;
  beforeAll(() => {
    workerThreads.Worker = class extends Original {
      constructor(...parameters: ConstructorParameters<typeof Worker>) {
        super(...parameters);
        started.push(this);
      }
    };
    syncBuiltinESMExports();
  });
  afterAll(() => {
    workerThreads.Worker = Original;
    syncBuiltinESMExports();
  });

  it.each([0, 1, 2])('number %i of three ends the proof, and all start again', async (number) => {
    const mine = proverPool({ threads: 3 });
    const parameters = proofParameters(128, { bits: 32, powBits: 0 });
    started.length = 0;
    const outcome = await mine.prove(run, parameters, {
      onProgress: () => void started[number]?.terminate(),
    });
    expect(outcome).toMatchObject({ ok: false, failure: { code: 'prover_died' } });
    expect((await mine.prove(run, parameters)).ok).toBe(true);
    expect(started.length).toBe(6);
    await mine.close();
  });
});

describe('a worker on the embedded prover', () => {
  it('renews with proofs that verify', async () => {
    const machine = new FakeMachine(new VirtualClock(), programOf('tick'));
    const proofs: Uint8Array[] = [];
    const take = machine.take.bind(machine);
    machine.take = (all, options) => {
      proofs.push(...all);
      return take(all, options);
    };
    const stop = new AbortController();
    const end = await runMachine(machine.client, {
      path: PATH,
      program: machine.program,
      signal: stop.signal,
      onProgress: (event) => {
        if (event.kind === 'held') stop.abort();
      },
    });
    expect(end).toMatchObject({ reason: 'stopped', t: 1n, s: 1n });
    const verifier = await createCairoVerifier();
    const [envelope = new Uint8Array()] = proofs;
    const decoded = decodeProof(envelope);
    if (!decoded.ok) throw new Error(decoded.failure.code);
    const verdict = verifier.verifyProof(decoded.value, COMMITTEE_POLICY, { lease: { extra: 0 } });
    expect(verdict).toMatchObject({ kind: 'accept', lease: { tFrom: 0n, tTo: 1n, n: 1n } });
  });
});

describe('an outside prover', () => {
  const files = ['{public_input}', '{private_input}', '{proof}', '{parameters}'];
  const command = (mode: string): readonly string[] => [
    process.execPath,
    STAND_IN,
    mode,
    RECORDED,
    ...files,
  ];
  const codeOf = async (
    mode: string,
    timeoutMs = 30_000,
    signal?: AbortSignal,
  ): Promise<string> => {
    const prover = commandProver({ command: command(mode), timeoutMs });
    const made = await prover.prove(run, proof.parameters, signal ? { signal } : {});
    return made.ok ? 'proved' : made.failure.code;
  };
  it('gets the files of StarkWare and answers with its proof; nothing is left behind', async () => {
    const place = mkdtempSync(join(tmpdir(), 'fatty-test-'));
    vi.stubEnv('TMPDIR', place);
    const text = command('replay').join(' ');
    const made = await commandProver({ command: text }).prove(run, proof.parameters);
    expect(made.ok && Buffer.from(made.value.proofBytes).equals(proof.proofBytes)).toBe(true);
    expect(readdirSync(place)).toEqual([]);
    vi.unstubAllEnvs();
    rmdirSync(place);
  });

  it('is not believed about another run', async () => {
    const other = runOf([1n, 2n, 3n, 4n]);
    const prover = commandProver({ command: command('replay') });
    expect(await prover.prove(other, proof.parameters)).toMatchObject({
      failure: { code: 'wrong_statement' },
    });
  });

  it('fails with its exit code and words, with a file that is no proof, or with none', async () => {
    const prover = commandProver({ command: command('fail') });
    const made = await prover.prove(run, proof.parameters);
    expect(made).toMatchObject({
      failure: { code: 'prover_failed', actual: '3: cannot prove 128 steps' },
    });
    expect(await codeOf('garbage')).toBe('malformed');
    expect(await codeOf('nothing')).toBe('prover_failed');
    const absent = commandProver({ command: '/does/not/exist {proof}' });
    expect(await absent.prove(run, proof.parameters)).toMatchObject({
      failure: { code: 'prover_failed' },
    });
  });

  it('is killed when it takes too long, or is not wanted any more', async () => {
    expect(await codeOf('hang', 200)).toBe('prover_timeout');
    expect(await codeOf('hang', 30_000, AbortSignal.timeout(200))).toBe('cancelled');
    expect(await codeOf('hang', 30_000, AbortSignal.abort())).toBe('cancelled');
  });

  it('is killed with those that it has started', async () => {
    const place = mkdtempSync(join(tmpdir(), 'fatty-test-'));
    const file = join(place, 'pid');
    const script = 'sleep 600 & echo $! > "$0.new"; mv "$0.new" "$0"; wait';
    const stop = new AbortController();
    const prover = commandProver({ command: ['sh', '-c', script, file] });
    const proving = prover.prove(run, proof.parameters, { signal: stop.signal });
    await vi.waitUntil(() => existsSync(file), { timeout: 50_000 });
    stop.abort();
    expect(await proving).toMatchObject({ failure: { code: 'cancelled' } });
    const pid = readFileSync(file, 'utf8').trim();
    const hasEnded = (): boolean =>
      !/^[^Z]/.test(spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).stdout);
    await vi.waitUntil(hasEnded, { timeout: 50_000 });
    rmSync(place, { recursive: true });
  });
});
