// `node tools/bench/fresh.mjs [--nodes N] [--mib M] [--blocks] [--for MS]`: how long a member with an empty disk takes
// until it is active in a cell that has so many files with so much in them, and takes writes; and what the writes
// notice. Real processes on loopback, fsync on. The log behind two frames goes, so that it comes by frame; with
// `--blocks` it stays, and the member takes block after block.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCell } from '../../packages/apps/cli/dist/index.js';
import { connect } from '../../packages/lock/client/dist/node.js';
import { closedLoop } from './load.mjs';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '100000' },
    mib: { type: 'string', default: '64' },
    blocks: { type: 'boolean', default: false },
    for: { type: 'string', default: '10000' },
  },
});
const [nodes, mib, forMs] = [Number(values.nodes), Number(values.mib), Number(values.for)];
const PER_FOLDER = 1_000;
/** Folders and what writers make are nodes, too, and a cell has room for so many. */
const files = nodes - Math.ceil(nodes / PER_FOLDER) - 100;
const BATCH_OPS = 200;
const WRITERS = 4;
const FRESH = 3;
const POLL_MS = 50;

const main = fileURLToPath(new URL('./fresh/replica.mjs', import.meta.url));
const content = new Uint8Array(Math.floor((mib * 2 ** 20) / files));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(cell, index, path) {
  const key = cell.cell.committee.members[index];
  const at = cell.cell.addresses.find((one) => key.every((byte, i) => byte === one.key[i]));
  return (await fetch(`${at.http}${path}`)).text();
}

const statusOf = async (cell, index) => JSON.parse(await ask(cell, index, '/status'));

/** CPU of a replica since its start, s. */
async function cpuOf(cell, index) {
  return Number(/^process_cpu_seconds_total (.*)$/m.exec(await ask(cell, index, '/metrics'))?.[1]);
}

/** Files without end of a folder each thousand. */
function* creates() {
  for (let n = 0; n < files; n++) {
    const folder = `/data-${Math.floor(n / PER_FOLDER)}`;
    const common = { mode: 'shared', ephemeral: false, exclusive: false };
    const empty = new Uint8Array();
    if (n % PER_FOLDER === 0) {
      yield { kind: 'create', path: folder, node: 'directory', ...common, content: empty };
    }
    yield { kind: 'create', path: `${folder}/file-${n}`, node: 'file', ...common, content };
  }
}

async function fill(client) {
  let ops = [];
  const inFlight = new Set();
  const flush = async () => {
    const one = client.submit(ops, { timeoutMs: 120_000 }).then((results) => {
      const bad = results.find(({ kind }) => kind === 'error');
      if (bad) throw new Error(JSON.stringify(bad));
      inFlight.delete(one);
    });
    ops = [];
    inFlight.add(one);
    if (inFlight.size >= 8) await Promise.race(inFlight);
  };
  for (const op of creates()) {
    if (ops.push(op) >= BATCH_OPS) await flush();
  }
  if (ops.length > 0) await flush();
  await Promise.all(inFlight);
}

/** Until it has what the others have now; what it fetched by frame is in `most`. Who is busy may hang up. */
async function untilActive(cell, goal, most) {
  for (;;) {
    const { state, syncing, commitIndex, fetching } = await statusOf(cell, FRESH).catch(() => ({}));
    if (fetching) most.frame = { chunks: fetching.chunks, bytes: fetching.bytes };
    if (state === 'active' && !syncing && commitIndex >= goal) return;
    await sleep(POLL_MS);
  }
}

const cell = await startCell({ logLevel: 'warn', ...(values.blocks ? {} : { main }) });
const clients = [];
try {
  await cell.replicas[FRESH].stop();
  for (let i = 0; i < WRITERS; i++) clients.push(await connect(cell.cellPath));
  const beganMs = performance.now();
  await fill(clients[0]);
  console.log(`${files} files, ${mib} MiB: made in ${Math.round(performance.now() - beganMs)} ms`);
  const paths = new Map(clients.map((client, i) => [client, `/writer-${i}`]));
  const put = (client) => client.put(paths.get(client), new Uint8Array(64), { timeoutMs: 60_000 });
  await closedLoop(clients, forMs / 2, put);
  const before = await closedLoop(clients, forMs, put);
  const { commitIndex: goal, frameCommit } = await statusOf(cell, 0);
  const most = { frame: undefined };
  const startMs = performance.now();
  let isActive = false;
  const active = cell.replicas[FRESH]
    .restart({ forget: true })
    .then(() => untilActive(cell, goal, most))
    .then(async () => {
      const tookMs = performance.now() - startMs;
      isActive = true;
      return { tookMs, cpuSec: await cpuOf(cell, FRESH) };
    });
  const meanwhile = { perSec: 0, p50Ms: 0, p99Ms: 0 };
  const runs = [];
  while (!isActive) runs.push(await closedLoop(clients, Math.min(forMs, 2_000), put));
  for (const of of ['perSec', 'p50Ms', 'p99Ms']) {
    meanwhile[of] = Math.max(...runs.map((run) => run[of]));
  }
  const { tookMs, cpuSec } = await active;
  const { observer } = await statusOf(cell, FRESH);
  console.table({
    'commits of the others': goal,
    'their newest frame': frameCommit,
    'by frame: chunks': most.frame?.chunks ?? 0,
    'by frame: MiB': Math.round((most.frame?.bytes ?? 0) / 2 ** 18) / 4,
    'until active, s': Math.round(tookMs / 100) / 10,
    'its CPU until then, s': Math.round(cpuSec * 10) / 10,
    'writes a second before': before.perSec,
    'p50 before, ms': before.p50Ms,
    'p99 before, ms': before.p99Ms,
    'worst p99 of 2 s meanwhile, ms': meanwhile.p99Ms,
    'p99 meanwhile / before': Math.round((meanwhile.p99Ms / before.p99Ms) * 100) / 100,
    signs: observer ? `no: ${observer.code}` : 'yes',
  });
} finally {
  await Promise.all(clients.map((client) => client.close()));
  await cell.close();
}
