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
  packedHash,
  packedSha256,
  sha256,
  signedBytes,
  toHex,
  unpackDigest,
  useSha256,
  useToHex,
  utf8,
} from '../src/index.ts';
import { nodeScheme } from '../src/node.ts';

const blob = fc.uint8Array({ maxLength: 200 });
const node = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

describe('bytes', () => {
  it('writes hex of any length as others do, with and without native code', () => {
    const agree = fc.property(fc.uint8Array({ maxLength: 5000, size: 'max' }), (bytes) => {
      expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
      const part = bytes.subarray(bytes.length >> 1);
      expect(toHex(part)).toBe(Buffer.from(part).toString('hex'));
    });
    fc.assert(agree);
    nodeScheme();
    fc.assert(agree);
    useToHex((bytes) => `${bytes.length}`);
    expect(toHex(new Uint8Array(3))).toBe('3');
    nodeScheme();
    expect(toHex(Uint8Array.of(0, 0xfa))).toBe('00fa');
  });

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

  it('writes UTF-8 as others do, short and long', () => {
    const unit = fc.oneof(
      fc.nat(0x7f),
      fc.nat(0xffff),
      fc.constantFrom(0x7f, 0x80, 0xd83d, 0xde00),
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 70, size: 'max' }), (units) => {
        const text = String.fromCharCode(...units);
        expect(toHex(utf8(text))).toBe(Buffer.from(text).toString('hex'));
        const ascii = String.fromCharCode(...units.filter((one) => one < 0x80));
        expect(toHex(utf8(ascii))).toBe(Buffer.from(ascii).toString('hex'));
      }),
    );
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

  it('joins parts of any number and size, and none of one call is left in the next', () => {
    const SIZES = [0, 1, 40, 8_000, 16_000, 20_000] as const;
    const parts = fc.array(
      fc.tuple(fc.constantFrom(...SIZES), fc.nat(255)).map(([size, fill]) => {
        return new Uint8Array(size).fill(fill);
      }),
      { maxLength: 4 },
    );
    const agree = fc.property(parts, (all) => {
      const domain = Buffer.from('\u000cfatty/vote/1');
      const expected = node(Buffer.concat([domain, ...all]));
      expect(toHex(hash('vote', ...all))).toBe(expected.toString('hex'));
      expect(packedHash('vote', Buffer.concat(all))).toBe(expected.toString('latin1'));
    });
    useSha256(nobleSha256);
    fc.assert(agree, { numRuns: 40 });
    nodeScheme();
    fc.assert(agree);
  });

  it('refuses an accelerator that is not SHA-256', () => {
    expect(() => useSha256(() => new Uint8Array(32))).toThrow(InvariantError);
    expect(() => useSha256(sha256, () => 'other')).toThrow(InvariantError);
  });
});
