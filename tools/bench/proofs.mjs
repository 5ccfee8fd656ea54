// What checking a plain proof costs one core, warm and cold.
import { readFileSync } from 'node:fs';
import {
  COMMITTEE_POLICY,
  createCairoVerifier,
  parseStoneJson,
} from '../../packages/cairo/dist/index.js';
import { latencies } from './load.mjs';
import { round } from './probe.mjs';

const RUNS = 100;
const PERIOD_MS = 12_000;

export async function proofs() {
  const verifier = await createCairoVerifier();
  const url = new URL('../../packages/cairo/fixtures/lease-chain/0.json', import.meta.url);
  const parsed = parseStoneJson(readFileSync(url, 'utf8'));
  if (!parsed.ok) throw new Error(parsed.failure.code);
  const check = () => {
    const start = performance.now();
    const verdict = verifier.verifyProof(parsed.value, COMMITTEE_POLICY);
    if (verdict.kind !== 'accept') throw new Error(verdict.code);
    return performance.now() - start;
  };
  const firstMs = check();
  const times = Array.from({ length: RUNS }, check);
  const found = latencies(times);
  return [
    {
      proof: 'plain, 128 steps, 96 bits',
      bytes: parsed.value.proofBytes.length,
      firstMs: round(firstMs),
      ...found,
      machinesPerCore: Math.floor(PERIOD_MS / found.p50Ms),
    },
  ];
}
