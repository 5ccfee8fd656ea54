// `node tools/bench/epochs.mjs [--epochs N] [--replicas N]`: for how long no write is acknowledged while an epoch ends
// and the next one begins, in a healthy cell and with f members silent. Real processes on loopback, fsync on; writers
// in a closed loop. The pause is the longest time between two acknowledgements from the motion on, until all that run
// are in the next epoch. Beside it the longest in equally long spans in which nothing is moved: what the machine does.
import { parseArgs } from 'node:util';
import { startCell } from '../../packages/apps/cli/dist/index.js';
import { askAdmin } from '../../packages/apps/node/dist/index.js';
import { connect } from '../../packages/lock/client/dist/node.js';
import { quantile } from './probe.mjs';

const { values } = parseArgs({
  options: {
    epochs: { type: 'string', default: '10' },
    replicas: { type: 'string', default: '4' },
  },
});
const [epochs, replicas] = [Number(values.epochs), Number(values.replicas)];
const faults = Math.floor((replicas - 1) / 3);
const WRITERS = 8;
const REST_MS = 1_000;
const POLL_MS = 20;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function membersOf({ dir }) {
  const answer = await askAdmin(dir, { kind: 'members' });
  if (!answer.ok) throw new Error(`${dir}: ${answer.failure.actual}`);
  return answer.value;
}

/** Moves to the next epoch with the same members; answers how long that took, ms. */
async function renew(running) {
  const { epoch } = await membersOf(running[0]);
  const fromMs = performance.now();
  await Promise.all(
    running.map(({ dir }) => askAdmin(dir, { kind: 'move', change: { kind: 'renew' } })),
  );
  for (const one of running) {
    while ((await membersOf(one)).epoch <= epoch) await sleep(POLL_MS);
  }
  return performance.now() - fromMs;
}

/** The longest time without an acknowledgement while `work` goes on, and a second behind it, ms. */
async function pauseDuring(acks, work) {
  acks.length = 0;
  acks.push(performance.now());
  const took = await work();
  await sleep(REST_MS);
  acks.push(performance.now());
  return { took, pause: Math.max(...acks.slice(1).map((at, i) => at - acks[i])) };
}

async function measure(name, acks, running) {
  const pauses = [];
  const quiet = [];
  const took = [];
  for (let i = 0; i < epochs; i++) {
    const one = await pauseDuring(acks, () => renew(running));
    pauses.push(one.pause);
    took.push(one.took);
    quiet.push((await pauseDuring(acks, () => sleep(one.took))).pause);
  }
  const of = (all, share) => Math.round(quantile(all, share));
  return {
    cell: name,
    epochs,
    'pause p50, ms': of(pauses, 0.5),
    'longest pause, ms': of(pauses, 1),
    'without a change p50, ms': of(quiet, 0.5),
    'longest without, ms': of(quiet, 1),
    'motion to next epoch p50, ms': of(took, 0.5),
  };
}

const cell = await startCell({ logLevel: 'warn', replicas });
const clients = [];
const rows = [];
try {
  for (let i = 0; i < WRITERS; i++)
    clients.push(await connect(cell.cellPath, { timeoutMs: 120_000 }));
  const acks = [];
  let isOver = false;
  const load = clients.map(async (client, i) => {
    while (!isOver) {
      await client.put(`/writer-${i}`, new Uint8Array(64));
      acks.push(performance.now());
    }
  });
  await sleep(2_000);
  rows.push(await measure('healthy', acks, cell.replicas));
  const silent = cell.replicas.slice(-faults);
  for (const one of silent) one.process.pause();
  rows.push(await measure(`${faults} silent`, acks, cell.replicas.slice(0, -faults)));
  for (const one of silent) one.process.resume();
  isOver = true;
  await Promise.all(load);
  console.table(rows);
} finally {
  await Promise.all(clients.map((client) => client.close()));
  await cell.close();
}
