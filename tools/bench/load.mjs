// Closed-loop load on a real cell: every worker waits for its answer before it asks again.
import { readFileSync } from 'node:fs';
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

/** Bytes that have crossed the loopback interface, both ways of every link; NaN where /proc has none. */
function loopbackBytes() {
  try {
    return Number(/^\s*lo:\s*(\d+)/m.exec(readFileSync('/proc/net/dev', 'utf8'))?.[1]);
  } catch {
    return Number.NaN;
  }
}

/** CPU seconds of the replicas, from their own metrics, and bytes on loopback so far. */
export async function used(cell) {
  const texts = await Promise.all(
    cell.cell.addresses.map(async (at) => (await fetch(`${at.http}/metrics`)).text()),
  );
  const cpu = (text) => Number(/^process_cpu_seconds_total (.*)$/m.exec(text)?.[1] ?? 0);
  const cpuSec = texts.reduce((total, text) => total + cpu(text), 0);
  return { cpuSec, linkBytes: loopbackBytes() };
}
