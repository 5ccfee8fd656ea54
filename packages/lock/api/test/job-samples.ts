// Test helper: a job, and how it is answered.
import { asDigest, asPublicKey } from '@fatty/codec';
import type { Answer } from '../src/index.ts';

const client = asPublicKey(new Uint8Array(32).fill(2));
const some = asDigest(new Uint8Array(32).fill(3));
const position = { commit: 5_000_000_000, index: 4 };
const policy = { layout: 'plain', bitsMin: 96, collisionBitsMin: 124 };

export const TERMS = {
  programId: some,
  policy,
  s: 7n,
  steps: 9n,
  span: 5n,
  inputs: [
    { kind: 'value' as const, value: 3n },
    { kind: 'result' as const, path: '/db/a', output: 1 },
  ],
  window: 4,
  leaseMs: 12_000,
  deadlineMs: 60_000,
  giveUpAfter: 3,
  priority: 5,
  workers: [client],
  keepProofs: true,
  retainMs: 0,
};

export const JOB: Extract<Answer, { kind: 'job' }> = {
  kind: 'job',
  ...TERMS,
  owner: client,
  status: 'claimed',
  outputCount: 2,
  deadline: 70_000,
  values: [3n, 4n],
  progress: { t: 5n, s: 8n, in: 2n ** 150n, taken: 2, outputs: [1n, 2n] },
  claim: { worker: client, nonce: position, leaseExpiry: 99_000 },
  failedBy: [client],
  claims: 2,
  refused: 1,
  refusal: 'wrong_in',
  proofs: 1,
  proofsDigest: some,
  endedAt: 0,
};

export const JOBS: Extract<Answer, { kind: 'jobs' }> = {
  kind: 'jobs',
  entries: [
    {
      name: 'a',
      status: 'claimed',
      worker: client,
      priority: 5,
      t: 5n,
      steps: 9n,
      claims: 2,
      refused: 1,
    },
  ],
  more: true,
};
