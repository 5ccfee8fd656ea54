// The embedded prover in threads of this process.
import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Proof, ProverReply, ProverRequest } from '@fatty/cairo';
import { fail } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { type Checks, optionsOf } from '../sdk/checks.ts';
import { attempt, logFault } from '../sdk/faults.ts';
import { COUNT } from './run-options.ts';
import type { ProofJobOptions, Prover } from './types.ts';

type ProveRequest = Omit<Extract<ProverRequest, { readonly kind: 'prove' }>, 'id' | 'kind'>;

interface Job {
  readonly options: ProofJobOptions;
  readonly done: (outcome: Outcome<Proof>) => void;
}

const PROVER = new URL(import.meta.resolve('@fatty/cairo/prover-worker'));
const HELPER = new URL(import.meta.resolve('@fatty/cairo/prover-helper'));

/** More threads than cosets have nothing to do; a proof of more than 128 steps has four. */
const THREADS_MAX = 4;

/**
 * A thread that proves, and those that help it; started by its first job, and again by the next one
 * when one of them died. By hand: these threads share one memory and end together, which pools of
 * single threads do not know.
 */
class ProverThread {
  readonly #threads: number;
  readonly #jobs = new Map<number, Job>();
  #worker: Worker | undefined;
  #nextId = 0;

  constructor(threads: number) {
    this.#threads = threads;
  }

  get load(): number {
    return this.#jobs.size;
  }

  prove(request: ProveRequest, options: ProofJobOptions): Promise<Outcome<Proof>> {
    const { signal } = options;
    if (signal?.aborted) return Promise.resolve(fail('cancelled', 'no cancellation', 'one'));
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const id = this.#nextId++;
    const post = (message: ProverRequest): void => worker.postMessage(message);
    const cancel = (): void => post({ kind: 'cancel', id });
    signal?.addEventListener('abort', cancel, { once: true });
    const outcome = new Promise<Outcome<Proof>>((done) => this.#jobs.set(id, { options, done }));
    worker.ref();
    post({ kind: 'prove', id, ...request });
    return outcome.finally(() => signal?.removeEventListener('abort', cancel));
  }

  #start(): Worker {
    const channels = Array.from({ length: this.#threads - 1 }, () => new MessageChannel());
    const ports = channels.map(({ port1 }) => port1);
    const worker = thread(PROVER, { helpers: ports }, ports);
    const helpers = channels.map(({ port2: port }) => thread(HELPER, { port }, [port]));
    for (const helper of helpers) helper.unref();
    let reason = 'it ended';
    worker.on('message', (reply: ProverReply) => this.#hear(worker, reply));
    for (const one of [worker, ...helpers]) {
      one.on('error', (error: Error) => {
        reason = error.message;
      });
      // None can go on without the others: a prover waits for what its helpers took over.
      one.on('exit', () => {
        for (const other of [worker, ...helpers]) void other.terminate();
        this.#abandon(worker, reason);
      });
    }
    return worker;
  }

  #abandon(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const { done } of jobs) done(fail('prover_died', 'a prover thread', reason));
  }

  #hear(worker: Worker, reply: ProverReply): void {
    const job = this.#jobs.get(reply.id);
    if (reply.kind === 'progress') {
      // Heard from a thread: what a listener throws here would end the process.
      attempt(() => job?.options.onProgress?.(reply.progress), logFault);
      return;
    }
    this.#jobs.delete(reply.id);
    // An idle thread must not keep the process alive.
    if (this.#jobs.size === 0) worker.unref();
    job?.done(reply.outcome);
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }
}

/** Without the empty execArgv a worker under a test runner inherits its loader flags. */
function thread(file: URL, workerData: unknown, transferList: MessagePort[]): Worker {
  return new Worker(file, { execArgv: [], workerData, transferList });
}

/** How much of this process proofs may take. */
export interface ProverPoolOptions {
  /** Proofs made at the same time; default 1. */
  readonly proofs?: number;
  /**
   * Threads that make one proof together, its bytes the same however many; default one per core,
   * and at most 4.
   */
  readonly threads?: number;
}

const POOL: Checks<ProverPoolOptions> = { proofs: COUNT, threads: COUNT };

/**
 * Proves in threads of this process. Codes of `createProver`, and `prover_died` when a thread
 * ended before its proof, as all do at `close()`. @throws FattyError `bad_argument`
 */
export function proverPool(options: ProverPoolOptions = {}): Prover {
  const own = optionsOf(POOL, options);
  const { proofs = 1, threads = Math.min(availableParallelism(), THREADS_MAX) } = own;
  const all = Array.from({ length: proofs }, () => new ProverThread(threads));
  return {
    prove({ publicInput, trace, memory }, parameters, job = {}) {
      const idlest = all.reduce((best, one) => (one.load < best.load ? one : best));
      return idlest.prove({ run: { publicInput, trace, memory }, parameters }, job);
    },
    async close() {
      await Promise.all(all.map((one) => one.close()));
    },
  };
}
