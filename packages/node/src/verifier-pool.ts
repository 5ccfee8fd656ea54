import { Worker } from 'node:worker_threads';
import { sha256, toHex } from '@fatty/codec';
import type { Verdict, Verifier } from '@fatty/interface';

export interface PoolOptions {
  /** The worker's entry file; it answers `{id, verdict}` to every `{id, job}`. */
  readonly entry: URL;
  /** Jobs waiting or running; one more gets no verdict at once. */
  readonly queueMax: number;
  /** Called when a worker dies; its jobs get no verdict and are asked again by the replica. */
  readonly onCrash?: (error: Error) => void;
}

interface Waiting {
  readonly resolve: (verdict: Verdict | undefined) => void;
}

/**
 * One worker thread for slow checks: with two cores a second one only steals from the event loop.
 * The same job asked twice at once runs once. No time limit: work is bounded by counts (R11a).
 */
export function verifierPool(options: PoolOptions): Verifier {
  const waiting = new Map<number, Waiting>();
  const running = new Map<string, Promise<Verdict | undefined>>();
  let worker: Worker | undefined;
  let nextId = 0;
  let closed = false;

  const abandonAll = (): void => {
    const lost = [...waiting.values()];
    waiting.clear();
    for (const { resolve } of lost) resolve(undefined);
  };

  const start = (): Worker => {
    // Without the empty execArgv a worker under a test runner inherits its loader flags.
    const fresh = new Worker(options.entry, { execArgv: [] });
    fresh.on('message', ({ id, verdict }: { id: number; verdict: Verdict }) => {
      waiting.get(id)?.resolve(verdict);
      waiting.delete(id);
    });
    fresh.on('error', (error: Error) => options.onCrash?.(error));
    fresh.on('exit', () => {
      if (worker === fresh) worker = undefined;
      abandonAll();
    });
    fresh.unref();
    return fresh;
  };

  const ask = (job: Uint8Array): Promise<Verdict | undefined> =>
    new Promise((resolve) => {
      worker ??= start();
      const id = nextId++;
      waiting.set(id, { resolve });
      worker.postMessage({ id, job });
    });

  return {
    verify(job) {
      const key = toHex(sha256(job));
      const same = running.get(key);
      if (same) return same;
      if (closed || waiting.size >= options.queueMax) return Promise.resolve(undefined);
      const answer = ask(job).finally(() => running.delete(key));
      running.set(key, answer);
      return answer;
    },
    async close() {
      closed = true;
      await worker?.terminate();
    },
  };
}
