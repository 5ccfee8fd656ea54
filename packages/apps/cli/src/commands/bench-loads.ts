// Loads on a cell, and what their figures mean.
import { type Client, isFattyError } from '@fatty/client';

/** One thing that is asked again and again; its worker waits for the answer before it asks anew. */
export type Load = (client: Client, path: string) => Promise<unknown>;

const FILE_BYTES = 64;

/** What is asked for, by name. Each client has a file of its own: the cell is measured, not a queue. */
export const LOADS: Readonly<Record<string, Load>> = {
  put: (client, path) => client.put(path, new Uint8Array(FILE_BYTES)),
  lock: async (client, path) => (await client.acquire(path)).release(),
  get: (client, path) => client.get(path),
};

/** What came of one load with so many clients. Times in ms. */
export interface Measured {
  readonly load: string;
  readonly clients: number;
  readonly answered: number;
  readonly failed: number;
  readonly perSec: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly stddevMs: number;
}

const tenths = (value: number): number => Math.round(value * 10) / 10;

/** The figures of these latencies, which took `seconds` in all. */
export function figuresOf(
  times: readonly number[],
  seconds: number,
): Omit<Measured, 'load' | 'clients' | 'failed'> {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number =>
    tenths(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
  const mean = sorted.reduce((sum, one) => sum + one, 0) / Math.max(1, sorted.length);
  const squares = sorted.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return {
    answered: sorted.length,
    perSec: seconds > 0 ? Math.round(sorted.length / seconds) : 0,
    p50Ms: at(0.5),
    p90Ms: at(0.9),
    p99Ms: at(0.99),
    maxMs: at(1),
    stddevMs: tenths(Math.sqrt(squares / Math.max(1, sorted.length))),
  };
}

/** A worker that only fails stops: the cell is not there. */
const FAILURES_MAX = 5;

/** Runs a load on these clients for `forMs`. @throws what is no answer of the cell */
export async function measure(
  load: string,
  clients: readonly (readonly [Client, string])[],
  forMs: number,
): Promise<Measured> {
  const ask = LOADS[load] ?? (() => Promise.resolve());
  const times: number[] = [];
  let failed = 0;
  const startMs = performance.now();
  const work = async ([client, path]: readonly [Client, string]): Promise<void> => {
    for (let inRow = 0; inRow < FAILURES_MAX && performance.now() < startMs + forMs; ) {
      const beganMs = performance.now();
      try {
        await ask(client, path);
        times.push(performance.now() - beganMs);
        inRow = 0;
      } catch (error) {
        if (!isFattyError(error)) throw error;
        failed++;
        inRow++;
      }
    }
  };
  await Promise.all(clients.map(work));
  const seconds = (performance.now() - startMs) / 1000;
  return { load, clients: clients.length, failed, ...figuresOf(times, seconds) };
}

/** What is demanded, and whether it is so. */
export interface BenchVerdict {
  readonly passed: boolean;
  readonly text: string;
}

/** The bounds of etcd's perf check, ms. */
const SLOWEST_MS_MAX = 500;
const STDDEV_MS_MAX = 100;
/** Nine tenths of the writes a second that etcd's smallest load asks for. */
const PUTS_PER_SEC_MIN = 135;

const named = ({ load, clients }: Measured): string =>
  `${load}, ${clients} client${clients === 1 ? '' : 's'}`;

/** As etcd's perf check judges: failures, slowest request, spread; writes a second at the most clients. */
export function verdictsOf(all: readonly Measured[]): readonly BenchVerdict[] {
  const each = all.flatMap((one) => {
    const { failed, answered, maxMs, stddevMs } = one;
    const none = failed === 0 && answered > 0;
    return [
      { passed: none, text: `${named(one)}: ${answered} answered, ${failed} failed` },
      { passed: maxMs <= SLOWEST_MS_MAX, text: `${named(one)}: slowest request took ${maxMs} ms` },
      {
        passed: stddevMs <= STDDEV_MS_MAX,
        text: `${named(one)}: standard deviation is ${stddevMs} ms`,
      },
    ];
  });
  const puts = all.filter(({ load }) => load === 'put');
  const most = puts.reduce((a, b) => (b.clients >= a.clients ? b : a), puts[0] ?? NOTHING);
  if (puts.length === 0) return each;
  const passed = most.perSec >= PUTS_PER_SEC_MIN;
  return [
    { passed, text: `${named(most)}: throughput is ${most.perSec} writes a second` },
    ...each,
  ];
}

const NOTHING: Measured = {
  load: 'put',
  clients: 0,
  failed: 0,
  ...figuresOf([], 0),
};
