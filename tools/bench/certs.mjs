// What checking a certified answer costs a client: certificate of a quorum, state record, way, all of it.
// node tools/bench/certs.mjs   (after tsc -b)
import { readFileSync } from 'node:fs';
import { decode, fromHex } from '../../packages/kernel/codec/dist/index.js';
import { nodeScheme } from '../../packages/kernel/codec/dist/node.js';
import { cellIdOf, committeeShape } from '../../packages/kernel/protocol/dist/index.js';
import { checkCertified } from '../../packages/lock/verify/dist/index.js';
import { round } from './probe.mjs';

const VECTORS = new URL('../../packages/lock/verify/vectors/answers.json', import.meta.url);
const WARM_RUNS = 20;
const RUNS = 100;

const vectors = JSON.parse(readFileSync(VECTORS, 'utf8'));
const bytes = fromHex(vectors.committee);
const { value: committee } = decode(committeeShape, bytes, bytes.length);
const rules = { committee, cellId: cellIdOf(committee), scheme: nodeScheme() };
const answers = vectors.answers.filter(({ fact }) => fact !== null);

/** CPU of this process for one check, ms. */
function costMs(answer, runs) {
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i++) {
    const fact = checkCertified(rules, answer);
    if (!fact.ok) throw new Error(fact.failure.code);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / runs;
}

const kinds = new Map();
for (const { hex } of answers) {
  const answer = fromHex(hex);
  costMs(answer, WARM_RUNS);
  const { kind } = checkCertified(rules, answer).value;
  kinds.set(kind, Math.max(kinds.get(kind) ?? 0, costMs(answer, RUNS)));
}
for (const [kind, ms] of kinds) console.log(`${kind}: at most ${round(ms)} ms of CPU`);
