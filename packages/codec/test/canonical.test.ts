import { describe, expect, it } from 'vitest';
import { decode, encode, record, u53, u64, text, bytes, standIn, ed25519 } from '../src/index.ts';
import { nodeScheme } from '../src/node.ts';

describe('canonical', () => {
  const shape = record({ a: u53, b: u64, c: text(50000), d: bytes(70000) });
  it('round-trips every length class', () => {
    for (const n of [0, 1, 23, 24, 31, 32, 63, 64, 255, 256, 300, 65535, 65536])
      for (const t of ['x', 'é', '€'])
      {
        const v = { a: n * 2 ** 20, b: BigInt(n) * 2n ** 40n, c: t.repeat(Math.min(n, 50000)), d: new Uint8Array(n) };
        const out = decode(shape, encode(shape, v), 1e6);
        expect(out).toEqual({ ok: true, value: v });
      }
  });
  it('signs', () => {
    for (const s of [standIn(), ed25519(), nodeScheme()]) {
      const k = s.signer(new Uint8Array(32).fill(7));
      const m = new Uint8Array(10);
      expect(s.verify(k.publicKey, m, k.sign(m))).toBe(true);
      expect(s.admit(k.publicKey).kind).toBe('accept');
      m[0] = 1;
      expect(s.verify(k.publicKey, m, k.sign(new Uint8Array(10)))).toBe(false);
    }
  });
});
