// Tests of byte strings.
import { createHash } from 'node:crypto';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asCellId,
  asDigest,
  compareBytes,
  concatBytes,
  equalBytes,
  excerpt,
  fromHex,
  fromUtf8,
  hash,
  InvariantError,
  isText,
  packDigest,
  packedSha256,
  sha256,
  signedBytes,
  toHex,
  unpackDigest,
  useSha256,
  utf8,
} from '../src/index.ts';
import { nodeScheme } from '../src/node.ts';

const blob = fc.uint8Array({ maxLength: 200 });
const node = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

describe('bytes', () => {
  it('compares as Buffer.compare does, and equality agrees with and without memcmp', () => {
    const agree = fc.property(blob, blob, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
      expect(equalBytes(a, a.slice())).toBe(true);
    });
    fc.assert(agree);
    nodeScheme();
    fc.assert(agree);
  });

  it('writes hex of any length as others do', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000, size: 'max' }), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
      }),
    );
  });

  it('quotes any string as text, and text as it is', () => {
    const units = fc.array(
      fc.oneof(fc.nat(0xffff), fc.constantFrom(0xfeff, 0xd83d, 0xde00, 0x61)),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(units, fc.nat(30), (codes, most) => {
        const quoted = excerpt(String.fromCharCode(...codes), most);
        expect(isText(quoted)).toBe(true);
        expect(quoted.length).toBeLessThanOrEqual(most);
        expect(excerpt(quoted, most)).toBe(quoted);
      }),
    );
    expect(excerpt('ab😀', 3)).toBe('ab\uFFFD');
    expect(excerpt('a\uFEFFb', 3)).toBe('a\uFEFFb');
  });

  it('joins parts in order', () => {
    const whole = concatBytes(Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3));
    expect([...whole]).toEqual([1, 2, 3]);
  });

  it('round-trips hex and refuses junk', () => {
    fc.assert(
      fc.property(blob, (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
    );
    for (const junk of ['0', '0g', '0x00', ' 00', '00 ']) expect(fromHex(junk)).toBeUndefined();
  });

  it('reads UTF-8 strictly', () => {
    expect(fromUtf8(utf8('\uFEFFzürich'))).toBe('\uFEFFzürich');
    expect(fromUtf8(Uint8Array.of(0xed, 0xa0, 0x80))).toBeUndefined();
    expect([isText('zürich 𝄞'), isText('\uD834'), isText('\uFEFF')]).toEqual([true, false, false]);
  });

  it('brands only the right size', () => {
    expect(() => asDigest(new Uint8Array(31))).toThrow(InvariantError);
  });
});

describe('hash', () => {
  it('is SHA-256, portable and accelerated', () => {
    fc.assert(
      fc.property(blob, (bytes) => {
        expect(toHex(sha256(bytes))).toBe(node(bytes).toString('hex'));
      }),
    );
  });

  it('is the same packed as text, portable and accelerated', () => {
    const agree = fc.property(blob, (bytes) => {
      const packed = packedSha256(bytes);
      expect(packed).toBe(packDigest(sha256(bytes)));
      expect(unpackDigest(packed)).toEqual(sha256(bytes));
    });
    useSha256(nobleSha256);
    fc.assert(agree);
    nodeScheme();
    fc.assert(agree);
  });

  it('separates domains: length, fatty/type/1, parts', () => {
    const domain = Buffer.from('\u000cfatty/vote/1');
    expect(toHex(hash('vote', Uint8Array.of(7)))).toBe(
      node(Buffer.concat([domain, Uint8Array.of(7)])).toString('hex'),
    );
    const signed = signedBytes('vote', asCellId(new Uint8Array(32)), Uint8Array.of(9));
    expect(toHex(signed)).toBe(
      toHex(Buffer.concat([domain, new Uint8Array(32), Uint8Array.of(9)])),
    );
  });

  it('refuses an accelerator that is not SHA-256', () => {
    expect(() => useSha256(() => new Uint8Array(32))).toThrow(InvariantError);
    expect(() => useSha256(sha256, () => 'other')).toThrow(InvariantError);
  });
});
