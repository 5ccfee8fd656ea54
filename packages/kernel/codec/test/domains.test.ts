// Tests of hash domains and of what signatures cover.
import { expect, test } from 'vitest';
import { asCellId, ed25519, hash, sha256, signedBytes } from '../src/index.ts';
import { nodeScheme } from '../src/node.ts';
import { hashByHand, messageByHand, pin, sha256ByHand, signedByHand } from './by-hand.ts';

const golden = new URL('./golden/', import.meta.url);
const parts = [Uint8Array.of(1, 2, 3), new Uint8Array(70).fill(0xa5)];
const cellId = asCellId(Uint8Array.from({ length: 32 }, (_, i) => i));

test('a digest is SHA-256 over its domain and its parts', () => {
  const digest = hash('sample', ...parts);
  pin(golden, 'digest', digest);
  expect(digest).toEqual(hashByHand('sample', ...parts));
  expect(sha256(Buffer.concat(parts))).toEqual(sha256ByHand(...parts));
});

test('a signature covers its domain, the cell and the body', () => {
  const message = signedBytes('sample', cellId, Uint8Array.of(9, 8, 7));
  pin(golden, 'signed-message', message);
  expect(message).toEqual(messageByHand('sample', cellId, Uint8Array.of(9, 8, 7)));
});

test('a signature is that of RFC 8032, with and without an accelerator', () => {
  const message = signedBytes('sample', cellId, Uint8Array.of(9, 8, 7));
  const seed = new Uint8Array(32).fill(0x17);
  for (const scheme of [ed25519(), nodeScheme()]) {
    const signer = scheme.signer(seed);
    const sig = signer.sign(message);
    pin(golden, 'public-key', signer.publicKey);
    pin(golden, 'signature', sig);
    expect(signedByHand(signer.publicKey, message, sig)).toBe(true);
    expect(signedByHand(signer.publicKey, message.slice(1), sig)).toBe(false);
  }
});
