// The metrics of any Node process, and the parts of prom-client that a replica uses. They are loaded one
// by one: prom-client as a whole brings a tracing library, which takes longer to load than all it is for.

import { createRequire } from 'node:module';
import type { Registry } from 'prom-client';

const load = createRequire(import.meta.url);

type Client = typeof import('prom-client');

/** The classes of prom-client that metrics are made of. */
export const parts: Pick<Client, 'Counter' | 'Gauge' | 'Histogram' | 'Registry'> = {
  Counter: load('prom-client/lib/counter.js') as Client['Counter'],
  Gauge: load('prom-client/lib/gauge.js') as Client['Gauge'],
  Histogram: load('prom-client/lib/histogram.js') as Client['Histogram'],
  Registry: load('prom-client/lib/registry.js') as Client['Registry'],
};

/** Of prom-client's defaults all but the one that needs tracing, which {@link countCpu} stands in for. */
const DEFAULTS = [
  'processStartTime',
  'osMemoryHeap',
  'processOpenFileDescriptors',
  'processMaxFileDescriptors',
  'eventLoopLag',
  'processResources',
  'processHandles',
  'processRequests',
  'heapSizeAndUsed',
  'heapSpacesSizeAndUsed',
  'version',
  'gc',
] as const;

type Collect = (registry: Registry, config: { eventLoopMonitoringPrecision: number }) => void;

/** How often the lag of the event loop is sampled, ms. */
const LAG_SAMPLE_MS = 10;

/** What prom-client's `collectDefaultMetrics` collects, under the same names. */
export function collectProcessMetrics(registry: Registry): void {
  countCpu(registry);
  for (const name of DEFAULTS) {
    const collect = load(`prom-client/lib/metrics/${name}.js`) as Collect;
    collect(registry, { eventLoopMonitoringPrecision: LAG_SAMPLE_MS });
  }
}

/** CPU of this process since it began. */
function countCpu(registry: Registry): void {
  const names = [
    ['process_cpu_user_seconds_total', 'user'],
    ['process_cpu_system_seconds_total', 'system'],
    ['process_cpu_seconds_total', 'user and system'],
  ] as const;
  const [user, system, both] = names.map(([name, what]) => {
    const help = `Total ${what} CPU time spent in seconds.`;
    return new parts.Counter({ name, help, registers: [registry], collect: () => count() });
  });
  let counted = { user: 0, system: 0 };
  /** The first of the three to be read samples for all of them. */
  function count(): void {
    const now = process.cpuUsage();
    const userSeconds = (now.user - counted.user) / 1e6;
    const systemSeconds = (now.system - counted.system) / 1e6;
    counted = now;
    user?.inc(userSeconds);
    system?.inc(systemSeconds);
    both?.inc(userSeconds + systemSeconds);
  }
}
