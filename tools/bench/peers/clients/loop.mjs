// Loops of the client process: the same for every system.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { latencies } from '../../load.mjs';
import { round } from '../../probe.mjs';

/** What every put writes. */
export const VALUE = randomBytes(256);

/** Wait after an answer that was none, ms. */
const PAUSE_MS = 5;
const NEXT_WRITE_MS_MAX = 60_000;

/** ms since 1970 on a clock that nobody sets; the same for all processes of this machine. */
export const sharedMs = () => performance.timeOrigin + performance.now();

/**
 * Every worker waits for its answer before it asks again, until `forMs` are over or all have `ops`
 * answers. Errors are counted, not timed; no answer at all is an error. CPU in ms per op.
 */
export async function closedLoop(workers, work, { forMs, ops = Number.POSITIVE_INFINITY }) {
  const times = [];
  const errors = [];
  const before = process.cpuUsage();
  const startMs = performance.now();
  const endMs = startMs + forMs;
  const isOver = () => times.length >= ops || performance.now() >= endMs;
  await Promise.all(
    workers.map(async (worker) => {
      while (!isOver()) {
        const atMs = performance.now();
        try {
          await worker[work]();
          times.push(performance.now() - atMs);
        } catch (error) {
          errors.push(error);
          await sleep(PAUSE_MS);
        }
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(before);
  const count = times.length;
  if (count === 0)
    throw new Error(`${work}: no answer, ${errors.length} errors, the first: ${errors[0]}`);
  return {
    count,
    errors: errors.length,
    perSec: round(count / seconds, 1),
    ...latencies(times),
    clientCpuMs: round((user + system) / 1_000 / count, 3),
  };
}

/** The moment ({@link sharedMs}) of the first answer to a write that is made from now on. */
export async function nextWrite(writers) {
  const endMs = performance.now() + NEXT_WRITE_MS_MAX;
  let doneMs;
  await Promise.race(
    writers.map(async (write) => {
      while (doneMs === undefined && performance.now() < endMs) {
        await write().then(
          () => {
            doneMs ??= sharedMs();
          },
          () => sleep(PAUSE_MS),
        );
      }
    }),
  );
  return doneMs;
}
