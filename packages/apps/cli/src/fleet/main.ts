// The program of one process of the fleet.
import { connect } from '@fatty/client/node';
import { toHex } from '@fatty/codec';
import { coordinate } from './coordinator.ts';
import type { Duty } from './duty.ts';
import { planJobs } from './graph.ts';
import type { Orders, Role, Told } from './messages.ts';
import { lie, stall, work, workAndDie } from './workers.ts';

const DUTIES: Readonly<Record<Role, Duty>> = {
  coordinator: coordinate,
  honest: work,
  staller: stall,
  liar: lie,
  victim: workAndDie,
};

/** A coordinator that dies is missed after so long, ms. */
const COORDINATOR_LEASE_MS = 6_000;
const WORKER_LEASE_MS = 30_000;
const TIMEOUT_MS = 120_000;

async function main(): Promise<void> {
  const orders = JSON.parse(process.argv[2] ?? '') as Orders;
  const tell = (told: Told): void => {
    if (process.connected) process.send?.(told);
  };
  // Whoever started us is gone, or has seen enough.
  process.once('disconnect', () => process.exit(0));
  process.on('SIGINT', () => undefined);
  const { role, cellPath, jobs, leaseMs } = orders;
  const session = role === 'coordinator' ? COORDINATOR_LEASE_MS : WORKER_LEASE_MS;
  const client = await connect(cellPath, { leaseMs: session, timeoutMs: TIMEOUT_MS });
  tell({ kind: 'up', key: toHex(client.key) });
  await DUTIES[role]({ client, jobs: planJobs(jobs, leaseMs), tell });
}

await main();
