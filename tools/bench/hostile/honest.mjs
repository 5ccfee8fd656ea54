// The honest clients of hostile.mjs: half of them put, half lock and unlock, each in a closed loop. Once a turn somebody new
// comes: a fresh key connects, opens a session and puts.
import { connect } from '../../../packages/lock/client/dist/node.js';
import { closedLoop } from '../load.mjs';
import { round } from '../probe.mjs';

const CLIENTS = 4;
const VALUE = new Uint8Array(64);
/** A call that takes longer has failed; it counts with this time. */
const CALL_MS_MAX = 10_000;
const TERMS = { timeoutMs: CALL_MS_MAX };
const [, , cellPath] = process.argv;

process.on('disconnect', () => process.exit());

let failed = 0;

async function tried(call) {
  await call().catch(() => {
    failed++;
  });
}

async function join(count) {
  const beganMs = performance.now();
  await tried(async () => {
    const client = await connect(cellPath);
    const path = `/honest/new-${count % 4}`;
    try {
      await client.put(path, VALUE, { parents: true, ...TERMS });
    } finally {
      await client.close();
    }
  });
  return performance.now() - beganMs;
}

const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(cellPath)));
const asks = await Promise.all(
  clients.map(async (client, i) => {
    const path = `/honest/${i}`;
    if (i % 2 === 0) {
      await client.put(path, VALUE, { parents: true });
      return () => client.put(path, VALUE, TERMS);
    }
    await client.create(path, { mode: 'guarded', parents: true });
    return async () => {
      const lock = await client.acquire(path, TERMS);
      await lock.release(TERMS);
    };
  }),
);

let turns = 0;
async function measure(forMs) {
  failed = 0;
  const joining = join(turns++);
  const { perSec, p50Ms, p99Ms, maxMs } = await closedLoop(asks, forMs, tried);
  const run = { perSec, p50Ms, p99Ms, maxMs, joinMs: round(await joining, 0), failed };
  process.send({ kind: 'measured', run });
}

process.on('message', ({ forMs }) => void measure(forMs));
process.send({ kind: 'ready' });
