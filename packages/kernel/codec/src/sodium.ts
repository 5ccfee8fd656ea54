// Ed25519 by libsodium, where the platform has it: half of what node:crypto takes.
import type { PublicKey, Signature } from '@fatty/interface';
import { asPublicKey, asSignature } from './bytes.ts';
import type { Ed25519Accelerator } from './signature.ts';

const PUBLIC_BYTES = 32;
const SECRET_BYTES = 64;
const SIGNATURE_BYTES = 64;
/** Of p = 2^255 − 19, little-endian. */
const P_LOWEST = 0xed;
const P_HIGHEST = 0x7f;

/** What is used of package sodium-native. Lengths must be right. */
export interface Sodium {
  crypto_sign_seed_keypair(key: Uint8Array, secret: Uint8Array, seed: Uint8Array): void;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secret: Uint8Array): void;
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean;
}

/**
 * libsodium accepts by the same equation as the rule, with or without the cofactor by its version, and
 * of keys and of S no more than the rule does. Of R it may accept more: a coordinate of p or above.
 */
export function sodiumAccelerator(sodium: Sodium): Ed25519Accelerator {
  return {
    signer(seed) {
      const publicKey = new Uint8Array(PUBLIC_BYTES);
      const secret = new Uint8Array(SECRET_BYTES);
      sodium.crypto_sign_seed_keypair(publicKey, secret, seed);
      return {
        publicKey: asPublicKey(publicKey),
        sign(message) {
          const signature = new Uint8Array(SIGNATURE_BYTES);
          sodium.crypto_sign_detached(signature, message, secret);
          return asSignature(signature);
        },
      };
    },
    verify: (key, message, signature) => verify(sodium, key, message, signature),
  };
}

function verify(
  sodium: Sodium,
  key: PublicKey,
  message: Uint8Array,
  signature: Signature,
): boolean {
  if (signature.length !== SIGNATURE_BYTES || key.length !== PUBLIC_BYTES) return false;
  return isBelowP(signature) && sodium.crypto_sign_verify_detached(signature, message, key);
}

/** Whether the first 32 bytes, without the sign, are a coordinate below p. */
function isBelowP(point: Uint8Array): boolean {
  const highest = (point[31] ?? 0) & P_HIGHEST;
  if ((point[0] ?? 0) < P_LOWEST || highest < P_HIGHEST) return true;
  for (let i = 1; i < 31; i++) if (point[i] !== 0xff) return true;
  return false;
}
