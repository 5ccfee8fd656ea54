// Rounds of a cell: how many an op takes and what one costs, in a closed loop and after a rest.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, round } from '../probe.mjs';
import { sharedMs } from './clients/loop.mjs';
import { cpuMs } from './processes.mjs';

export const REST_MS = 10_000;

const roundsOf = async (servers) => (await servers.status()).map((one) => one.round);

/** One client, each op after the answer to the one before. */
export async function closedRounds({ clients, servers, plan }) {
  await clients.ask('open', { where: servers.where(), count: 1 });
  await clients.ask('run', { work: 'commit', forMs: plan.warmUpMs });
  const [rounds, cpu] = [await roundsOf(servers), servers.pids.map(cpuMs)];
  const { count } = await clients.ask('run', { work: 'commit', forMs: plan.forMs });
  const made = (await roundsOf(servers)).map((now, i) => now - rounds[i]);
  const spent = servers.pids.map((pid, i) => cpuMs(pid) - cpu[i]);
  const sum = (all) => all.reduce((total, one) => total + one, 0);
  return {
    perOp: round(Math.max(...made) / count),
    cpuMs: round(sum(spent) / sum(made), 3),
  };
}

/** What replicas saw, in the order of time. */
function tracesIn(folder) {
  const lines = readdirSync(folder).flatMap((name) =>
    readFileSync(join(folder, name), 'utf8').split('\n'),
  );
  const events = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return events.sort((a, b) => a.atMs - b.atMs);
}

/**
 * Rounds that were begun between the moment when a replica took an op and the moment when enough
 * replicas to be believed (f + 1 of four) had committed it.
 */
function roundsAfter(events, fromMs) {
  const later = events.filter(({ atMs }) => atMs >= fromMs);
  const taken = later.find(({ kind, peer }) => kind === 'receive' && peer?.startsWith('c'));
  const isCommit = ({ kind, ops = [] }) =>
    kind === 'commit' && ops.some(({ client }) => client === taken.peer);
  const committed = taken && later.filter(isCommit)[1];
  if (committed === undefined) return undefined;
  const began = new Map();
  for (const { kind, who, block, round: at, atMs } of events) {
    if (kind !== 'send' || block === undefined || !block.slot.endsWith(`/${who}`)) continue;
    if (!began.has(at)) began.set(at, atMs);
  }
  const times = [...began.values()];
  return times.filter((atMs) => atMs >= taken.atMs && atMs <= committed.atMs).length;
}

/** Ops after so long a rest that everybody sleeps; `record`: the folder of the replicas' traces. */
export async function restedRounds({ clients, servers, plan }, record) {
  await clients.ask('open', { where: servers.where(), count: 1 });
  await clients.ask('run', { work: 'commit', forMs: plan.warmUpMs });
  const starts = [];
  const times = [];
  for (let i = 0; i < plan.rests; i++) {
    await sleep(REST_MS);
    starts.push(sharedMs());
    const { p50Ms } = await clients.ask('run', { work: 'commit', forMs: REST_MS, ops: 1 });
    times.push(p50Ms);
  }
  await clients.ask('close');
  await servers.close();
  const events = tracesIn(record);
  const rounds = starts.map((fromMs) => roundsAfter(events, fromMs));
  const known = rounds.filter((one) => one !== undefined);
  return { perOp: quantile(known, 0.5), all: rounds, p50Ms: round(quantile(times, 0.5)) };
}
