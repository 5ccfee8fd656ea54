// Test helper: recorded proofs of a lease.
import { readFileSync } from 'node:fs';
import {
  createCairoVerifier,
  encodeProof,
  inspectProof,
  parseStoneJson,
} from '@fatty/cairo-verify';
import { nodeScheme } from '@fatty/codec/node';
import type { LeaseFixture } from '@fatty/testnet';

// Installs the fast hash function.
nodeScheme();

function proofAt(i: number) {
  const url = new URL(
    `../../packages/cairo/verify/fixtures/lease-chain/${i}.json`,
    import.meta.url,
  );
  const parsed = parseStoneJson(readFileSync(url, 'utf8'));
  if (!parsed.ok) throw new Error(`lease-chain/${i}.json: ${parsed.failure.code}`);
  return parsed.value;
}

/** The recorded machine with its first proofs, judged by the real verifier. */
export async function leaseFixture(): Promise<LeaseFixture> {
  const chain = [proofAt(0), proofAt(1), proofAt(2)] as const;
  const { statement } = inspectProof(chain[0]);
  if (!statement) throw new Error('a lease proof has a statement');
  const verifier = await createCairoVerifier();
  return {
    programId: statement.programId,
    t: 0n,
    s: 1n,
    proofs: chain.map(encodeProof),
    verdictOf: (job) => verifier.runJob(job),
  };
}
