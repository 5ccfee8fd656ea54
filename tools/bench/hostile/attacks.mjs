// What hostile clients do. Each attack prepares, and answers what starts it; it goes on while `target.isOn`.
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { WebSocket } from 'ws';
import {
  encodeProof,
  inspectProof,
  parseStoneJson,
} from '../../../packages/cairo/verify/dist/index.js';
import { dialClient } from '../../../packages/edge/network/dist/client.js';
import { asDigest, asSignature, encode } from '../../../packages/kernel/codec/dist/index.js';
import { BULK, PROTOCOL } from '../../../packages/kernel/interface/dist/index.js';
import { keepAliveShape, sessionIdOf } from '../../../packages/kernel/protocol/dist/index.js';
import { encodeClientMessage, topicOf } from '../../../packages/lock/api/dist/index.js';
import { connect } from '../../../packages/lock/client/dist/node.js';
import { fresh, scheme, turnOver } from './target.mjs';

const KEYS = 8;
const LONGEST = 'n'.repeat(255);
const PROOF = new URL(
  '../../../packages/cairo/verify/fixtures/lease-chain/0.json',
  import.meta.url,
);

const several = (count, make) => Promise.all(Array.from({ length: count }, (_, i) => make(i)));
const sessions = (target, count = KEYS) => several(count, () => target.session());
const read = (query, minCommit = 0) =>
  encodeClientMessage({ kind: 'read', request: 1, minCommit, view: 'committed', query });
const file = (path, content) => ({
  kind: 'create',
  path,
  node: 'file',
  mode: 'shared',
  ephemeral: false,
  exclusive: false,
  content,
});
const directory = (path) => ({ ...file(path, new Uint8Array(0)), node: 'directory' });

/** Every session keeps batches of this op on their way, at all nodes. */
async function streams(target, make, { keys = KEYS, width = 256 } = {}) {
  const all = await sessions(target, keys);
  return () => {
    for (const [i, session] of all.entries()) void session.stream(() => make(i), width);
  };
}

/** Every session floods every node with a message. */
async function floods(target, make, keys = KEYS) {
  const all = await sessions(target, keys);
  return () => {
    for (const session of all) {
      for (const state of session.states) void target.flood(state, () => make(session));
    }
  };
}

async function spin(target) {
  while (target.isOn) {
    const untilMs = performance.now() + 20;
    while (performance.now() < untilMs);
    await turnOver();
  }
}

async function filledDirectory(target, name) {
  const session = await target.session();
  const path = `/${name}-${session.commit}`;
  await session.done([directory(path)]);
  for (let i = 0; i < 8; i++) {
    const files = Array.from({ length: 128 }, (_, k) => file(`${path}/${i}-${k}`, fresh(8)));
    await session.done(files);
  }
  return path;
}

/** Sockets to all nodes, each opened again when it is closed. */
function sockets(target, count, begin) {
  const open = (node) => {
    if (!target.isOn) return;
    const { hostname, port } = new URL(node.url);
    const socket = createConnection(Number(port), hostname);
    target.sent++;
    begin(socket);
    socket.on('error', ({ code }) => target.count(code));
    socket.on('data', () => undefined);
    socket.on('close', () => {
      target.count('closed');
      setTimeout(open, 5, node);
    });
  };
  for (const node of target.nodes) for (let i = 0; i < count; i++) open(node);
}

const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n');

/** Longest wait of those that come and go for the answer to what they said, ms. */
const ANSWER_MS_MAX = 1_000;

/** Keys that link, say something, and link again when they are answered or cut; at once when they said nothing. */
function churn(target, keys, say) {
  for (let i = 0; i < keys; i++) {
    const one = () => {
      if (!target.isOn) return;
      const node = target.nodes[i % target.nodes.length];
      const signer = scheme.signer(fresh(32));
      let isOver = false;
      const again = () => {
        if (isOver) return;
        isOver = true;
        state.dialer.close();
        one();
      };
      const state = target.link(node, signer, {
        up: (link) => {
          target.sent++;
          setTimeout(again, say(link, signer) ? ANSWER_MS_MAX : 0);
        },
        hear: ({ kind }) => {
          if (kind === 'receipt' || kind === 'refused') again();
        },
        down: () => setImmediate(again),
      });
    };
    one();
  }
}

const badOp = (i) => ({ kind: 'remove', path: `/none-${i}`, dots: [] });

export const ATTACKS = {
  nothing: async () => () => undefined,
  cpu: async (target) => () => void spin(target),

  /** Ops that are worth applying, as many as there is room for. */
  writes: (target) => {
    let n = 0;
    return streams(target, (i) => [file(`/w${i}-${n++ % 64}`, fresh(64))]);
  },
  /** Batches as large as a cell takes. */
  'large writes': (target) => {
    const content = fresh(240_000);
    return streams(target, (i) => [0, 1, 2].map((k) => file(`/large-${i}-${k}`, content)), {
      keys: 4,
      width: 8,
    });
  },
  /** The longest and deepest paths, in batches with as many ops as one may have. */
  'deep paths': (target) => {
    const deep = `/${Array.from({ length: 32 }, (_, i) => `${i}${LONGEST}`.slice(0, 255)).join('/')}`;
    const ops = Array.from({ length: 64 }, () => file(deep, fresh(8)));
    return streams(target, () => ops, { keys: 4, width: 16 });
  },
  /** A deep tree is made and removed, again and again. */
  trees: (target) => {
    const names = Array.from({ length: 31 }, (_, i) => `d${i}`);
    return streams(
      target,
      (i) => {
        const top = `/tree-${i}`;
        const paths = names.map((_, k) =>
          `${top}/${names.slice(0, k).join('/')}`.replace(/\/$/, ''),
        );
        const wide = Array.from({ length: 200 }, (_, k) => file(`${top}/wide-${k}`, fresh(1)));
        return [...paths.map(directory), ...wide, { kind: 'removeSubtree', path: top }];
      },
      { keys: 4, width: 8 },
    );
  },
  reads: async (target) => {
    const path = await filledDirectory(target, 'listed');
    const query = { kind: 'list', path, after: undefined, limit: 1_024 };
    return floods(target, () => read(query));
  },
  /** Questions with a certificate and a proof of the state as the answer. */
  'certified reads': async (target) => {
    const path = await filledDirectory(target, 'proved');
    const client = await connect(target.cellPath);
    const ask = async () => {
      while (target.isOn) {
        target.sent++;
        await client
          .get(`${path}/0-0`, { proof: true })
          .then(() => target.count('proved'))
          .catch(({ code }) => target.count(code));
      }
    };
    return () => {
      for (let i = 0; i < 64; i++) void ask();
    };
  },
  /** Connections that say nothing, half a request, or no handshake after it. */
  'half-open': async (target) => () => {
    sockets(target, 300, () => undefined);
    sockets(target, 300, (socket) => socket.write(UPGRADE.slice(0, 60)));
    sockets(target, 600, (socket) => socket.write(UPGRADE));
  },
  /** Handshakes to the end, and gone. */
  'links that come and go': async (target) => () => churn(target, 64, () => false),
  /** Asks for everything and reads nothing: long answers, and events of all that happens. */
  'slow reader': async (target) => {
    const path = await filledDirectory(target, 'unread');
    const all = await several(KEYS * target.nodes.length, (i) => deaf(target, i));
    const query = { kind: 'list', path, after: undefined, limit: 1_024 };
    return () => {
      for (const one of all) {
        for (let watch = 1; watch <= 64; watch++) {
          const topic = topicOf('/', true);
          const asking = { kind: 'watch', watch, topic, from: undefined, room: 1_024 };
          one.link?.send(encodeClientMessage(asking), PROTOCOL);
        }
        one.socket.pause();
        void target.flood(one, () => read(query));
      }
    };
  },
  /** Bytes that are no message. The link ends, and comes again. */
  malformed: async (target) => {
    const junk = new Uint8Array(1 << 20).fill(0x81);
    return () => churn(target, 32, (link) => link.send(junk, BULK));
  },
  /** The same batches, applied long ago. */
  replays: async (target) => {
    const all = await sessions(target);
    const replayed = new Map();
    for (const session of all) {
      const { seq } = session;
      await session.done([file('/replayed', fresh(64))]);
      replayed.set(
        session,
        encodeClientMessage(session.submission([file('/r', fresh(8))], { seq })),
      );
    }
    return () => {
      for (const session of all) {
        const bytes = replayed.get(session);
        for (const state of session.states) void target.flood(state, () => bytes);
      }
    };
  },
  /** Batches in the name of another key: by its name, and by its session. */
  'forged sessions': async (target) => {
    const [victim] = await sessions(target, 1);
    let turn = 0;
    return () =>
      churn(target, 32, (link, signer) => {
        const client = turn++ % 2 === 0 ? victim.signer.publicKey : signer.publicKey;
        const message = victim.submission([badOp(0)], { client });
        return link.send(encodeClientMessage(message), PROTOCOL);
      });
  },
  /** Batches of its own session, signed by nobody. The link ends, and comes again. */
  'wrong signatures': async (target) => {
    const all = await sessions(target, 32);
    const forged = all.map((session) => {
      const message = session.submission([file('/forged', fresh(200_000))]);
      const sig = asSignature(fresh(64));
      return encodeClientMessage({ ...message, batch: { ...message.batch, sig } });
    });
    return () => {
      for (const [i, { states }] of all.entries()) {
        for (const state of states) void target.flood(state, () => forged[i]);
      }
    };
  },
  /** Keep-alives that fail at their last hash. */
  'forged keep-alives': (target) =>
    floods(target, ({ id }) => {
      const message = encode(keepAliveShape, { session: id, i: 64, preimage: fresh(32) });
      return encodeClientMessage({ kind: 'unsigned', message });
    }),
  /** Proofs for a machine of its own that are right until the last bytes. */
  proofs: async (target) => {
    const proof = parseStoneJson(readFileSync(PROOF, 'utf8')).value;
    const { programId } = inspectProof(proof).statement;
    const client = await connect(target.cellPath);
    const path = `/machine-${Date.now()}`;
    await client.machine(path).declare({ programId, t: 0n, s: 1n, binding: 'open' });
    await client.close();
    let n = 0;
    const late = () => {
      const proofBytes = proof.proofBytes.slice();
      proofBytes[proofBytes.length - 1 - (n++ % 4_000)] ^= 1 + (n % 255);
      return encodeProof({ ...proof, proofBytes });
    };
    const op = () => ({
      kind: 'takeMachine',
      path,
      nonce: undefined,
      outputs: 0,
      inbox: 0,
      proofs: [late()],
    });
    return streams(target, () => [op()], { width: 16 });
  },
  /** Sessions of keys that nobody has seen. */
  'new keys': async (target) => {
    const basis = { epoch: target.committee.epoch, commit: (await target.session()).commit };
    return () =>
      churn(target, 64, (link, signer) => {
        const nonce = fresh(16);
        const anchor = asDigest(fresh(32));
        const session = sessionIdOf(signer.publicKey, nonce, basis);
        const opening = { kind: 'openSession', nonce, anchor, leaseMs: 60_000 };
        return link.send(
          encodeClientMessage(target.opening(signer, session, basis, opening)),
          PROTOCOL,
        );
      });
  },
  /** Pings as fast as they go. */
  pings: (target) => floods(target, () => encodeClientMessage({ kind: 'ping', id: 1 })),
};

/** A link whose socket can be left unread. */
function deaf(target, i) {
  const node = target.nodes[i % target.nodes.length];
  return new Promise((resolve) => {
    const state = { link: undefined, socket: undefined };
    class Deaf extends WebSocket {
      constructor(url) {
        super(url, { perMessageDeflate: false });
        state.socket = this;
      }
    }
    dialClient({
      webSocket: Deaf,
      url: node.url,
      identity: target.identity(node),
      handler: {
        up: (link) => {
          state.link = link;
          resolve(state);
        },
        message: () => target.count('read'),
        down: (_link, code, reason) => {
          state.link = undefined;
          target.count(`closed ${code} ${reason}`);
        },
      },
    });
  });
}
