// `npm run bench -- --peers`: etcd, ZooKeeper and Fatty under the same load, one after the other, on
// this machine, and what the fast path aims at. Ratios of one run count, absolute figures do not.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { aimsOf } from './aims.mjs';
import { ClientProcess } from './client-process.mjs';
import { findPeers, installClients } from './installation.mjs';
import { measure } from './measure.mjs';
import { Household } from './processes.mjs';
import { closedRounds, restedRounds } from './rounds.mjs';
import { EtcdServers } from './servers/etcd.mjs';
import { FattyServers } from './servers/fatty.mjs';
import { ZookeeperServers } from './servers/zookeeper.mjs';
import { aimsTable, comparisonTable, rowsOf } from './tables.mjs';

/**
 * `forMs`: a run; `singleOps`: what one client does, for its p99, if `singleMsMax` allow it; `faults`: how
 * often each; `rests`: ops after a rest; `clientsMax`: most clients at once.
 */
const QUICK = {
  forMs: 1_500,
  warmUpMs: 1_000,
  singleOps: 200,
  singleMsMax: 10_000,
  faults: 1,
  rests: 1,
  clientsMax: 64,
};
const FULL = {
  forMs: 4_000,
  warmUpMs: 3_000,
  singleOps: 2_000,
  singleMsMax: 120_000,
  faults: 3,
  rests: 5,
  clientsMax: 256,
};
const WORKS = ['put', 'lock', 'get'];
const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'];

/** Runs, and says so and answers undefined where it fails: one broken row costs no other. */
async function tried(name, stop, act) {
  try {
    return await act();
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason;
    console.log(`${name}: ${error.message}`);
    return undefined;
  }
}

/** Starts a system and its clients, measures, and ends both. */
async function visited({ name, adapter, start, plan, stop, works, faults, more }) {
  console.log(`${name} …`);
  const servers = await start();
  let clients;
  try {
    clients = await ClientProcess.start(adapter);
    const asking = (act) => tried(name, stop, act);
    const system = { servers, clients, plan, works, faults, tried: asking };
    const found = await measure(system);
    Object.assign(found, await more?.(system));
    return { name, version: servers.version, found };
  } finally {
    await clients?.close();
    await servers.close();
  }
}

/** What only a cell has: rounds. The traces that count those of a rested op need a cell of their own. */
async function fattysOwn(household, system) {
  const closed = await system.tried(() => closedRounds(system));
  const rested = await system.tried(async () => {
    const record = join(household.folder, 'traces');
    mkdirSync(record);
    const servers = await FattyServers.start(household, { record, dir: 'rested' });
    try {
      return await restedRounds({ ...system, servers }, record);
    } finally {
      await servers.close();
    }
  });
  return { closedRounds: closed, restedRounds: rested };
}

function systemsOf(household, peers, plan, stop) {
  const common = { plan, stop, works: WORKS, faults: plan.faults };
  const start = (Servers, programs) => () => Servers.start(household, programs);
  return [
    peers.etcd && { key: 'etcd', name: 'etcd', start: start(EtcdServers, peers.etcd) },
    peers.zookeeper && {
      key: 'zookeeper',
      name: 'ZooKeeper',
      start: start(ZookeeperServers, peers.zookeeper),
    },
    {
      key: 'fatty',
      name: 'Fatty',
      start: start(FattyServers),
      works: ['commit', 'commit256', ...WORKS],
      faults: plan.faults === 1 ? 1 : 4,
      more: (system) => fattysOwn(household, system),
    },
  ].flatMap((one) => (one ? [{ ...common, adapter: one.key, ...one }] : []));
}

/** Which of the peers are there; says which are not, and what would bring them. */
function peersToMeet() {
  const peers = findPeers();
  const missing = Object.keys(peers).filter((key) => peers[key] === undefined);
  if (missing.length > 0) {
    console.log(
      `not there, so not measured: ${missing.join(', ')} (Debian: apt-get install etcd-server zookeeper)`,
    );
  }
  if (missing.length === 2 || installClients()) return peers;
  console.log('the npm clients of the peers could not be installed: Fatty is measured alone');
  return {};
}

async function allOf(systems, stop) {
  const results = {};
  for (const system of systems) {
    stop.signal.throwIfAborted();
    const { key, name } = system;
    const visit = await tried(name, stop, () => visited(system));
    if (visit !== undefined) results[key] = visit;
  }
  return results;
}

/**
 * Answers all figures, rows and aims, after printing them. Ends what it started and removes its
 * folder, also on Ctrl-C and when this process is killed.
 */
export async function comparePeers({ quick }) {
  const peers = peersToMeet();
  const plan = quick ? QUICK : FULL;
  const household = await Household.open();
  const stop = new AbortController();
  const told = (signal) => stop.abort(new Error(signal));
  for (const signal of ENDING) process.on(signal, told);
  const stopped = new Promise((_resolve, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason));
  });
  try {
    const systems = systemsOf(household, peers, plan, stop);
    const results = await Promise.race([allOf(systems, stop), stopped]);
    const aims = aimsOf(results);
    console.log(`\n${comparisonTable(results)}\n\n${aimsTable(aims)}\n`);
    return { plan, systems: results, rows: rowsOf(results), aims };
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    await household.close();
    console.log(`stopped by ${error.message}: everything that was started has ended`);
    process.exit(130);
  } finally {
    for (const signal of ENDING) process.off(signal, told);
    await household.close();
  }
}
