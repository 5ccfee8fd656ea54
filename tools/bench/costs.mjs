// `node tools/bench/costs.mjs`: what one message of a stranger can cost the thread that runs consensus.
// Prints the table of packages/apps/node/README.md: CPU per message, the worst of each kind, real signatures.

import { compareBatches, signBlock } from '../../packages/kernel/broadcast/dist/index.js';
import {
  asDigest,
  asSignature,
  decode,
  encode,
  hash,
  sha256,
  utf8,
} from '../../packages/kernel/codec/dist/index.js';
import { nodeScheme } from '../../packages/kernel/codec/dist/node.js';
import {
  batchId,
  batchShape,
  cellIdOf,
  DEFAULT_PARAMS,
  keepAliveShape,
  sessionIdOf,
  signBatch,
  signedBatchShape,
} from '../../packages/kernel/protocol/dist/index.js';
import { encodeMessage, Replica } from '../../packages/kernel/replica/dist/index.js';
import {
  decodeClientMessage,
  encodeClientMessage,
  encodeOp,
} from '../../packages/lock/api/dist/index.js';
import { LockService } from '../../packages/lock/service/dist/index.js';

const NOW = 1_700_000_000_000;
const scheme = nodeScheme();
const signers = Array.from({ length: 4 }, (_, i) => scheme.signer(sha256(utf8(`r${i}`)))).sort(
  (a, b) => Buffer.compare(a.publicKey, b.publicKey),
);
const members = signers.map(({ publicKey }) => publicKey);
const committee = { epoch: 0, members, genesisTs: NOW, params: DEFAULT_PARAMS };
const cellId = cellIdOf(committee);
const basis = { epoch: 0, commit: 0 };

const machine = new LockService({ cell: { cellId, epoch: 0, members }, params: DEFAULT_PARAMS });
const replica = new Replica({ committee, cellId, me: 0, signer: signers[0], scheme, machine });
let nowMs = NOW + 1_000;
let monotonicMs = 0;
const step = (event) => {
  monotonicMs += 1;
  nowMs += 1;
  return replica.step({ ...event, nowMs, monotonicMs });
};
step({ kind: 'start' });
for (const peer of [1, 2, 3]) step({ kind: 'peerUp', peer });

class Client {
  constructor(name) {
    this.signer = scheme.signer(sha256(utf8(name)));
    this.nonce = sha256(utf8(`${name} nonce`)).slice(0, 16);
    this.session = sessionIdOf(this.signer.publicKey, this.nonce, basis);
  }

  signed(ops, seq) {
    const { signer, session } = this;
    const place = { client: signer.publicKey, session, seq, basis };
    return signBatch(cellId, signer, { ...place, ops: ops.map(encodeOp) });
  }

  opening() {
    const anchor = asDigest(sha256(utf8('anchor')));
    return this.signed([{ kind: 'openSession', nonce: this.nonce, anchor, leaseMs: 60_000 }], 0);
  }
}

const bytesOf = (signed) => encode(signedBatchShape, signed);
const forgedOf = (signed) => bytesOf({ ...signed, sig: asSignature(new Uint8Array(64).fill(7)) });
const carried = (signed) => ({
  id: batchId(signed.core),
  batch: decode(batchShape, signed.core, 1 << 20).value,
  signed,
});

/** A client with a session, so that its batches are looked at to the end. */
const known = new Client('known');
machine.applyCommit({
  index: 1,
  epoch: 0,
  commitTs: NOW,
  leaseClock: NOW,
  batches: [{ author: 0, ...carried(known.opening()).batch, id: hash('bench', utf8('open')) }],
  unsigned: [],
  evidence: [],
});

/** Mean CPU per call, ms; the first call warms up. */
function cpuMs(times, act) {
  act(times);
  const before = process.cpuUsage();
  for (let k = 0; k < times; k++) act(k);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / times;
}

const write = (size, k) => {
  const content = new Uint8Array(size);
  new DataView(content.buffer).setUint32(0, k);
  return { kind: 'write', path: '/a', content, observed: [] };
};
const submit = (batch) => step({ kind: 'submit', batch, tag: 1 });
const TIMES = 30;
const list = (make) => Array.from({ length: TIMES + 1 }, (_, k) => make(k));

let keys = 0;
function heavyBlock(round, author, sign = signers[author]) {
  const cancel = { kind: 'cancel', seq: 0, index: 0 };
  const batches = Array.from({ length: 64 }, () => new Client(`k${keys++}`))
    .flatMap((client) =>
      Array.from({ length: 8 }, (_, seq) => carried(client.signed([cancel], seq))),
    )
    .sort(compareBatches);
  const others = [0, 1, 2, 3].filter((one) => one !== author);
  const parents = [author, ...others].map((one) => {
    const digest = asDigest(sha256(utf8(`${one} ${round}`)));
    return { author: one, round: round - 1, digest };
  });
  const header = { cellId, epoch: 0, round, author, ts: NOW, seal: false, parents };
  return signBlock(header, { batches, unsigned: [], evidence: [] }, sign).bytes;
}
const push = (block) => encodeMessage({ kind: 'push', block });
const hear = (peer, bytes) => step({ kind: 'message', peer, bytes });

const rows = [];
const row = (port, message, size, checks, ms, limit) =>
  rows.push(`| ${port} | ${message} | ${size} | ${checks} | ${ms.toFixed(2)} | ${limit} |`);
const kib = (bytes) => (bytes < 1_024 ? `${bytes} B` : `${Math.round(bytes / 1_024)} KiB`);

{
  const frames = list((k) => {
    const batch = known.signed([write(250_000, k), write(250_000, k), write(200_000, k)], 9);
    return encodeClientMessage({ kind: 'submit', batch });
  });
  const ms = cpuMs(TIMES, (k) => decodeClientMessage(frames[k], 1 << 21));
  row('client', 'frame, to read it', kib(frames[0].length), 'none', ms, 'bytes/s of a key');
}
for (const size of [10, 250_000]) {
  const batches = list((k) => forgedOf(known.signed([write(size, k)], 9)));
  const ms = cpuMs(TIMES, (k) => submit(batches[k]));
  row('client', 'batch nobody signed', kib(batches[0].length), '1 signature', ms, 'ends the link');
}
{
  const batches = list((k) => bytesOf(new Client(`n${k}`).signed([write(10, k)], 5)));
  const ms = cpuMs(TIMES, (k) => submit(batches[k]));
  row(
    'client',
    'batch without a session',
    kib(batches[0].length),
    'none',
    ms,
    'newcomers, by turns',
  );
}
{
  const batches = list((k) => bytesOf(new Client(`o${k}`).opening()));
  const ms = cpuMs(TIMES, (k) => submit(batches[k]));
  row(
    'client',
    'opening of a fresh key',
    kib(batches[0].length),
    'admission, 1 signature',
    ms,
    'newcomers, by turns',
  );
}
{
  const beat = (preimage) => encode(keepAliveShape, { session: known.session, i: 64, preimage });
  const beats = list((k) => beat(sha256(utf8(`b${k}`))));
  const ms = cpuMs(TIMES, (k) => machine.unsigned.precheck(machine.unsigned.open(beats[k]).value));
  row('client', 'keep-alive, forged', '80 B', '64 hashes', ms, 'counts 64 of 8,192 a second');
}
{
  const frames = list((k) => {
    const junk = new Uint8Array(1 << 20).fill(0x81);
    junk[k] = 0xff;
    return junk;
  });
  const ms = cpuMs(6, (k) => hear(3, frames[k]));
  row('replica', 'garbage', '1024 KiB', 'none', ms, '8 a minute');
}
{
  const frames = list((k) => push(heavyBlock(1_000_000 + k, 2)));
  const ms = cpuMs(TIMES, (k) => hear(2, frames[k]));
  row('replica', 'block of a round far ahead', kib(frames[0].length), '1 signature', ms, 'bytes');
  const again = cpuMs(TIMES, (k) => hear(2, frames[k]));
  row('replica', 'the same again', kib(frames[0].length), 'none', again, 'bytes');
}
{
  const frames = Array.from({ length: 7 }, (_, k) => push(heavyBlock(50 + k, 1)));
  const ms = cpuMs(6, (k) => hear(1, frames[k]));
  const checks = '512 signatures, 64 admissions';
  row(
    'replica',
    'valid block of fresh keys',
    kib(frames[0].length),
    checks,
    ms,
    'one a slot; 64 wait; budget',
  );
}
{
  const frames = Array.from({ length: 7 }, (_, k) => push(heavyBlock(150 + k, 1, signers[2])));
  const ms = cpuMs(6, (k) => hear(2, frames[k]));
  row(
    'replica',
    'block its author never signed',
    kib(frames[0].length),
    '1 signature, twice',
    ms,
    '8 a minute',
  );
}
{
  const bytes = encodeMessage({
    kind: 'getBlocks',
    refs: Array.from({ length: 64 }, (_, k) => ({
      round: 5,
      author: 1,
      digest: asDigest(sha256(utf8(`${k}`))),
    })),
  });
  const ms = cpuMs(TIMES, () => hear(1, bytes));
  row(
    'replica',
    'question for 64 blocks',
    kib(bytes.length),
    'none',
    ms,
    '16 MiB of answers per 100 ms',
  );
}
console.log('| port | message | bytes | checks | CPU, ms | limit |');
console.log('|---|---|---|---|---|---|');
for (const line of rows) console.log(line);
