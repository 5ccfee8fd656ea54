import { encodeResult, errorResult, type Result } from './results.ts';

/**
 * What a cell keeps of a session's receipts (R3), and so how much of a session may be in flight: from the
 * oldest batch without a believed receipt on, a client signs no more than this. Then a batch that is sent
 * again is answered with the receipt of its seq, however late.
 *
 * Of the last {@link RECEIPTS_KEPT} seqs the cell always knows which batch used them up. What the ops
 * answered is kept as long as all of a session's take no more than {@link RECEIPT_BYTES_KEPT}, and less only
 * when the receipts of the whole cell are over their own limit.
 */
export const RECEIPTS_KEPT = 64;
export const RECEIPT_BYTES_KEPT: number = 512 * 1024;

/** Batch id, seq, commit, and the heads around the results. Bytes. */
const RECEIPT_HEAD_BYTES = 64;
const RESULT_HEAD_BYTES = 8;
/** Every result is at most so long with its head, an error with details of {@link SHORT} as well. */
const RESULT_BYTES_MAX = 160;
/** What the errors of one batch may take beyond that, together: one of them is told in full. */
const DETAIL_BYTES_MAX = 1_280;
/** Longest detail of an error for which there is no room, UTF-16 units. */
const SHORT = 16;

/** What a kept receipt costs its session, bytes. */
export function receiptBytes(results: readonly Uint8Array[]): number {
  const sum = (total: number, one: Uint8Array): number => total + RESULT_HEAD_BYTES + one.length;
  return results.reduce(sum, RECEIPT_HEAD_BYTES);
}

/** No receipt of a batch of so many ops costs more ({@link encodeResults}), bytes. */
export function receiptBytesMax(ops: number): number {
  return RECEIPT_HEAD_BYTES + DETAIL_BYTES_MAX + ops * RESULT_BYTES_MAX;
}

/** The results of one batch, as its receipt carries them: within {@link receiptBytesMax}. */
export function encodeResults(results: readonly Result[]): readonly Uint8Array[] {
  let spare = DETAIL_BYTES_MAX;
  return results.map((result) => {
    const encoded = encodeResult(result);
    const excess = RESULT_HEAD_BYTES + encoded.length - RESULT_BYTES_MAX;
    if (excess <= 0 || result.kind !== 'error') return encoded;
    if (excess > spare) return encodeResult(shortened(result));
    spare -= excess;
    return encoded;
  });
}

function shortened({ code, expected, actual, waitMs }: Extract<Result, { kind: 'error' }>): Result {
  return errorResult(code, expected.slice(0, SHORT), actual.slice(0, SHORT), waitMs);
}
