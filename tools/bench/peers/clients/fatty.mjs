// Load on a cell through its SDK: every worker is a client with a key, a session and links of its own.
import { connect } from '../../../../packages/lock/client/dist/node.js';
import { NOOP } from '../../load.mjs';
import { VALUE } from './loop.mjs';

/** Clients that connect at once: each shakes hands with every replica. */
const AT_ONCE = 16;
const BATCH = Array.from({ length: 256 }, () => NOOP);
const SHARED = '/handed-on';

async function make(client, path, options) {
  await client.create(path, options).catch((error) => {
    if (error.code !== 'exists') throw error;
  });
}

async function workerOf({ cellPath, replicas }, index) {
  const client = await connect(cellPath);
  await client.linked(replicas);
  const [file, lock] = [`/put-${index}`, `/lock-${index}`];
  await make(client, lock, { mode: 'guarded' });
  await client.put(file, VALUE);
  const locked = async (path) => {
    const held = await client.acquire(path);
    await held.release();
  };
  return {
    client,
    commit: () => client.submit([NOOP]),
    commit256: () => client.submit(BATCH),
    put: () => client.put(file, VALUE),
    get: () => client.get(file, { level: 'linearizable' }),
    lock: () => locked(lock),
    handOff: () => locked(SHARED),
  };
}

/** So many workers, and what ends them. */
export async function open(where, count) {
  const workers = [];
  while (workers.length < count) {
    const next = Math.min(AT_ONCE, count - workers.length);
    const from = workers.length;
    const made = Array.from({ length: next }, (_, k) => workerOf(where, from + k));
    workers.push(...(await Promise.all(made)));
  }
  await make(workers[0].client, SHARED, { mode: 'guarded' });
  const close = () => Promise.all(workers.map(({ client }) => client.close()));
  return { workers, close };
}

/** Who writes while a server fails: one client, linked to all replicas, as an application would be. */
export async function openWriters(where) {
  const { workers, close } = await open(where, 1);
  return { writers: workers.map(({ put }) => put), close };
}
