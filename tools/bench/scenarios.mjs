// What is measured, scenario by scenario. Each starts its own cell and ends it.
import { startCell } from '../../packages/cli/dist/index.js';
import { connect } from '../../packages/client/dist/node.js';
import { closedLoop, NOOP, used } from './load.mjs';
import { round } from './probe.mjs';
import { proofs } from './proofs.mjs';

const WARM_UP_MS = 1_000;
const BATCH_OPS = 256;

async function withCell(clients, work) {
  const cell = await startCell({ logLevel: 'warn' });
  const all = [];
  try {
    for (let i = 0; i < clients; i++) all.push(await connect(cell.cellPath));
    await Promise.all(all.map((client) => client.linked(cell.replicas.length)));
    await closedLoop(all, WARM_UP_MS, (client) => client.submit([NOOP]));
    return await work(cell, all);
  } finally {
    await Promise.all(all.map((client) => client.close()));
    await cell.close();
  }
}

/** Commit latency at one client, against 5 × (one-way delay + datasync) of the same run. */
async function latency({ forMs, stepMs }) {
  return withCell(1, async (_cell, clients) => {
    const run = await closedLoop(clients, forMs, (client) => client.submit([NOOP]));
    return [{ ...run, stepMs: round(stepMs, 3), ratioTo5Steps: round(run.p50Ms / (5 * stepMs)) }];
  });
}

async function throughput({ forMs }) {
  const rows = [];
  for (const clients of [1, 16, 64]) {
    for (const ops of [1, BATCH_OPS]) {
      rows.push(
        await withCell(clients, async (cell, all) => {
          const batch = Array.from({ length: ops }, () => NOOP);
          const before = await used(cell);
          const clientBefore = process.cpuUsage();
          const run = await closedLoop(all, forMs, (client) => client.submit(batch));
          const after = await used(cell);
          const clientCpu = process.cpuUsage(clientBefore);
          const total = run.count * ops;
          return {
            clients,
            opsPerBatch: ops,
            batchesPerSec: run.perSec,
            opsPerSec: run.perSec * ops,
            p50Ms: run.p50Ms,
            p99Ms: run.p99Ms,
            replicaCpuMsPer1000: round(((after.cpuSec - before.cpuSec) * 1e6) / total, 0),
            clientCpuMsPer1000: round((clientCpu.user + clientCpu.system) / total, 0),
            bytesPerOp: round((after.linkBytes - before.linkBytes) / total, 0),
          };
        }),
      );
    }
  }
  return rows;
}

async function lockRoundTrip({ forMs }) {
  return withCell(1, async (_cell, [client]) => {
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
async function handOffs({ forMs }) {
  return withCell(16, async (_cell, clients) => {
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

/** kill -9 of one replica in mid-load: the longest gap, and the ten seconds after, with it dead. */
async function kill({ forMs }) {
  const rows = [];
  for (const victim of [0, 1]) {
    rows.push(
      await withCell(16, async (cell, clients) => {
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
