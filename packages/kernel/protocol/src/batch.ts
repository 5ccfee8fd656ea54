// Batches: what a client signs (R3).
import {
  array,
  decode,
  encode,
  hash,
  publicKey,
  record,
  type Shape,
  type Signer,
  sessionId,
  signature,
  signedBytes,
  u53,
  viewBytes,
} from '@fatty/codec';
import type {
  Basis,
  CellId,
  Digest,
  Outcome,
  PublicKey,
  SessionId,
  Signature,
} from '@fatty/interface';
import type { Limits } from './committee.ts';
import { basisShape } from './session.ts';

/** R3. What a client signs: an atomic list of ops at one place of one session. */
export interface Batch {
  readonly client: PublicKey;
  readonly session: SessionId;
  readonly seq: number;
  readonly basis: Basis;
  /** Opaque to everything below the algorithm. Decoded: views of the core, as that is of its block. */
  readonly ops: readonly Uint8Array[];
}

/** A batch as it travels: the signed bytes and the signature over them. id = H(core). */
export interface SignedBatch {
  readonly core: Uint8Array;
  readonly sig: Signature;
}

const OPS_HARD_MAX = 1024;
const BYTES_HARD_MAX = 4 * 1024 * 1024;

/** Canonical bytes of a batch; ops are views of the input. */
export const batchShape: Shape<Batch> = record({
  client: publicKey,
  session: sessionId,
  seq: u53,
  basis: basisShape,
  ops: array(viewBytes(BYTES_HARD_MAX), OPS_HARD_MAX),
});

/** Canonical bytes of a signed batch; its core is a view of the input. */
export const signedBatchShape: Shape<SignedBatch> = record({
  core: viewBytes(BYTES_HARD_MAX),
  sig: signature,
});

/** H(core): names a batch, whoever carries it. */
export function batchId(core: Uint8Array): Digest {
  return hash('batch', core);
}

/** The bytes a client's signature covers. */
export function batchMessage(cellId: CellId, core: Uint8Array): Uint8Array {
  return signedBytes('batch', cellId, core);
}

/** Writes and signs a batch for one cell. */
export function signBatch(cellId: CellId, signer: Signer, batch: Batch): SignedBatch {
  const core = encode(batchShape, batch);
  return { core, sig: signer.sign(batchMessage(cellId, core)) };
}

/**
 * Decodes the core under the cell's limits. Codes of `decode` plus `too_many_ops`, `empty_batch`,
 * `op_too_large`.
 */
export function openBatch(core: Uint8Array, limits: Limits): Outcome<Batch> {
  const batch = decode(batchShape, core, limits.batchBytesMax);
  if (!batch.ok) return batch;
  const { ops } = batch.value;
  const refuse = (code: string, expected: string, actual: string): Outcome<Batch> => ({
    ok: false,
    failure: { code, expected, actual },
  });
  if (ops.length === 0) return refuse('empty_batch', 'at least one op', 'none');
  if (ops.length > limits.batchOpsMax) {
    return refuse('too_many_ops', `at most ${limits.batchOpsMax}`, String(ops.length));
  }
  const big = ops.find((op) => op.length > limits.opBytesMax);
  if (big) return refuse('op_too_large', `at most ${limits.opBytesMax} bytes`, String(big.length));
  return batch;
}
