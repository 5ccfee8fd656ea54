// Load on ZooKeeper through node-zookeeper-client. Puts and gets share one session, as in an
// application; a lock is the recipe of its documentation, with a session for every worker.
import { setTimeout as sleep } from 'node:timers/promises';
import zookeeper from 'node-zookeeper-client';
import { VALUE } from './loop.mjs';

const SESSION_MS = 20_000;
const CONNECT_MS_MAX = 30_000;
/** A write that a failing ensemble leaves unanswered is given up after so many ms. */
const TRY_MS_MAX = 300;
const { EPHEMERAL_SEQUENTIAL } = zookeeper.CreateMode;

/** A session with promises; an answer of several values is its first. */
async function sessionOf(hosts) {
  const client = zookeeper.createClient(hosts.join(','), {
    sessionTimeout: SESSION_MS,
    spinDelay: 50,
  });
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no ZooKeeper session')), CONNECT_MS_MAX);
    client.once('connected', () => resolve(clearTimeout(timer)));
    client.connect();
  });
  const call = (method, ...args) =>
    new Promise((resolve, reject) => {
      client[method](...args, (error, value) => (error ? reject(error) : resolve(value)));
    });
  return { client, call };
}

async function make(session, path) {
  await session.call('create', path, VALUE).catch((error) => {
    if (error.name !== 'NODE_EXISTS') throw error;
  });
}

/** Resolves when a node is gone. */
function untilGone({ client }, path) {
  return new Promise((resolve, reject) => {
    const told = (error, stat) => (error ? reject(error) : stat ? undefined : resolve());
    client.exists(path, () => resolve(), told);
  });
}

/** Queue up behind who came before, watch only him. */
async function locked(session, folder) {
  const path = await session.call('create', `${folder}/n-`, null, EPHEMERAL_SEQUENTIAL);
  const own = path.slice(folder.length + 1);
  for (;;) {
    const queue = (await session.call('getChildren', folder)).sort();
    const place = queue.indexOf(own);
    if (place === 0) break;
    if (place < 0) throw new Error('lost from the queue');
    await untilGone(session, `${folder}/${queue[place - 1]}`);
  }
  await session.call('remove', path, -1);
}

async function workerOf(hosts, shared, index) {
  const [file, lock] = [`/put-${index}`, `/lock-${index}`];
  const session = await sessionOf(hosts);
  await make(shared, file);
  await make(shared, lock);
  return {
    session,
    put: () => shared.call('setData', file, VALUE, -1),
    get: () => shared.call('getData', file),
    lock: () => locked(session, lock),
    handOff: () => locked(session, '/handed-on'),
  };
}

/** So many workers, and what ends them. */
export async function open({ hosts }, count) {
  const shared = await sessionOf(hosts);
  await make(shared, '/handed-on');
  const workers = await Promise.all(
    Array.from({ length: count }, (_, i) => workerOf(hosts, shared, i)),
  );
  const close = async () => {
    for (const { session } of workers) session.client.close();
    shared.client.close();
  };
  return { workers, close };
}

/** Who writes while a server fails: a session at each of the others, the first answer counts. */
export async function openWriters({ hosts }) {
  const sessions = await Promise.all(hosts.map((host) => sessionOf([host])));
  await make(sessions[0], '/failing');
  const late = () =>
    sleep(TRY_MS_MAX).then(() => {
      throw new Error('late');
    });
  const writers = sessions.map(
    ({ call }) =>
      () =>
        Promise.race([call('setData', '/failing', VALUE, -1), late()]),
  );
  return { writers, close: async () => sessions.forEach(({ client }) => void client.close()) };
}
