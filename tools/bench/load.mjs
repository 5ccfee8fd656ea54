// Closed-loop load on a real cell: every worker waits for its answer before it asks again.
import { quantile, round } from './probe.mjs';

/** An op that is ordered, answered and changes nothing: measures the cell, not the service. */
export const NOOP = { kind: 'cancel', seq: Number.MAX_SAFE_INTEGER, index: 0 };

/** Runs `ask(worker)` in a loop on every worker for `forMs`; answers rate and latencies, ms. */
export async function closedLoop(workers, forMs, ask) {
  const times = [];
  const startMs = performance.now();
  const endMs = startMs + forMs;
  await Promise.all(
    workers.map(async (worker) => {
      while (performance.now() < endMs) {
        const at = performance.now();
        await ask(worker);
        times.push(performance.now() - at);
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  return { perSec: round(times.length / seconds, 0), ...latencies(times), count: times.length };
}

export function latencies(times) {
  return {
    p50Ms: round(quantile(times, 0.5)),
    p99Ms: round(quantile(times, 0.99)),
    maxMs: round(times.reduce((most, one) => Math.max(most, one), 0)),
  };
}

/** CPU seconds and bytes that the replicas have used so far, from their own metrics. */
export async function used(cell) {
  const texts = await Promise.all(
    cell.cell.addresses.map(async (at) =>
      (await fetch(`${at.http}/metrics`)).text().catch(() => ''),
    ),
  );
  const sum = (name) =>
    texts.reduce(
      (total, text) => total + Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? 0),
      0,
    );
  return { cpuSec: sum('process_cpu_seconds_total'), linkBytes: sum('fatty_link_bytes_total') };
}
