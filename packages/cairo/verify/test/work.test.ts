// Proof of work, bit by bit.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rejected } from '../../air/src/proof/rejected.ts';
import { Channel } from '../../air/src/stark/channel.ts';
import { Transcript } from '../src/stark/transcript.ts';
import { checkWork } from '../src/stark/work.ts';

const MAGIC = Buffer.from('0123456789abcded', 'hex');
const sha = (...parts: Uint8Array[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();

/** Leading zero bits of what the nonce was worth, counted digit by digit. */
function leadingZeros(state: Uint8Array, bits: number, nonce: Uint8Array): number {
  const work = sha(sha(MAGIC, state, Uint8Array.of(bits)), nonce);
  const text = [...work.subarray(0, 8)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return text.indexOf('1') < 0 ? 64 : text.indexOf('1');
}

function verdict(seed: Uint8Array, bits: number, nonce: Uint8Array): string {
  const channel = new Channel((bytes) => sha(bytes), seed);
  try {
    checkWork(new Transcript(nonce, channel, undefined), (bytes) => sha(bytes), bits);
    return 'holds';
  } catch (error) {
    return error instanceof Rejected ? error.failure.code : String(error);
  }
}

describe('proof of work', () => {
  it('holds with exactly the bits it claims, and not with one fewer', () => {
    const reached = { holds: 0, oneShort: 0 };
    const bytes = (size: number): fc.Arbitrary<Uint8Array> =>
      fc.uint8Array({ minLength: size, maxLength: size });
    fc.assert(
      fc.property(bytes(32), fc.integer({ min: 1, max: 4 }), bytes(8), (seed, bits, nonce) => {
        const { state } = new Channel((text) => sha(text), seed);
        const zeros = leadingZeros(Uint8Array.from(state), bits, nonce);
        expect(verdict(seed, bits, nonce)).toBe(zeros >= bits ? 'holds' : 'bad_pow');
        if (zeros >= bits) reached.holds++;
        if (zeros === bits - 1) reached.oneShort++;
      }),
      { numRuns: 400 },
    );
    expect(reached.holds).toBeGreaterThan(20);
    expect(reached.oneShort).toBeGreaterThan(20);
  });

  it('reads no nonce for no bits', () => {
    expect(verdict(new Uint8Array(32), 0, new Uint8Array(0))).toBe('holds');
    expect(verdict(new Uint8Array(32), 1, new Uint8Array(7))).toBe('truncated');
  });
});
