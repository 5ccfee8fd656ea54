// The clock of workers.
import type { WorkerClock } from './types.ts';

/** The clock of `performance.now()`, as the deadlines of the SDK. */
export const systemClock: WorkerClock = {
  nowMs: () => performance.now(),
  sleep(ms, signal) {
    if (signal.aborted || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
    });
  },
};
