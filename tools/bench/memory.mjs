// `node tools/bench/memory.mjs [--commits N]`: four replicas in one process, in virtual time, under
// steady load. Prints the heap per so many commits: the DAG forgets, so it stays flat. What is
// written to the log is counted and thrown away; signatures are stand-ins.
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { OrswotAlgorithm, setOp, setResult } from '../../packages/algorithms/crdt/dist/index.js';
import { decode, encode, hash, standIn, utf8 } from '../../packages/kernel/codec/dist/index.js';
import {
  DEFAULT_PARAMS,
  sessionIdOf,
  signBatch,
  signedBatchShape,
} from '../../packages/kernel/protocol/dist/index.js';
import { Replica } from '../../packages/kernel/replica/dist/index.js';
import {
  decodeHostedResult,
  encodeHostedOp,
  hosted,
  ownOp,
} from '../../packages/kernel/sessions/dist/index.js';
import { GENESIS_MS, makeCell } from '../../packages/sim/testnet/dist/index.js';

const { values } = parseArgs({ options: { commits: { type: 'string', default: '100000' } } });
const commitsMax = Number(values.commits);
if (!Number.isSafeInteger(commitsMax) || commitsMax < 10) {
  console.error('--commits takes a whole number from 10');
  process.exit(2);
}

const STEP_MS = 1;
const scheme = standIn();
const cell = makeCell(4, scheme, DEFAULT_PARAMS);
const signer = scheme.signer(hash('bench-memory', utf8('client')));
const nonce = hash('bench-memory', utf8('session')).slice(0, 16);
const anchor = hash('bench-memory', utf8('chain'));
const session = sessionIdOf(signer.publicKey, nonce, { epoch: 0, commit: 0 });
/** Batches after which the session's lease starts anew. */
const KEEP_EVERY = 500;
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

/** One replica with its own timers; everything else happens one step later. */
class Host {
  constructor(world, me) {
    const { committee, cellId } = cell;
    const context = { cellId, epoch: committee.epoch, members: committee.members };
    const machine = hosted(() => new OrswotAlgorithm(), context);
    this.world = world;
    this.me = me;
    this.timers = new Map();
    this.replica = new Replica({
      committee,
      cellId,
      me,
      signer: cell.signers[me],
      scheme,
      machine,
    });
  }

  step(event) {
    const { nowMs } = this.world;
    for (const effect of this.replica.step({ ...event, nowMs })) this.perform(effect);
  }

  perform(effect) {
    const { world, me } = this;
    if (effect.kind === 'send') {
      const { peer, bytes } = effect;
      world.later(() => world.hosts[peer].step({ kind: 'message', peer: me, bytes }));
    } else if (effect.kind === 'persist') {
      for (const record of effect.records) world.logBytes += record.body.length;
      world.later(() => this.step({ kind: 'persisted', token: effect.token }));
    } else if (effect.kind === 'setTimer') this.timers.set(effect.name, effect.atMs);
    else if (effect.kind === 'clearTimer') this.timers.delete(effect.name);
    else if (effect.kind === 'read') {
      this.world.later(() => this.step({ kind: 'stored', request: effect.request, blocks: [] }));
    } else if (effect.kind === 'committed' && me === 0) world.committed(effect);
    else if (effect.kind === 'halt') throw new Error(effect.failure.code);
  }

  due() {
    for (const [name, atMs] of this.timers) {
      if (atMs > this.world.nowMs) continue;
      this.timers.delete(name);
      this.step({ kind: 'timer', name });
    }
  }
}

class World {
  nowMs = GENESIS_MS;
  logBytes = 0;
  commits = 0;
  seq = 0;
  now = [];
  next = [];
  hosts = [0, 1, 2, 3].map((me) => new Host(this, me));

  later(what) {
    this.next.push(what);
  }

  /** An add, then the remove of what it added: the state stays small, whatever the history. */
  submit(dots) {
    const member = utf8('member');
    const op = dots.length === 0 ? { kind: 'add', member } : { kind: 'remove', member, dots };
    this.send([
      ownOp(encode(setOp, op)),
      ...(this.seq % KEEP_EVERY === 0 ? [encodeHostedOp({ kind: 'reanchor', anchor })] : []),
    ]);
  }

  send(ops) {
    const { committee, cellId } = cell;
    const batch = { client: signer.publicKey, session, seq: this.seq++ };
    const basis = { epoch: committee.epoch, commit: this.commits };
    const signed = signBatch(cellId, signer, { ...batch, basis, ops });
    const bytes = encode(signedBatchShape, signed);
    this.hosts[this.seq % 4].step({ kind: 'submit', batch: bytes, tag: this.seq });
  }

  committed({ applied }) {
    this.commits++;
    for (const { results } of applied.receipts) {
      const first = decodeHostedResult(results[0]);
      if (first.ok && first.value.kind === 'sessionOpened') {
        this.later(() => this.submit([]));
        continue;
      }
      const result = decode(setResult, first.value?.answer ?? new Uint8Array(0), 1 << 16);
      if (!result.ok || result.value.kind !== 'done') throw new Error('an op was refused');
      const made = this.seq % 2 === 0 ? result.value.dots : [];
      this.later(() => this.submit(made));
    }
  }

  run() {
    for (const host of this.hosts) host.step({ kind: 'start' });
    for (const host of this.hosts) {
      for (const peer of [0, 1, 2, 3]) if (peer !== host.me) host.step({ kind: 'peerUp', peer });
    }
    this.send([encodeHostedOp({ kind: 'openSession', nonce, anchor, leaseMs: 60_000 })]);
    let mark = 0;
    while (this.commits < commitsMax) {
      this.nowMs += STEP_MS;
      [this.now, this.next] = [this.next, []];
      for (const what of this.now) what();
      for (const host of this.hosts) host.due();
      if (this.commits < mark) continue;
      mark += commitsMax / 10;
      this.report();
    }
    this.report();
  }

  report() {
    gc();
    const { blocks, round } = this.hosts[0].replica.status();
    console.log(
      JSON.stringify({
        commits: this.commits,
        round,
        ops: this.seq,
        blocksInMemory: blocks,
        heapMiB: Math.round((process.memoryUsage().heapUsed / 2 ** 20) * 10) / 10,
        buffersMiB: Math.round((process.memoryUsage().arrayBuffers / 2 ** 20) * 10) / 10,
        logMiB: Math.round(this.logBytes / 2 ** 20),
      }),
    );
  }
}

new World().run();
