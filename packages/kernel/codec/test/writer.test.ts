// Tests of the writer against a CBOR library.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Item } from '../src/index.ts';
import { bytesOfItem } from '../src/writer.ts';
import { libraryBytes } from './naive-decode.ts';

/** Lengths and numbers round which heads grow. */
const EDGES = [0, 23, 24, 255, 256, 65_535, 65_536] as const;
const WIDE_EDGES = [2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1] as const;

const uint = fc.oneof(fc.maxSafeNat(), fc.constantFrom<number>(...EDGES, ...WIDE_EDGES));
const wide = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  uint.map((value) => BigInt(value)),
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.string({ unit: 'binary-ascii', maxLength: 80 }),
);

const { item } = fc.letrec<{ item: Item; array: readonly Item[] }>((tie) => ({
  item: fc.oneof({ depthSize: 'small' }, uint, wide, text, fc.uint8Array(), tie('array')),
  array: fc.array(tie('item'), { maxLength: 30 }),
}));

const same = (one: Item): void => {
  expect(Buffer.compare(bytesOfItem(one), libraryBytes(one))).toBe(0);
};

test('an item is written as a library writes it', () => {
  fc.assert(fc.property(item, same), { numRuns: 2_000 });
});

test('heads grow where they must, and nothing is cut where memory grows', () => {
  for (const size of EDGES) {
    same(size);
    same(new Uint8Array(size).fill(size));
    same('a'.repeat(size));
    same(`${'a'.repeat(size)}é`);
    same(Array.from({ length: size }, (_, i) => i));
  }
  for (const value of WIDE_EDGES) same([value, BigInt(value)]);
  same([2n ** 53n, 2n ** 64n - 1n]);
  same([new Uint8Array(70_000), 'x', [new Uint8Array(300_000), 'é'.repeat(50_000)], 1]);
});

test('what was written stays as it is when something else is', () => {
  const first = bytesOfItem([1, 'one']);
  const copy = first.slice();
  bytesOfItem([2, 'two']);
  expect(first).toEqual(copy);
  expect(first.buffer.byteLength).toBe(first.length);
});
