// Load on etcd through etcd3. The workers share one client, as in an application; a lock needs a lease
// of its own each, and goes through the lock service that etcd3 leaves out.
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Etcd3 } from 'etcd3';
import { VALUE } from './loop.mjs';

const LEASE_SEC = 60;
/** A write that a failing cell leaves unanswered is given up after so many ms. */
const TRY_MS_MAX = 300;
const PROTO = fileURLToPath(new URL('../v3lock.proto', import.meta.url));

/** Policies of etcd3 that wait before they try again; a fault is measured without them. */
const plain = { execute: (act) => act({}) };
const withoutPolicies = { faultHandling: { global: plain, host: () => plain } };

const called = (service, method, request) =>
  new Promise((resolve, reject) => {
    service[method](request, (error, value) => (error ? reject(error) : resolve(value)));
  });

async function workerOf(etcd, service, index) {
  const key = `put-${index}`;
  const lease = etcd.lease(LEASE_SEC);
  const id = await lease.grant();
  await etcd.put(key).value(VALUE);
  const locked = async (name) => {
    // As bytes: text in a field of bytes would be taken for base64.
    const { key: held } = await called(service, 'lock', { name: Buffer.from(name), lease: id });
    await called(service, 'unlock', { key: held });
  };
  return {
    lease,
    put: () => etcd.put(key).value(VALUE),
    get: () => etcd.get(key).buffer(),
    lock: () => locked(`lock-${index}`),
    handOff: () => locked('handed-on'),
  };
}

/** So many workers, and what ends them. */
export async function open({ hosts }, count) {
  const etcd = new Etcd3({ hosts });
  const { Lock } = loadPackageDefinition(loadSync(PROTO, { longs: String })).v3lockpb;
  const services = hosts.map((host) => new Lock(host, credentials.createInsecure()));
  const workers = await Promise.all(
    Array.from({ length: count }, (_, i) => workerOf(etcd, services[i % hosts.length], i)),
  );
  const close = async () => {
    await Promise.all(workers.map(({ lease }) => lease.revoke()));
    for (const service of services) service.close();
    etcd.close();
  };
  return { workers, close };
}

/** Who writes while a server fails: a client at each of the others, the first answer counts. */
export async function openWriters({ hosts }) {
  const clients = hosts.map((host) => new Etcd3({ hosts: [host], ...withoutPolicies }));
  const writers = clients.map(
    (etcd) => () =>
      etcd
        .put('failing')
        .value(VALUE)
        .options({ deadline: Date.now() + TRY_MS_MAX }),
  );
  return { writers, close: async () => clients.forEach((etcd) => void etcd.close()) };
}
