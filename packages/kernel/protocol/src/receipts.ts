// What a cell keeps of receipts, and so what a client may have in flight.

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
/** Most bytes of receipts that a session keeps; beyond, the oldest results go. */
export const RECEIPT_BYTES_KEPT: number = 512 * 1024;

/** Batch id, seq, commit, and the heads around the results. Bytes. */
export const RECEIPT_HEAD_BYTES = 64;
/** Around each result. Bytes. */
export const RESULT_HEAD_BYTES = 8;

/** What a kept receipt costs its session, bytes. */
export function receiptBytes(results: readonly Uint8Array[]): number {
  const sum = (total: number, one: Uint8Array): number => total + RESULT_HEAD_BYTES + one.length;
  return results.reduce(sum, RECEIPT_HEAD_BYTES);
}
