// What Node does faster than plain JavaScript: hashes, comparisons, Ed25519.
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { createRequire } from 'node:module';
import type { PublicKey } from '@fatty/interface';
import { asPublicKey, asSignature, toHex, useEqualBytes, useToHex } from './bytes.ts';
import { unpackDigest, useSha256 } from './hash.ts';
import { type Ed25519Accelerator, ed25519, type SignatureScheme } from './signature.ts';
import { type Sodium, sodiumAccelerator } from './sodium.ts';

const PKCS8 = Uint8Array.from([
  0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
]);
const SPKI = Uint8Array.from([0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]);
/**
 * Keys that are kept, for importing one costs as much as a verification. At most so many, against floods
 * of keys: then all are forgotten. By hand: every check looks in here, so it is one `Map.get`.
 */
const KEYS_MAX = 4096;

/** Ed25519 by node:crypto. */
export function nodeAccelerator(): Ed25519Accelerator {
  const keys = new Map<string, KeyObject>();
  const keyObject = (key: PublicKey): KeyObject => {
    const id = toHex(key);
    let found = keys.get(id);
    if (found === undefined) {
      if (keys.size >= KEYS_MAX) keys.clear();
      found = createPublicKey({ key: Buffer.concat([SPKI, key]), format: 'der', type: 'spki' });
      keys.set(id, found);
    }
    return found;
  };
  return {
    signer(seed) {
      const secret = createPrivateKey({
        key: Buffer.concat([PKCS8, seed]),
        format: 'der',
        type: 'pkcs8',
      });
      const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' });
      return {
        publicKey: asPublicKey(new Uint8Array(spki.subarray(SPKI.length))),
        sign: (message) => asSignature(new Uint8Array(sign(null, message, secret))),
      };
    },
    verify(key, message, signature) {
      try {
        return verify(null, message, keyObject(key), signature);
      } catch {
        return false;
      }
    },
  };
}

/** An optional dependency: undefined where it was not installed, or has no program for this platform. */
export function loadSodium(): Sodium | undefined {
  try {
    return createRequire(import.meta.url)('sodium-native') as Sodium;
  } catch {
    return undefined;
  }
}

/** Buffer's own, of any bytes: without a Buffer for each it takes half the time. Undocumented, so it may go. */
const hexSlice = Reflect.get(Buffer.prototype, 'hexSlice') as
  | ((this: Uint8Array, from: number, to: number) => string)
  | undefined;

/**
 * Installs node:crypto's SHA-256 and answers Ed25519 with libsodium in front of the rule, where it is
 * installed, else with node:crypto.
 */
export function nodeScheme(): SignatureScheme {
  useSha256(
    // As text and then as bytes takes half the time of a Buffer and its copy.
    (bytes) => unpackDigest(hash('sha256', bytes, 'binary')),
    (bytes) => hash('sha256', bytes, 'binary'),
  );
  useEqualBytes((a, b) => Buffer.compare(a, b) === 0);
  if (hexSlice !== undefined) useToHex((bytes) => hexSlice.call(bytes, 0, bytes.length));
  const sodium = loadSodium();
  return ed25519(sodium ? sodiumAccelerator(sodium) : nodeAccelerator());
}
