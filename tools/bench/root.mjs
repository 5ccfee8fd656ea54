// `node tools/bench/root.mjs [--nodes N,…] [--width N] [--commits N]`: what a commit of the lock service costs, without
// and with its state root, against the size of the state; and what a node takes in memory. One core, CPU time.
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { asCellId, hash, utf8 } from '../../packages/kernel/codec/dist/index.js';
import { nodeScheme } from '../../packages/kernel/codec/dist/node.js';
import { sessionIdOf } from '../../packages/kernel/protocol/dist/index.js';
import { encodeOp } from '../../packages/lock/api/dist/index.js';
import { DEFAULT_QUOTAS, LockService } from '../../packages/lock/service/dist/index.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000,100000' },
    commits: { type: 'string', default: '200' },
    width: { type: 'string', default: '1000' },
  },
});
const sizes = values.nodes.split(',').map(Number);
const commits = Number(values.commits);
/** Files of a directory. */
const WIDTH = Number(values.width);
if (![...sizes, commits, WIDTH].every((one) => Number.isSafeInteger(one) && one > 0)) {
  console.error('--nodes takes whole numbers, --commits and --width one');
  process.exit(2);
}

/** Ops of a measured commit: writes of files and locks, in turn. */
const OPS = 16;
const CELL = { cellId: asCellId(hash('bench')), epoch: 0, members: [] };
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
nodeScheme();

class Client {
  #seq = 0;
  #nonce = new Uint8Array(16);
  client = hash('bench-client');
  session = sessionIdOf(this.client, this.#nonce, { epoch: 0, commit: 0 });

  batch(service, ops) {
    const bytes = ops.map(encodeOp);
    const opened = bytes.map((one) => service.open(one).value);
    const { client, session } = this;
    const seq = this.#seq++;
    const id = hash('bench-batch', utf8(String(seq)));
    return {
      id,
      client,
      session,
      seq,
      basis: { epoch: 0, commit: 0 },
      author: 0,
      ops: bytes,
      opened,
    };
  }

  opening() {
    return {
      kind: 'openSession',
      nonce: this.#nonce,
      anchor: hash('bench-chain'),
      leaseMs: 60_000,
    };
  }
}

class Bench {
  service = new LockService({ cell: CELL, quotas: { ...DEFAULT_QUOTAS, nodesPerClientMax: 1e6 } });
  client = new Client();
  commit = 0;

  commitOf(ops) {
    const batch = this.client.batch(this.service, ops);
    const index = ++this.commit;
    const time = { commitTs: 1_800_000_000_000 + index, leaseClock: index };
    return { index, epoch: 0, ...time, batches: [batch], unsigned: [], evidence: [] };
  }

  apply(ops) {
    const { receipts } = this.service.applyCommit(this.commitOf(ops));
    return receipts;
  }

  grow(nodes) {
    this.apply([this.client.opening()]);
    for (let made = 0; made < nodes; ) {
      const ops = made % WIDTH === 0 ? [create('directory', `/d${made / WIDTH}`)] : [];
      const end = Math.min(nodes, made + Math.min(WIDTH, 1_000));
      for (let n = made; n < end; n++) ops.push(create('file', pathOf(n)));
      made = end;
      this.apply(ops);
    }
  }
}

const pathOf = (n) => `/d${Math.floor(n / WIDTH)}/file-${n}`;

function create(node, path) {
  const content = node === 'file' ? utf8(`content of ${path}`) : new Uint8Array(0);
  return {
    kind: 'create',
    path,
    node,
    mode: 'shared',
    ephemeral: false,
    exclusive: false,
    content,
  };
}

function opsOf(round, nodes) {
  const ops = [];
  for (let i = 0; i < OPS / 2; i++) {
    const path = pathOf((round * 7919 + i * 104_729) % nodes);
    ops.push({ kind: 'write', path, content: utf8(`round ${round}`), observed: [] });
    ops.push({ kind: round % 2 === 0 ? 'tryAcquire' : 'release', path: pathOf(i) });
  }
  return ops.map((op) => ({ ...DEFAULTS[op.kind], ...op }));
}
const DEFAULTS = {
  write: {},
  tryAcquire: { mode: 'exclusive', lockDelayMs: 0 },
  release: { lockGen: undefined },
};

function heap() {
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function cpuUs(what) {
  const before = process.cpuUsage();
  what();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** CPU of a commit, µs: applied alone, and with the root after it. */
function measure(bench, nodes) {
  const rounds = Math.max(4, commits);
  const inputs = [];
  let [plain, rooted] = [0, 0];
  for (let round = 0; round < rounds; round++) inputs.push(opsOf(round, nodes));
  bench.service.root();
  for (const ops of inputs.slice(0, rounds / 2)) {
    const input = bench.commitOf(ops);
    plain += cpuUs(() => bench.service.applyCommit(input));
  }
  bench.service.root();
  for (const ops of inputs.slice(rounds / 2)) {
    const input = bench.commitOf(ops);
    rooted += cpuUs(() => {
      bench.service.applyCommit(input);
      bench.service.root();
    });
  }
  return { plain: plain / (rounds / 2), rooted: rooted / (rounds / 2) };
}

console.log(
  '| nodes | commit of 16 ops, µs | with root, µs | first root, ms | restored root, ms | bytes a node | of them for the root |',
);
console.log('|---|---|---|---|---|---|---|');
for (const nodes of sizes) {
  const bench = new Bench();
  const empty = heap();
  bench.grow(nodes);
  const grown = heap();
  const first = cpuUs(() => bench.service.root());
  const full = heap();
  const { plain, rooted } = measure(bench, nodes);
  const copy = bench.service.fresh();
  copy.restore(bench.service.snapshot());
  const again = cpuUs(() => copy.root());
  const cells = [
    nodes,
    plain.toFixed(0),
    rooted.toFixed(0),
    (first / 1000).toFixed(0),
    (again / 1000).toFixed(0),
    ((full - empty) / nodes).toFixed(0),
    ((full - grown) / nodes).toFixed(0),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
