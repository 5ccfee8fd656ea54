import { Worker } from 'node:worker_threads';
import type { Proof, ProverReply, ProverRequest } from '@fatty/cairo';
import { fail } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import type { ProofJobOptions, Prover } from './types.ts';

type ProveRequest = Omit<Extract<ProverRequest, { readonly kind: 'prove' }>, 'id' | 'kind'>;

interface Job {
  readonly options: ProofJobOptions;
  readonly done: (outcome: Outcome<Proof>) => void;
}

/** Beside this package, in a checkout as under node_modules. */
const ENTRY = new URL('../../../cairo/dist/prover-worker.js', import.meta.url);

/** One thread that proves; started by its first job, and again by the next one when it died. */
class ProverThread {
  readonly #entry: URL;
  readonly #jobs = new Map<number, Job>();
  #worker: Worker | undefined;
  #nextId = 0;

  constructor(entry: URL) {
    this.#entry = entry;
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
    // Without the empty execArgv a worker under a test runner inherits its loader flags.
    const worker = new Worker(this.#entry, { execArgv: [] });
    let reason = 'it ended';
    worker.on('message', (reply: ProverReply) => this.#hear(worker, reply));
    worker.on('error', (error: Error) => {
      reason = error.message;
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      const jobs = [...this.#jobs.values()];
      this.#jobs.clear();
      for (const { done } of jobs) done(fail('prover_died', 'a prover thread', reason));
    });
    return worker;
  }

  #hear(worker: Worker, reply: ProverReply): void {
    const job = this.#jobs.get(reply.id);
    if (reply.kind === 'progress') {
      job?.options.onProgress?.(reply.progress);
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

export interface ProverPoolOptions {
  /** Threads; default 1. A prover keeps a core busy. */
  readonly threads?: number;
}

/**
 * Proves in threads of this process. Codes of `createProver`, and `prover_died` when a thread
 * ended before its proof, as all do at `close()`.
 */
export function proverPool({ threads = 1 }: ProverPoolOptions = {}): Prover {
  const all = Array.from({ length: Math.max(1, threads) }, () => new ProverThread(ENTRY));
  return {
    prove({ publicInput, trace, memory }, parameters, options = {}) {
      const idlest = all.reduce((best, one) => (one.load < best.load ? one : best));
      return idlest.prove({ run: { publicInput, trace, memory }, parameters }, options);
    },
    async close() {
      await Promise.all(all.map((thread) => thread.close()));
    },
  };
}
