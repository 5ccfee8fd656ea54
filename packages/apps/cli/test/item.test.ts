// Tests of JSON as canonical bytes.
import { array, bytes, encode, hash, record, text, toHex, u53 } from '@fatty/codec';
import { expect, test } from 'vitest';
import { bytesOfJson, shownBytes } from '../src/commands/item.ts';

const hexOf = (json: string): string => toHex(bytesOfJson(json));

test('JSON becomes the bytes that package codec writes', () => {
  expect(hexOf('42')).toBe(toHex(encode(u53, 42)));
  expect(hexOf('"ä"')).toBe(toHex(encode(text(10), 'ä')));
  expect(hexOf('{"hex": "00ff"}')).toBe(toHex(encode(bytes(10), Uint8Array.of(0, 255))));
  const pair = record<{ a: number; b: readonly string[] }>({ a: u53, b: array(text(9), 30) });
  const b = Array.from({ length: 23 }, (_, i) => String(i));
  expect(hexOf(JSON.stringify([7, b]))).toBe(toHex(encode(pair, { a: 7, b })));
});

test.each(['-1', '1.5', 'null', 'true', '{}', '{"hex": "0"}', 'no json', `[${'1,'.repeat(23)}1]`])(
  '%s is none',
  (json) => {
    expect(() => bytesOfJson(json)).toThrow('--json: expected');
  },
);

test('an answer is shown as what it says, where it is one number or text', () => {
  expect(shownBytes(encode(u53, 42))).toEqual({ value: 42, hex: '182a' });
  expect(shownBytes(encode(text(9), 'a'))).toEqual({ value: 'a', hex: '6161' });
  const digest = hash('any');
  expect(shownBytes(digest)).toEqual({ hex: toHex(digest) });
});
