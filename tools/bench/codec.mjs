// `node tools/bench/codec.mjs`: what reading a message costs, beside the decoder that makes items of the
// bytes, writes the value again and compares (the tests' oracle). CPU per message, ratios of one run.
import { runnerImport } from 'vite';
import {
  bodyShape,
  compareBatches,
  headerShape,
  signBlock,
  signedBlockShape,
} from '../../packages/kernel/broadcast/dist/index.js';
import {
  asDigest,
  asSessionId,
  decode,
  encode,
  sha256,
  utf8,
} from '../../packages/kernel/codec/dist/index.js';
import { nodeScheme } from '../../packages/kernel/codec/dist/node.js';
import {
  batchShape,
  cellIdOf,
  DEFAULT_PARAMS,
  signBatch,
} from '../../packages/kernel/protocol/dist/index.js';
import { encodeMessage } from '../../packages/kernel/replica/dist/index.js';
import { peerMessageShape } from '../../packages/kernel/replica/dist/messages.js';
import {
  clientMessageShape,
  encodeOp,
  encodeResult,
  gatewayMessageShape,
  opShape,
  resultShape,
} from '../../packages/lock/api/dist/index.js';

const { module: oracle } = await runnerImport(
  new URL('../../packages/kernel/codec/test/naive-decode.ts', import.meta.url).pathname,
  { configFile: false, logLevel: 'error' },
);

const digestOf = (name) => asDigest(sha256(utf8(name)));
const scheme = nodeScheme();
const signer = scheme.signer(sha256(utf8('bench')));
const members = [signer.publicKey];
const cellId = cellIdOf({ epoch: 0, members, genesisTs: 0, params: DEFAULT_PARAMS });
const session = asSessionId(sha256(utf8('session')));
const basis = { epoch: 0, commit: 70_000 };
const write = (size) =>
  encodeOp({ kind: 'write', path: '/app/config', content: new Uint8Array(size), observed: [] });
const batchOf = (seq, ops) =>
  signBatch(cellId, signer, { client: signer.publicKey, session, seq, basis, ops });
const carried = (signed) => ({
  id: digestOf(`batch ${signed.sig}`),
  batch: decode(batchShape, signed.core, 1 << 22).value,
  signed,
});

/** A block of four replicas, round 70,000, with so many batches of one write. */
function blockOf(count, size) {
  const parents = [0, 1, 2, 3].map((author) => ({
    round: 69_999,
    author,
    digest: digestOf(`${author}`),
  }));
  const batches = Array.from({ length: count }, (_, seq) => carried(batchOf(seq, [write(size)])));
  batches.sort(compareBatches);
  const header = {
    cellId,
    epoch: 0,
    round: 70_000,
    author: 0,
    ts: 1_700_000_000_000,
    seal: false,
    parents,
  };
  return signBlock(header, { batches, unsigned: [], evidence: [] }, signer);
}

const block = blockOf(8, 100);
const empty = blockOf(0, 0);
const status = {
  lastOwnRound: 70_000,
  highestRound: 70_001,
  commitIndex: 35_000,
  yourRound: 0,
  ask: true,
};
const result = encodeResult({ kind: 'written', generation: { commit: 35_000, index: 3 } });
const receipt = { batch: digestOf('batch'), session, seq: 7, commit: 35_000, results: [result] };
const big = batchOf(
  7,
  Array.from({ length: 256 }, () => write(32)),
);

/** @type {[string, object, Uint8Array][]} */
const CASES = [
  ['status', peerMessageShape, encodeMessage({ kind: 'status', ...status })],
  ['push of an empty block', peerMessageShape, encodeMessage({ kind: 'push', block: empty.bytes })],
  ['signed block, empty', signedBlockShape, empty.bytes],
  ['header of 4 parents', headerShape, block.signed.header],
  ['signed block of 8 writes', signedBlockShape, block.bytes],
  ['its body', bodyShape, block.signed.body],
  [
    'submit of one write',
    clientMessageShape,
    encode(clientMessageShape, { kind: 'submit', batch: batchOf(7, [write(100)]) }),
  ],
  ['core of one write', batchShape, batchOf(7, [write(100)]).core],
  ['core of 256 writes', batchShape, big.core],
  ['write op', opShape, write(100)],
  ['receipt', gatewayMessageShape, encode(gatewayMessageShape, { kind: 'receipt', ...receipt })],
  ['result', resultShape, result],
  ['write of 64 KiB', opShape, write(65_536)],
  ['garbage of 64 KiB', peerMessageShape, new Uint8Array(65_536).fill(0x81)],
];

/** Mean CPU per call, µs. */
function cpuMicros(times, act) {
  const before = process.cpuUsage();
  for (let k = 0; k < times; k++) act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

const ROUNDS = 8;
console.log(
  '| message | bytes | written again, µs | read once, µs | ratio |\n|---|---|---|---|---|',
);
for (const [name, shape, bytes] of CASES) {
  const calls = [
    () => oracle.naiveDecode(shape, bytes, 1 << 22),
    () => decode(shape, bytes, 1 << 22),
  ];
  const times = Math.ceil(cpuMicros(200, calls[0]) > 50 ? 1_000 : 10_000);
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, call] of calls.entries()) best[at] = Math.min(best[at], cpuMicros(times, call));
  }
  const [naive, own] = best;
  const cells = [naive.toFixed(2), own.toFixed(2), (own / naive).toFixed(2)];
  console.log(`| ${name} | ${bytes.length} | ${cells.join(' | ')} |`);
}
