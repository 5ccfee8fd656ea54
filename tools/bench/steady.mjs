// Four replicas in one process, in virtual time, under the steady load of one client: the world of
// memory.mjs and frames.mjs. Signatures are stand-ins.
import { OrswotAlgorithm, setOp, setResult } from '../../packages/algorithms/crdt/dist/index.js';
import { decode, encode, hash, standIn, utf8 } from '../../packages/kernel/codec/dist/index.js';
import {
  DEFAULT_PARAMS,
  sessionIdOf,
  signBatch,
  signedBatchShape,
} from '../../packages/kernel/protocol/dist/index.js';
import { COPYING, Replica } from '../../packages/kernel/replica/dist/index.js';
import {
  decodeHostedResult,
  encodeHostedOp,
  hosted,
  ownOp,
} from '../../packages/kernel/sessions/dist/index.js';
import { GENESIS_MS, makeCell } from '../../packages/sim/testnet/dist/index.js';

const STEP_MS = 1;
const scheme = standIn();
const signer = scheme.signer(hash('bench-memory', utf8('client')));
const nonce = hash('bench-memory', utf8('session')).slice(0, 16);
const anchor = hash('bench-memory', utf8('chain'));
const session = sessionIdOf(signer.publicKey, nonce, { epoch: 0, commit: 0 });
/** Batches after which the session's lease starts anew. */
const KEEP_EVERY = 500;

/** A replica without a past. */
export function freshReplica({ cell, tuning, copying }, me) {
  const { committee, cellId } = cell;
  const context = { cellId, epoch: committee.epoch, members: committee.members };
  const machine = hosted(() => new OrswotAlgorithm(), context);
  const own = { me, signer: cell.signers[me], machine };
  return new Replica({ committee, cellId, scheme, tuning, copying, ...own });
}

/** One replica with its own timers; everything else happens one step later. */
class Host {
  constructor(world, me) {
    this.world = world;
    this.me = me;
    this.timers = new Map();
    this.disk = world.diskOf(me);
    this.replica = freshReplica(world, me);
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
      const segment = this.disk.append(effect.records, effect.mark);
      world.later(() => this.step({ kind: 'persisted', token: effect.token, segment }));
    } else if (effect.kind === 'storeFrame') {
      this.disk.keep(effect);
      world.later(() => this.step({ kind: 'frameStored', index: effect.index }));
    } else if (effect.kind === 'dropLog') this.disk.drop(effect.below);
    else if (effect.kind === 'setTimer') this.timers.set(effect.name, effect.atMs);
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

/** `diskOf(me)`: append(records, mark) answers a segment, keep(frame), drop(below). `onCommit(commits)`. */
export class SteadyWorld {
  nowMs = GENESIS_MS;
  commits = 0;
  seq = 0;
  now = [];
  next = [];

  constructor({ params = DEFAULT_PARAMS, tuning = {}, copying = COPYING, diskOf, onCommit }) {
    this.cell = makeCell(4, scheme, params);
    this.tuning = tuning;
    this.copying = copying;
    this.diskOf = diskOf;
    this.onCommit = onCommit;
    this.hosts = [0, 1, 2, 3].map((me) => new Host(this, me));
  }

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
    const { committee, cellId } = this.cell;
    const batch = { client: signer.publicKey, session, seq: this.seq++ };
    const basis = { epoch: committee.epoch, commit: this.commits };
    const signed = signBatch(cellId, signer, { ...batch, basis, ops });
    const bytes = encode(signedBatchShape, signed);
    this.hosts[this.seq % 4].step({ kind: 'submit', batch: bytes, tag: this.seq });
  }

  committed({ applied }) {
    this.commits++;
    this.onCommit?.(this.commits);
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

  start() {
    for (const host of this.hosts) host.step({ kind: 'start' });
    for (const host of this.hosts) {
      for (const peer of [0, 1, 2, 3]) if (peer !== host.me) host.step({ kind: 'peerUp', peer });
    }
    this.send([encodeHostedOp({ kind: 'openSession', nonce, anchor, leaseMs: 60_000 })]);
  }

  /** Until there are so many commits. */
  run(commitsMax) {
    if (this.seq === 0) this.start();
    while (this.commits < commitsMax) {
      this.nowMs += STEP_MS;
      [this.now, this.next] = [this.next, []];
      for (const what of this.now) what();
      for (const host of this.hosts) host.due();
    }
  }
}
