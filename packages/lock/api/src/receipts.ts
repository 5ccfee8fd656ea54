// Receipts of the lock service: how long their results may be.
import { RECEIPT_HEAD_BYTES, RESULT_HEAD_BYTES } from '@fatty/protocol';
import { encodeResult, errorResult, type Result } from './results.ts';

/** Every result is at most so long with its head, an error with details of {@link SHORT} as well. */
const RESULT_BYTES_MAX = 160;
/** What the errors of one batch may take beyond that, together: one of them is told in full. */
const DETAIL_BYTES_MAX = 1_280;
/** Longest detail of an error for which there is no room, UTF-16 units. */
const SHORT = 16;

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
