// `node tools/bench/jobs.mjs`: jobs claimed, proved and completed per minute, with a real cell of four processes. First with
// proofs: workers of the SDK in this process, each with a prover thread of its own, on the smallest program (64 steps). Then
// without: jobs that are claimed and then ended by their owner, so that all but proof and verification is paid.
// `JOBS=60 WORKERS=2 AT_ONCE=1 BARE=256 node tools/bench/jobs.mjs`

import { readFileSync } from 'node:fs';
import { startCell } from '../../packages/apps/cli/dist/index.js';
import { assemble, idOfProgram } from '../../packages/cairo/prove/dist/index.js';
import { connect } from '../../packages/lock/client/dist/node.js';
import { proverPool, runJobs } from '../../packages/lock/client/dist/worker/index.js';

const JOBS = Number(process.env.JOBS ?? 60);
const WORKERS = Number(process.env.WORKERS ?? 2);
const AT_ONCE = Number(process.env.AT_ONCE ?? 1);
const BARE = Number(process.env.BARE ?? 256);
const TICK = new URL('../../packages/cairo/prove/machines/tick.casm', import.meta.url);

const made = assemble(readFileSync(TICK, 'utf8'));
if (!made.ok) throw new Error(made.failure.code);
const program = made.value;
const terms = { programId: idOfProgram(program, 'plain'), steps: 10n, leaseMs: 60_000 };

function tell(name, count, ms) {
  const rate = Math.round((60_000 * count) / ms);
  console.log(`${name.padEnd(44)} ${count} in ${(ms / 1_000).toFixed(1)} s: ${rate} a minute`);
}

/** CPU so far of this process with its prover threads, and (where there is /proc) of the replicas, ms. */
function cpuMs(cell) {
  const { user, system } = process.cpuUsage();
  const replicas = cell.replicas.map(({ process: { pid } }) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return 10 * (Number(fields[11]) + Number(fields[12]));
    } catch {
      return 0;
    }
  });
  return { own: (user + system) / 1_000, replicas: replicas.reduce((sum, one) => sum + one, 0) };
}

/** What each of `count` jobs has cost since; cores are what a busy machine cannot hide. */
function tellCpu(before, after, count) {
  const [own, replicas] = ['own', 'replicas'].map((who) => (after[who] - before[who]) / count);
  const bound = Math.round((2 * 60_000) / (own + replicas));
  const figures = `${own.toFixed(0)} ms of workers, ${replicas.toFixed(0)} ms of 4 replicas`;
  console.log(`    CPU of a job: ${figures}; two cores have room for ${bound} a minute`);
}

async function declare(client, queue, count) {
  await client.create(queue, { node: 'directory' });
  const beganMs = performance.now();
  const all = Array.from({ length: count }, (_, i) =>
    client.job(`${queue}/${i}`).declare({ ...terms, s: BigInt(i + 1) }),
  );
  await Promise.all(all);
  tell(`declared in ${queue}`, count, performance.now() - beganMs);
}

/** Where the time of each job went, ms: from the claim to the run and proof, and from there to the receipt. */
async function proved(cell, queue) {
  const clients = await Promise.all(Array.from({ length: WORKERS }, () => connect(cell.cellPath)));
  const pools = clients.map(() => proverPool({ threads: 1 }));
  const before = cpuMs(cell);
  let proving = 0;
  const timed = pools.map((pool) => ({
    ...pool,
    async prove(...args) {
      const beganMs = performance.now();
      const outcome = await pool.prove(...args);
      proving += performance.now() - beganMs;
      return outcome;
    },
  }));
  const beganMs = performance.now();
  const ends = await Promise.all(
    clients.map((client, i) =>
      runJobs(client, {
        path: queue,
        programs: [program],
        prover: timed[i],
        wait: false,
        atOnce: AT_ONCE,
      }),
    ),
  );
  const ms = performance.now() - beganMs;
  const done = ends.reduce((sum, end) => sum + end.done.length, 0);
  tell(`claimed, proved, completed by ${WORKERS} workers`, done, ms);
  tellCpu(before, cpuMs(cell), done);
  const each = (part) => `${Math.round(part / done)} ms`;
  const total = ms * WORKERS;
  console.log(`    a job: ${each(total)}, of which proving ${each(proving)}`);
  await Promise.all([...pools, ...clients].map((one) => one.close()));
}

/** Each worker claims, and the owner ends what it claimed. */
async function bare(cell, owner, queue) {
  const clients = await Promise.all(Array.from({ length: WORKERS }, () => connect(cell.cellPath)));
  let count = 0;
  const before = cpuMs(cell);
  const beganMs = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (;;) {
        const claim = await client
          .job(queue)
          .claim()
          .catch(() => undefined);
        if (claim === undefined) return;
        await owner.job(claim.path).cancel();
        count++;
      }
    }),
  );
  tell(`claimed and ended by ${WORKERS} workers`, count, performance.now() - beganMs);
  tellCpu(before, cpuMs(cell), count);
  await Promise.all(clients.map((client) => client.close()));
}

const cell = await startCell({ logLevel: 'warn' });
try {
  const owner = await connect(cell.cellPath);
  await declare(owner, '/proved', JOBS);
  await proved(cell, '/proved');
  // A queue takes 256 jobs of one client that have not ended.
  await declare(owner, '/bare', Math.min(256, BARE));
  await bare(cell, owner, '/bare');
  await owner.close();
} finally {
  await cell.close();
}
