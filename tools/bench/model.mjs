// `node tools/bench/model.mjs [--clients N] [--calls N] [--floods N] [--op noop|put|lock|hand] [--machines N] [--cores N]
// [--warm MS] [--for MS] [--tuning JSON] [--params JSON] [--profile FILE] [--uncertified]`: a cell and its clients in one process, on cores
// of a model. The code of replicas, gateways and clients runs in truth and is charged the CPU it took;
// sockets and disks are charged what they were measured to cost. So two builds can be compared on a
// machine that others keep busy. Floods are clients besides, with as many batches under way as a session may have, each as
// long as it may be; what is measured are the others.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { parseArgs } from 'node:util';
import { lockServed } from '../../packages/apps/node/dist/lock-served.js';
import { GATEWAY_LIMITS, Gateway, Host } from '../../packages/edge/host/dist/index.js';
import { nodeScheme } from '../../packages/kernel/codec/dist/node.js';
import { DEFAULT_PARAMS } from '../../packages/kernel/protocol/dist/index.js';
import { Checkpoints, Replica } from '../../packages/kernel/replica/dist/index.js';
import { ClientCore } from '../../packages/lock/core/dist/index.js';
import { LockService } from '../../packages/lock/service/dist/index.js';
import { GENESIS_MS, makeCell } from '../../packages/sim/testnet/dist/index.js';
import { NOOP } from './load.mjs';
import { World } from './model/cores.mjs';
import { quantile, round } from './probe.mjs';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '64' },
    calls: { type: 'string', default: '1' },
    floods: { type: 'string', default: '0' },
    op: { type: 'string', default: 'noop' },
    machines: { type: 'string', default: '1' },
    cores: { type: 'string', default: '2' },
    warm: { type: 'string', default: '2000' },
    for: { type: 'string', default: '3000' },
    tuning: { type: 'string', default: '{}' },
    params: { type: 'string', default: '{}' },
    profile: { type: 'string' },
    uncertified: { type: 'boolean', default: false },
  },
});
const [clients, calls] = [Number(values.clients), Number(values.calls)];
const floods = Number(values.floods);
/** Batches of one session under way, and ops of each. */
const [FLOOD_CALLS, FLOOD_OPS] = [64, 256];
const [warmMs, forMs] = [Number(values.warm), Number(values.for)];
/** ms: a frame on its way, CPU to send and to read one, and a write with its datasync. */
const [LINK_MS, SEND_MS, READ_MS, DISK_MS] = [0.03, 0.022, 0.028, 0.4];
const BEGIN_MS = 800;
const FRAME_BYTES_MAX = 1 << 24;

// No commit is a checkpoint: no state root, no vote, no certificate, no frame.
if (values.uncertified) Checkpoints.prototype.committed = () => undefined;
const scheme = nodeScheme();
const { cellId, committee, signers } = makeCell(4, scheme, {
  ...DEFAULT_PARAMS,
  ...JSON.parse(values.params),
});
const cell = { cellId, committee, addresses: [] };
const machines = Number(values.machines);
const world = new World(machines, Number(values.cores));
const counts = {};
const count = (what) => {
  counts[what] = (counts[what] ?? 0) + 1;
};

/** Frames of one direction of a link: `hear` runs on the other loop. */
function wire(from, to, what, hear) {
  return (bytes) => {
    count(what);
    from.send(SEND_MS, () => world.after(LINK_MS, () => to.post(() => hear(bytes), READ_MS)));
    return true;
  };
}

function portsOf(loop) {
  const written = (done) => world.after(DISK_MS, () => loop.post(() => done(undefined)));
  return {
    clock: { nowMs: () => GENESIS_MS + world.nowMs, monotonicMs: () => world.nowMs },
    timers: {
      after(delayMs, act) {
        let isDue = true;
        world.after(delayMs, () => loop.post(() => isDue && act()));
        return () => {
          isDue = false;
        };
      },
    },
    log: {
      append: (_, done) => loop.send(0, () => written((failure) => done(failure, 1))),
      dropBelow: (_, done) => written(done),
    },
    frames: { write: (_, __, done) => written(done), read: (_, __, ___, answer) => answer() },
    mark: { write: (_, done) => loop.send(0, () => written(done)) },
    kv: { get: () => undefined, range: () => [], write: (_, done) => written(done) },
    verifier: { verify: (_, __, answer) => loop.post(() => answer({ kind: 'accept' })) },
  };
}

function outward(me, effect) {
  if (me > 0) return;
  if (effect.kind === 'committed') count('commits');
  if (effect.kind === 'note' && effect.note.what === 'proposed') count('rounds');
}

function replicaAt(me) {
  const loop = world.loop(me);
  const { epoch, members, params } = committee;
  const machine = new LockService({ cell: { cellId, epoch, members }, params });
  const tuning = JSON.parse(values.tuning);
  const signer = signers[me];
  const replica = new Replica({ committee, cellId, me, signer, scheme, machine, tuning });
  const fail = (error) => {
    throw error;
  };
  const shown = (view) => (view === 'committed' ? machine : replica.deliveredView());
  // All sessions open at once, which the budget of newcomers is made to delay.
  const limits = { ...GATEWAY_LIMITS, newcomersMsPerSecMax: 1e5 };
  const host = new Host({
    replica,
    ports: portsOf(loop),
    clockMs: (sample) => replica.clockMs(sample),
    isCurrent: () => replica.isCurrent(),
    chain: () => ({ epoch: 0, links: [] }),
    onOutward: (effect) => outward(me, effect),
    onFatal: fail,
    front: (behind, timers) =>
      new Gateway({
        cellId,
        signer,
        replica: behind,
        served: lockServed(shown),
        timers,
        limits,
        onError: fail,
      }),
  });
  return { loop, host };
}

function linkReplicas(replicas) {
  for (const [me, { loop, host }] of replicas.entries()) {
    loop.post(() => host.begin());
    for (const [peer, other] of replicas.entries()) {
      if (peer === me) continue;
      const hear = (bytes) => other.host.driver.dispatch({ kind: 'message', peer: me, bytes });
      const link = {
        peer: committee.members[peer],
        role: 'replica',
        messageBytesMax: FRAME_BYTES_MAX,
        send: wire(loop, other.loop, 'frames among replicas', hear),
        close: () => undefined,
      };
      loop.post(() => host.driver.linkUp(peer, link));
    }
  }
}

const latencies = [];
let isMeasuring = false;

/** A core of the SDK, linked to all replicas; all clients share a loop, as they share a process. */
class Client {
  #core;
  #loop;
  #up;
  #settlers = new Map();
  #calls = 1;
  #wakes = 0;

  constructor(index, loop, replicas) {
    const seed = new Uint8Array(32).fill(1);
    new DataView(seed.buffer).setUint32(0, index + 1);
    const signer = scheme.signer(seed);
    this.#loop = loop;
    this.#core = new ClientCore({ cell, signer, scheme, seed, chainLength: 256 });
    this.#step({ kind: 'start' });
    this.#up = replicas.map(({ loop: other, host }, replica) => {
      const hear = (bytes) => this.#step({ kind: 'message', replica, bytes });
      const link = {
        peer: signer.publicKey,
        role: 'client',
        messageBytesMax: FRAME_BYTES_MAX,
        send: wire(other, loop, 'frames to clients', hear),
        close: () => undefined,
      };
      other.post(() => {
        host.front.linkUp(link);
        other.send(0, () => loop.post(() => this.#step({ kind: 'linkUp', replica })));
      });
      return wire(loop, other, 'frames of clients', (bytes) => host.front.message(link, bytes));
    });
  }

  #step(event) {
    for (const effect of this.#core.step({ ...event, atMs: world.nowMs })) this.#perform(effect);
  }

  #perform(effect) {
    if (effect.kind === 'send') this.#up[effect.replica](effect.bytes);
    if (effect.kind === 'settled') this.#settlers.get(effect.call)?.(effect.outcome);
    if (effect.kind !== 'wake') return;
    this.#wakes += 1;
    const wake = this.#wakes;
    const act = () => wake === this.#wakes && this.#step({ kind: 'wake' });
    world.after(effect.atMs - world.nowMs, () => this.#loop.post(act));
  }

  /** Answers the call's id; `done` hears how it went. */
  call(request, done) {
    const call = this.#calls++;
    this.#settlers.set(call, (outcome) => {
      this.#settlers.delete(call);
      const isFine = outcome.kind !== 'failed' || outcome.failure.code === 'exists';
      if (!isFine) count(`failed: ${outcome.failure.code}`);
      done(outcome);
    });
    this.#step({ kind: 'call', call, request });
    return call;
  }

  /** Over and over; each turn is a latency. */
  loop(one, isFlood) {
    const beganMs = world.nowMs;
    one(() => {
      if (isMeasuring && !isFlood) latencies.push(world.nowMs - beganMs);
      this.loop(one, isFlood);
    });
  }
}

const VALUE = new Uint8Array(256).fill(7);
const ops = (...all) => ({ kind: 'ops', ops: all });
const file = { node: 'file', mode: 'guarded', ephemeral: false, exclusive: false, content: VALUE };

/** What one client does, again and again. */
const WORK = {
  noop: (client) => (next) => client.call(ops(NOOP), next),
  put: (client, index) => written(client, `/file-${index}`),
  lock: (client, index) => locked(client, `/file-${index}`),
  hand: (client) => locked(client, '/file-0'),
};

const locked = (client, path) => (next) => {
  const request = { kind: 'acquire', path, mode: 'exclusive', wait: true, lockDelayMs: 0 };
  const hold = client.call(request, () => client.call({ kind: 'release', hold }, next));
};

/** The op alone: the SDK's `put` reads the file first, to know what it replaces. */
const written = (client, path) => {
  let observed = [];
  return (next) =>
    client.call(ops({ kind: 'write', path, content: VALUE, observed }), ({ at }) => {
      const { session, seq, index } = at;
      observed = [{ session, seq, index }];
      next();
    });
};

const FLOOD = ops(...Array.from({ length: FLOOD_OPS }, () => NOOP));
const flooded = (client) => (next) => client.call(FLOOD, next);

function begin(client, index) {
  const mode = values.op === 'put' ? 'shared' : 'guarded';
  client.call(ops({ kind: 'create', path: `/file-${index}`, ...file, mode }), () => {
    const isFlood = index >= clients;
    const one = isFlood ? flooded(client) : WORK[values.op](client, index);
    for (let i = 0; i < (isFlood ? FLOOD_CALLS : calls); i++) client.loop(one, isFlood);
  });
}

async function profiled(work) {
  if (values.profile === undefined) return work();
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  work();
  const { profile } = await session.post('Profiler.stop');
  writeFileSync(values.profile, JSON.stringify(profile));
}

const replicas = Array.from({ length: 4 }, (_, me) => replicaAt(me));
linkReplicas(replicas);
const loop = world.loop(machines - 1);
const all = [];
loop.post(() => {
  for (let i = 0; i < clients + floods; i++) all.push(new Client(i, loop, replicas));
});
world.after(BEGIN_MS, () => loop.post(() => all.forEach(begin)));
world.run(BEGIN_MS + warmMs);
isMeasuring = true;
const servers = () => replicas.reduce((sum, one) => sum + one.loop.usedMs, 0);
const before = { ...counts, servers: servers(), clients: loop.usedMs };
await profiled(() => world.run(BEGIN_MS + warmMs + forMs));
const since = (what) => (counts[what] ?? 0) - (before[what] ?? 0);
const done = latencies.length;
const rounds = since('rounds');
const rows = {
  [`${values.op} a second, ${clients} client(s) × ${calls} call(s)`]: (done * 1_000) / forMs,
  'p50, ms': quantile(latencies, 0.5),
  'p99, ms': quantile(latencies, 0.99),
  'CPU of all replicas, ms per op': (servers() - before.servers) / done,
  'CPU of the clients, ms per op': (loop.usedMs - before.clients) / done,
  'rounds a second': (rounds * 1_000) / forMs,
  'ops per round': done / rounds,
  'CPU per round and replica, ms': (servers() - before.servers) / 4 / rounds,
};
for (const what of Object.keys(counts).filter((one) => /^frames|^failed/.test(one))) {
  rows[`${what}, per op`] = since(what) / done;
}
for (const [what, figure] of Object.entries(rows)) console.log(`| ${what} | ${round(figure)} |`);
process.exit(0);
