// What is measured of one system: the same runs for all, its servers up, nobody else's.
import { setTimeout as sleep } from 'node:timers/promises';
import { round } from '../probe.mjs';
import { sharedMs } from './clients/loop.mjs';
import { cpuMs, rssMiB } from './processes.mjs';

/** Rest between a fault and the next, so that everybody is back. */
const SETTLE_MS = 2_000;

export const COUNTS = [1, 16, 64, 256];
export const CONTENDERS = [2, 16];

/** The name of a run. */
const at = (work, count) => `${work}@${count}`;

/** One run of a work by all open clients, warmed up, with the CPU of all servers, ms per op. */
async function run({ clients, servers, plan }, work, count) {
  await clients.ask('run', { work, forMs: plan.warmUpMs });
  const until =
    count === 1 ? { forMs: plan.singleMsMax, ops: plan.singleOps } : { forMs: plan.forMs };
  const before = servers.pids.map(cpuMs);
  const found = await clients.ask('run', { work, ...until });
  const spent = servers.pids.map((pid, i) => cpuMs(pid) - before[i]);
  const serverMs = spent.reduce((sum, one) => sum + one, 0);
  const failed = found.errors > 0 ? `, ${found.errors} failed` : '';
  console.log(`  ${at(work, count)}: ${found.perSec}/s, p50 ${found.p50Ms} ms${failed}`);
  return { ...found, serverCpuMs: round(serverMs / found.count, 3) };
}

/** The runs at so many clients, by `work@clients`. */
async function runsAt(system, count, works) {
  await system.clients.ask('open', { where: system.servers.where(), count });
  const found = {};
  for (const work of works)
    found[at(work, count)] = await system.tried(() => run(system, work, count));
  if (count === 64) found.rssMiB = rss(system.servers);
  return found;
}

function rss({ pids }) {
  const all = pids.map(rssMiB);
  return { count: all.length, each: round(all.reduce((sum, one) => sum + one, 0) / all.length, 0) };
}

/** ms from a signal to one server until the next write is answered; then the server comes back. */
async function fault({ clients, servers }, name, k) {
  const { index } = await servers.victim(k);
  await clients.ask('arm', { where: servers.where(index) });
  const startMs = sharedMs();
  servers.signal(index, name);
  const doneMs = await clients.ask('nextWrite');
  if (name === 'SIGSTOP') servers.signal(index, 'SIGCONT');
  else await servers.revive(index);
  await servers.settled();
  await sleep(SETTLE_MS);
  return doneMs === undefined ? Number.NaN : doneMs - startMs;
}

async function faults(system, name, count) {
  const times = [];
  for (let k = 0; k < count; k++) times.push(await fault(system, name, k));
  times.sort((a, b) => a - b);
  return { medianMs: round(times[count >> 1], 0), worstMs: round(times[count - 1], 0), count };
}

/**
 * Everything that is compared. `system.works`: what its clients can do; `system.faults`: how often
 * each fault; `system.tried`: runs, and answers undefined where a run failed.
 */
export async function measure(system) {
  const found = {};
  for (const count of COUNTS.filter((one) => one <= system.plan.clientsMax)) {
    const works = system.works.filter((work) => work !== 'get' || count === 1);
    const runs = await system.tried(() => runsAt(system, count, works));
    Object.assign(found, runs);
  }
  for (const count of CONTENDERS) {
    Object.assign(found, await system.tried(() => runsAt(system, count, ['handOff'])));
  }
  found.stopped = await system.tried(() => faults(system, 'SIGSTOP', system.faults));
  found.killed = await system.tried(() => faults(system, 'SIGKILL', system.faults));
  await system.tried(() => system.clients.ask('close'));
  return found;
}
