// What is measured, scenario by scenario. Each starts its own cell and ends it.
import { startCell } from '../../packages/apps/cli/dist/index.js';
import { connect } from '../../packages/lock/client/dist/node.js';
import { closedLoop, NOOP, used } from './load.mjs';
import { round } from './probe.mjs';
import { proofs } from './proofs.mjs';

const BATCH_OPS = 256;
/** Bytes of the file that the `put` rows write. */
const FILE_BYTES = 64;

/** A fresh cell with linked clients, warm: the first seconds of a process are its compiler's. */
async function withCell(clients, warmUpMs, work) {
  const cell = await startCell({ logLevel: 'warn' });
  const all = [];
  try {
    for (let i = 0; i < clients; i++) all.push(await connect(cell.cellPath));
    await Promise.all(all.map((client) => client.linked(cell.replicas.length)));
    await closedLoop(all, warmUpMs, (client) => client.submit([NOOP]));
    return await work(cell, all);
  } finally {
    await Promise.all(all.map((client) => client.close()));
    await cell.close();
  }
}

/** Commit latency at one client, against 5 × (one-way delay + datasync) of the same run. */
async function latency({ forMs, warmUpMs, stepMs }) {
  return withCell(1, warmUpMs, async (_cell, clients) => {
    const run = await closedLoop(clients, forMs, (client) => client.submit([NOOP]));
    return [{ ...run, stepMs: round(stepMs, 3), ratioTo5Steps: round(run.p50Ms / (5 * stepMs)) }];
  });
}

/** What a client asks for: ops that are ordered and answered but change nothing, or a file. */
const LOADS = {
  'no-op': () => (client) => client.submit([NOOP]),
  [`${BATCH_OPS} no-ops`]: () => {
    const batch = Array.from({ length: BATCH_OPS }, () => NOOP);
    return (client) => client.submit(batch);
  },
  'put 64 B': (clients) => {
    const content = new Uint8Array(FILE_BYTES);
    const paths = new Map(clients.map((client, i) => [client, `/bench-${i}`]));
    return (client) => client.put(paths.get(client), content);
  },
};

async function throughput({ forMs, warmUpMs }) {
  const rows = [];
  for (const clients of [1, 16, 64]) {
    for (const [load, asking] of Object.entries(LOADS)) {
      const work = (cell, all) => loaded(cell, all, forMs, asking(all));
      const { perSec, p50Ms, p99Ms, ...costs } = await withCell(clients, warmUpMs, work);
      const ops = load.startsWith(String(BATCH_OPS)) ? BATCH_OPS : 1;
      const share = Object.entries(costs).map(([name, cost]) => [name, round(cost / ops, 0)]);
      const rate = { batchesPerSec: perSec, opsPerSec: perSec * ops, p50Ms, p99Ms };
      rows.push({ clients, load, ...rate, ...Object.fromEntries(share) });
    }
  }
  return rows;
}

/** Rate and latency of a closed loop, and what a batch of it costs. */
async function loaded(cell, clients, forMs, ask) {
  const before = await used(cell);
  const clientBefore = process.cpuUsage();
  const { perSec, p50Ms, p99Ms, count } = await closedLoop(clients, forMs, ask);
  const after = await used(cell);
  const clientCpu = process.cpuUsage(clientBefore);
  return {
    perSec,
    p50Ms,
    p99Ms,
    replicaCpuUsPerOp: ((after.cpuSec - before.cpuSec) * 1e6) / count,
    clientCpuUsPerOp: (clientCpu.user + clientCpu.system) / count,
    bytesPerOp: (after.linkBytes - before.linkBytes) / count,
  };
}

async function lockRoundTrip({ forMs, warmUpMs }) {
  return withCell(1, warmUpMs, async (_cell, [client]) => {
    await client.create('/bench', { mode: 'guarded' });
    return [
      await closedLoop([client], forMs, async () => {
        const lock = await client.acquire('/bench');
        await lock.release();
      }),
    ];
  });
}

/** One lock, 16 contenders: how often does it change hands? */
async function handOffs({ forMs, warmUpMs }) {
  return withCell(16, warmUpMs, async (_cell, clients) => {
    await clients[0].create('/bench', { mode: 'guarded' });
    const run = await closedLoop(clients, forMs, async (client) => {
      const lock = await client.acquire('/bench');
      await lock.release();
    });
    return [
      { contenders: 16, handOffsPerSec: run.perSec, waitP50Ms: run.p50Ms, waitP99Ms: run.p99Ms },
    ];
  });
}

/**
 * kill -9 of one replica in mid-load: the longest gap, and the ten seconds after, with it dead. The
 * lead goes round with the rounds, so every victim leads every fourth.
 */
async function kill({ forMs, warmUpMs }) {
  const rows = [];
  for (const victim of [0, 1]) {
    rows.push(
      await withCell(16, warmUpMs, async (cell, clients) => {
        const healthy = await closedLoop(clients, forMs, (client) => client.submit([NOOP]));
        const gaps = watchGaps();
        const dying = closedLoop(clients, 2_000, async (client) => {
          await client.submit([NOOP]);
          gaps.commit();
        });
        setTimeout(() => void cell.replicas[victim].kill(), 500);
        await dying;
        const dead = await closedLoop(clients, 2 * forMs, (client) => client.submit([NOOP]));
        return {
          victim: `r${victim}`,
          longestGapMs: round(gaps.longestMs, 0),
          healthyPerSec: healthy.perSec,
          deadPerSec: dead.perSec,
          rateRatio: round(dead.perSec / healthy.perSec),
          p50Ratio: round(dead.p50Ms / healthy.p50Ms),
        };
      }),
    );
  }
  return rows;
}

function watchGaps() {
  let last = performance.now();
  const gaps = { longestMs: 0, commit };
  function commit() {
    gaps.longestMs = Math.max(gaps.longestMs, performance.now() - last);
    last = performance.now();
  }
  return gaps;
}

export const SCENARIOS = { latency, throughput, lockRoundTrip, handOffs, kill, proofs };
