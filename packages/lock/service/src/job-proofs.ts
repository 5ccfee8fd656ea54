// Whether proofs continue a job, and what its file keeps of them.
import {
  CONTENT_BYTES_MAX,
  decodeJobPieces,
  type ErrorCode,
  type ErrorResult,
  equalPositions,
  errorResult,
  inboxChain,
  type JobPiece,
  type JobProgress,
  jobPiecesShape,
  type Op,
  showPosition,
} from '@fatty/api';
import type { LeaseStatement } from '@fatty/cairo-verify';
import { encode, hash } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import type { Job } from './job-state.ts';
import type { ProvenOp } from './open.ts';
import { readLeases, refuseStart } from './proofs.ts';

/** A proof op of a job, its envelopes read. */
export type JobProofOp = Extract<ProvenOp, { kind: 'proveJob' }>;

/**
 * Refusals that an honest worker never meets, whatever it was overtaken by: they end the claim of
 * whoever sent them.
 */
export const LIES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'bad_outputs',
  'bad_inbox',
  'below_policy',
  'wrong_program',
  'bad_proof',
  'wrong_t',
  'wrong_s',
  'wrong_in',
]);

/**
 * Where an op's proofs lead a claimed job. Pure. Codes: `wrong_nonce`, `bad_outputs`, `bad_inbox`,
 * `below_policy`, `wrong_program`, `bad_proof`, `stale_t`, `wrong_t`, `wrong_s`, `wrong_in`.
 */
export function judgeJob(op: JobProofOp, job: Job): JobProgress | ErrorResult {
  const { progress, steps, span, outputs, window, claim } = job;
  if (!equalPositions(op.nonce, claim?.nonce)) {
    return errorResult('wrong_nonce', showPosition(claim?.nonce), showPosition(op.nonce));
  }
  if (op.outputs !== outputs) {
    return errorResult('bad_outputs', String(outputs), String(op.outputs));
  }
  if (op.inbox !== window) return errorResult('bad_inbox', String(window), String(op.inbox));
  const leases = readLeases(op, { ...job, outputCount: outputs });
  if ('kind' in leases) return leases;
  const [first, last] = [leases[0], leases.at(-1)];
  if (first === undefined || last === undefined) return errorResult('bad_proof', 'a proof', 'none');
  const refusal = refuseStart(first, progress);
  if (refusal) return refusal;
  const { tTo, sTo, extra } = last;
  for (const lease of leases) {
    const end = lease.tFrom + span < steps ? lease.tFrom + span : steps;
    if (lease.tTo !== end) return errorResult('wrong_t', `tTo ${end}`, String(lease.tTo));
  }
  const taken = takeIn(job, leases);
  if ('kind' in taken) return taken;
  return { ...taken, t: tTo, s: sTo, outputs: extra.slice(extra.length - outputs) };
}

/**
 * Each proof takes in the next inputs, as many as its window holds: so what a job comes to does
 * not depend on who split it. Behind the six cells stand `in` and the window, filled up with 0.
 */
function takeIn(
  { values, window, progress }: Job,
  leases: readonly LeaseStatement[],
): Pick<JobProgress, 'in' | 'taken'> | ErrorResult {
  let { in: chain, taken } = progress;
  if (window === 0) return { in: chain, taken };
  for (const { extra } of leases) {
    const next = values.slice(taken, taken + window);
    const wrong = extra.slice(1, 1 + window).findIndex((cell, i) => cell !== (next[i] ?? 0n));
    if (wrong >= 0) {
      const expected = `input ${taken + wrong + 1}: ${hex(next[wrong] ?? 0n)}`;
      return errorResult('wrong_in', expected, hex(extra[1 + wrong]));
    }
    chain = next.reduce(inboxChain, chain);
    taken += next.length;
    if (extra[0] !== chain) return errorResult('wrong_in', `in ${hex(chain)}`, hex(extra[0]));
  }
  return { in: chain, taken };
}

const hex = (value: bigint | undefined): string => `0x${value?.toString(16)}`;

/** The digest of a proof, as a job chains it. */
export function envelopeDigest(envelope: Uint8Array): Digest {
  return hash('job-proof', envelope);
}

/**
 * The file of a job with the proofs of one more op: with their envelopes if they fit, else their
 * digests alone, else as it was.
 */
export function withPiece(
  content: Uint8Array,
  { worker, nonce }: Pick<JobPiece, 'worker' | 'nonce'>,
  { proofs }: Pick<Op & { kind: 'proveJob' }, 'proofs'>,
  bytesMax: number,
): Uint8Array {
  const before = decodeJobPieces(content);
  if (!before.ok) return content;
  const kept = proofs.map((envelope) => ({ digest: envelopeDigest(envelope), envelope }));
  const bare = kept.map(({ digest }) => ({ digest, envelope: undefined }));
  for (const proofsKept of [kept, bare]) {
    const pieces = [...before.value, { worker, nonce, proofs: proofsKept }];
    const bytes = encode(jobPiecesShape, pieces);
    if (bytes.length <= Math.min(bytesMax, CONTENT_BYTES_MAX)) return bytes;
  }
  return content;
}
