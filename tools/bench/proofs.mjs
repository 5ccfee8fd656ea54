// What checking a plain proof costs one core, warm and cold.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  COMMITTEE_POLICY,
  createCairoVerifier,
  parseStoneJson,
} from '../../packages/cairo/verify/dist/index.js';
import { latencies } from './load.mjs';
import { round } from './probe.mjs';

const RUNS = 100;
const PERIOD_MS = 12_000;

/** Files of the vectors, where FATTY_VECTORS names them. */
const LARGE = 'stone/stone-local/plain.ok.tick_n800_8192steps.json';

function read(file) {
  const parsed = parseStoneJson(readFileSync(file, 'utf8'));
  if (!parsed.ok) throw new Error(parsed.failure.code);
  return parsed.value;
}

function row(verifier, name, proof, wanted) {
  const check = () => {
    const start = performance.now();
    const verdict = verifier.verifyProof(proof, COMMITTEE_POLICY);
    if ((verdict.code ?? verdict.kind) !== wanted) throw new Error(verdict.code ?? verdict.kind);
    return performance.now() - start;
  };
  const firstMs = check();
  const found = latencies(Array.from({ length: RUNS }, check));
  return {
    proof: name,
    bytes: proof.proofBytes.length,
    firstMs: round(firstMs),
    ...found,
    machinesPerCore: wanted === 'accept' ? Math.floor(PERIOD_MS / found.p50Ms) : undefined,
  };
}

export async function proofs() {
  const verifier = await createCairoVerifier();
  const url = new URL('../../packages/cairo/verify/fixtures/lease-chain/0.json', import.meta.url);
  const proof = read(url);
  const garbage = { ...proof, proofBytes: proof.proofBytes.map((byte) => byte & 7) };
  const vectors = process.env.FATTY_VECTORS;
  return [
    row(verifier, 'plain, 128 steps, 96 bits', proof, 'accept'),
    ...(vectors === undefined
      ? []
      : [row(verifier, 'plain, 8,192 steps, 96 bits', read(join(vectors, LARGE)), 'accept')]),
    row(verifier, 'garbage of that size', garbage, 'bad_oods'),
  ];
}
