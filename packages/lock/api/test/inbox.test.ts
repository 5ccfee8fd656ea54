// Tests of the chain of an inbox.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entryOf, INBOX_START, inboxChain } from '../src/index.ts';

const P = 2n ** 251n + 17n * 2n ** 192n + 1n;
const felt = fc.bigInt({ min: 0n, max: P - 1n });

/** SHA-256 over the domain with its length in front, and the parts; as a number below P. */
function reference(domain: string, ...parts: readonly Buffer[]): bigint {
  const name = Buffer.from(`fatty/${domain}/1`);
  const bytes = Buffer.concat([Buffer.of(name.length), name, ...parts]);
  return BigInt(`0x${createHash('sha256').update(bytes).digest('hex')}`) % P;
}

const word = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

test('in is a hash chain of its entries', () => {
  fc.assert(
    fc.property(fc.array(felt, { maxLength: 5 }), (entries) => {
      const expected = entries.reduce((a, b) => reference('inbox', word(a), word(b)), 0n);
      expect(entries.reduce(inboxChain, INBOX_START)).toBe(expected);
    }),
  );
});

test('bytes become an entry by their hash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(entryOf(bytes)).toBe(reference('inbox-entry', Buffer.from(bytes)));
    }),
  );
});
