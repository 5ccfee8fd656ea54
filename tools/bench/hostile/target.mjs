// The cell as an attacker sees it: raw links that are dialled again at once, and sessions whose batches it writes itself.
import { randomBytes } from 'node:crypto';
import { admitOnly } from '../../../packages/edge/network/dist/client.js';
import { dial } from '../../../packages/edge/network/dist/index.js';
import { asDigest } from '../../../packages/kernel/codec/dist/index.js';
import { nodeScheme } from '../../../packages/kernel/codec/dist/node.js';
import { PROTOCOL } from '../../../packages/kernel/interface/dist/index.js';
import { sessionIdOf, signBatch } from '../../../packages/kernel/protocol/dist/index.js';
import {
  decodeGatewayMessage,
  encodeClientMessage,
  encodeOp,
} from '../../../packages/lock/api/dist/index.js';

const FRAME_BYTES_MAX = 1 << 21;
/** Messages that are handed to a link before others get the thread. */
const BURST = 64;
/** When a link that took nothing is tried again, ms. */
const FULL_MS = 2;

export const scheme = nodeScheme();
export const fresh = (size) => new Uint8Array(randomBytes(size));
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const turnOver = () => new Promise((resolve) => setImmediate(resolve));

/** The cell, what was sent to it, and how it answered. */
export class Target {
  isOn = false;
  sent = 0;
  tally = {};

  constructor({ cellId, committee, addresses }, cellPath) {
    Object.assign(this, { cellId, committee, addresses, cellPath });
    this.nodes = addresses.map(({ key, client }) => ({ key, url: client }));
  }

  begin() {
    this.isOn = true;
    this.sent = 0;
    this.tally = {};
  }

  count(code) {
    this.tally[code] = (this.tally[code] ?? 0) + 1;
  }

  identity(node, signer = scheme.signer(fresh(32))) {
    const { cellId, committee } = this;
    const epoch = () => committee.epoch;
    return { cellId, epoch, role: 'client', signer, scheme, admit: admitOnly([node.key]) };
  }

  /** A link that is kept up. `hear` gets what was decoded, and the link. */
  link(
    node,
    signer,
    { hear = () => undefined, up = () => undefined, down = () => undefined, again = 5 } = {},
  ) {
    const state = { link: undefined };
    state.dialer = dial({
      url: node.url,
      identity: this.identity(node, signer),
      backoff: { baseMs: again, capMs: again, uptimeMsMin: 0 },
      handler: {
        up: (link) => {
          state.link = link;
          up(link);
        },
        message: (link, bytes) => {
          const said = decodeGatewayMessage(bytes, FRAME_BYTES_MAX);
          if (said.ok) this.#hear(said.value, link, hear);
        },
        down: (_link, code, reason) => {
          state.link = undefined;
          this.count(`closed ${code} ${reason}`);
          down();
        },
      },
    });
    return state;
  }

  #hear(message, link, hear) {
    const { kind, failure } = message;
    if (failure) this.count(failure.code);
    else if (kind !== 'pong' && kind !== 'links') this.count(kind);
    hear(message, link);
  }

  /** Links of one key to all nodes, up. */
  async links(signer, options) {
    const all = await Promise.all(
      this.nodes.map(
        (node) =>
          new Promise((resolve) => {
            const up = () => resolve(state);
            const state = this.link(node, signer, { ...options, up });
          }),
      ),
    );
    return all;
  }

  /** Hands messages to a link for as long as it takes any, until the end of the attack. */
  async flood(state, make) {
    while (this.isOn) {
      let burst = 0;
      while (burst < BURST && state.link?.send(make(), PROTOCOL)) burst++;
      this.sent += burst;
      await (burst === BURST ? turnOver() : pause(FULL_MS));
    }
  }

  opening(signer, session, basis, op) {
    const batch = { client: signer.publicKey, session, seq: 0, basis, ops: [encodeOp(op)] };
    return { kind: 'submit', batch: signBatch(this.cellId, signer, batch) };
  }

  /** A session of a fresh key with links to all nodes. */
  async session(options) {
    const session = new Session(this);
    await session.open(options);
    return session;
  }
}

/** A session whose batches are written by hand. */
class Session {
  seq = 0;
  commit = 0;
  signer = scheme.signer(fresh(32));
  #settled = new Map();
  #answers = 0;

  constructor(target) {
    this.target = target;
  }

  async open({ hear = () => undefined } = {}) {
    const { signer, target } = this;
    const heard = (message, link) => {
      this.commit = Math.max(this.commit, message.commit ?? 0);
      if (message.kind === 'receipt' || message.kind === 'refused') this.#answers++;
      if (message.kind === 'receipt') this.#settled.get(message.seq)?.(message);
      hear(message, link);
    };
    this.states = await target.links(signer, { hear: heard });
    const query = { kind: 'status' };
    const read = { kind: 'read', request: 1, minCommit: 1, view: 'committed', query };
    while (this.commit === 0) {
      this.tellAll(encodeClientMessage(read));
      await pause(50);
    }
    this.basis = { epoch: target.committee.epoch, commit: this.commit };
    const nonce = fresh(16);
    this.id = sessionIdOf(signer.publicKey, nonce, this.basis);
    const opening = { kind: 'openSession', nonce, anchor: asDigest(fresh(32)), leaseMs: 60_000 };
    await this.done([opening]);
  }

  tellAll(bytes) {
    for (const { link } of this.states) link?.send(bytes, PROTOCOL);
  }

  /** The next batch, as a message. */
  submission(ops, { seq = this.seq++, session = this.id, client = this.signer.publicKey } = {}) {
    const { signer, target, basis } = this;
    const batch = { client, session, seq, basis, ops: ops.map(encodeOp) };
    return { kind: 'submit', batch: signBatch(target.cellId, signer, batch) };
  }

  /** Submits a batch to all nodes until one of them says that it is applied. */
  async done(ops) {
    const { seq } = this;
    const bytes = encodeClientMessage(this.submission(ops));
    const settled = new Promise((resolve) => this.#settled.set(seq, resolve));
    let isDone = false;
    void settled.then(() => {
      isDone = true;
    });
    while (!isDone) {
      this.tellAll(bytes);
      await Promise.race([settled, pause(2_000)]);
    }
    this.#settled.delete(seq);
  }

  /** A new batch for every one that was answered: `width` of them on their way at each node. */
  async stream(make, width) {
    const { target } = this;
    let sent = 0;
    this.#answers = 0;
    while (target.isOn) {
      if (sent - this.#answers / this.states.length >= width) {
        await pause(FULL_MS);
        continue;
      }
      this.tellAll(encodeClientMessage(this.submission(make())));
      sent++;
      target.sent += this.states.length;
      if (sent % BURST === 0) await turnOver();
    }
  }
}
