// Tests of how large receipts become.
import { RECEIPT_BYTES_KEPT, RECEIPTS_KEPT, receiptBytes } from '@fatty/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeResult,
  ERRORS,
  type ErrorCode,
  encodeResults,
  errorResult,
  type Result,
  receiptBytesMax,
} from '../src/index.ts';
import { RESULTS } from './samples.ts';

const FELT_MAX = 2n ** 251n + 17n * 2n ** 192n;

/** The same result with every number as long as its form allows. */
function widest(value: unknown, key = ''): unknown {
  if (typeof value === 'bigint') return key === 's' ? FELT_MAX : 2n ** 64n - 1n;
  if (typeof value === 'number') return NARROW.has(key) ? 2 ** 32 - 1 : Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, widest(one, name)]));
}

/** Fields of 32 bits. */
const NARROW = new Set(['index', 'leaseMs', 'nodes', 'left', 'ahead', 'waitMs']);

const results: readonly Result[] = Object.values(RESULTS).map((one) => widest(one) as Result);
const codes = [...ERRORS.keys()] as ErrorCode[];
const error = fc
  .record({
    code: fc.constantFrom(...codes),
    expected: fc.string({ unit: 'grapheme', maxLength: 300 }),
    actual: fc.string({ unit: 'grapheme', maxLength: 300 }),
    waitMs: fc.option(fc.constant(2 ** 32 - 1), { nil: undefined }),
  })
  .map(({ code, expected, actual, waitMs }) => errorResult(code, expected, actual, waitMs));

describe('receipts', () => {
  it('cost no more than a client counts for them, whatever the ops answered', () => {
    const any = fc.oneof(fc.constantFrom(...results), error);
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 256, size: 'max' }), (batch) => {
        const encoded = encodeResults(batch);
        expect(receiptBytes(encoded)).toBeLessThanOrEqual(receiptBytesMax(batch.length));
        encoded.forEach((bytes, i) => {
          const decoded = decodeResult(bytes);
          if (!decoded.ok) throw new Error(decoded.failure.code);
          const code = (one: Result | undefined) => (one?.kind === 'error' ? one.code : one?.kind);
          expect(code(decoded.value)).toBe(code(batch[i]));
        });
      }),
      { numRuns: 200 },
    );
  });

  it('of every code fit with no detail to spare', () => {
    const long = '€'.repeat(300);
    for (const code of codes) {
      const batch = Array.from({ length: 256 }, () => errorResult(code, long, long, 2 ** 32 - 1));
      expect(receiptBytes(encodeResults(batch))).toBeLessThanOrEqual(receiptBytesMax(256));
    }
  });

  it('tell a single error in full', () => {
    const told = errorResult('lock_held', 'a'.repeat(200), 'b'.repeat(200));
    expect(encodeResults([told, RESULTS.written]).map(decodeResult)).toEqual([
      { ok: true, value: told },
      { ok: true, value: RESULTS.written },
    ]);
  });

  it('leave room for a window of single ops, and for several full batches', () => {
    expect(RECEIPTS_KEPT * receiptBytesMax(1)).toBeLessThanOrEqual(RECEIPT_BYTES_KEPT);
    expect(12 * receiptBytesMax(256)).toBeLessThanOrEqual(RECEIPT_BYTES_KEPT);
  });
});
