// Signature schemes: Ed25519 under one rule, and a stand-in for simulated worlds.
import type { PublicKey, Signature, Verdict } from '@fatty/interface';
import * as ed from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { asPublicKey, asSignature, equalBytes } from './bytes.ts';
import { ACCEPT, isMachineFailure, reject } from './failure.ts';
import { hash } from './hash.ts';

ed.hashes.sha512 = sha512;

/** Signs with one secret key. */
export interface Signer {
  readonly publicKey: PublicKey;
  sign(message: Uint8Array): Signature;
}

/**
 * A signature scheme as a seam: real Ed25519 in a cell, a keyed stand-in in most simulated worlds.
 */
export interface SignatureScheme {
  readonly name: string;
  /** `seed` is 32 secret bytes. */
  signer(seed: Uint8Array): Signer;
  /** Key admission: canonical, not of small order, torsion-free. */
  admit(key: Uint8Array): Verdict;
  verify(key: PublicKey, message: Uint8Array, signature: Signature): boolean;
  /**
   * The quick look for doors, never for validity: true only where `verify` is, and for whatever `sign`
   * made; for a forged one it costs no second look.
   */
  accepts(key: PublicKey, message: Uint8Array, signature: Signature): boolean;
}

/** Faster primitives whose *accept* is final and whose *reject* is checked again by the rule. */
export interface Ed25519Accelerator {
  signer(seed: Uint8Array): Signer;
  verify(key: PublicKey, message: Uint8Array, signature: Signature): boolean;
}

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** The consensus rule: @noble/ed25519 strict (`zip215: false`). */
export function verifyByRule(key: PublicKey, message: Uint8Array, signature: Signature): boolean {
  if (signature.length !== SIGNATURE_BYTES || key.length !== KEY_BYTES) return false;
  return ed.verify(signature, message, key, { zip215: false });
}

function admitEd25519(key: Uint8Array): Verdict {
  try {
    const point = ed.Point.fromBytes(key, false);
    if (point.isSmallOrder()) return reject('bad_key', 'a key of large order', 'small order');
    if (!point.isTorsionFree()) return reject('bad_key', 'a torsion-free key', 'torsion');
    return ACCEPT;
  } catch (error) {
    // The library refuses bytes by errors of the classes that the machine's own failures have.
    if (isMachineFailure(error)) throw error;
    return reject('bad_key', 'a canonical Ed25519 key', 'not a point');
  }
}

function slowSigner(seed: Uint8Array): Signer {
  return {
    publicKey: asPublicKey(ed.getPublicKey(seed)),
    sign: (message) => asSignature(ed.sign(message, seed)),
  };
}

/**
 * Ed25519 under the rule, optionally accelerated (never more permissive: see {@link
 * Ed25519Accelerator}).
 */
export function ed25519(fast?: Ed25519Accelerator): SignatureScheme {
  return {
    name: 'ed25519',
    admit: admitEd25519,
    signer: (seed) => (fast === undefined ? slowSigner(seed) : fast.signer(seed)),
    accepts: (key, message, signature) =>
      fast === undefined
        ? verifyByRule(key, message, signature)
        : fast.verify(key, message, signature),
    verify: (key, message, signature) =>
      (fast?.verify(key, message, signature) ?? false) || verifyByRule(key, message, signature),
  };
}

/**
 * Keyed stand-in for simulated worlds: unforgeable only to code that does not call `signer` with
 * another's seed. Signature = H(public key ‖ message) twice over.
 */
export function standIn(): SignatureScheme {
  const make = (key: PublicKey, message: Uint8Array): Signature => {
    const half = hash('stand-in-signature', key, message);
    const whole = new Uint8Array(64);
    whole.set(half);
    whole.set(half, 32);
    return asSignature(whole);
  };
  const verify: SignatureScheme['verify'] = (key, message, signature) => {
    return equalBytes(make(key, message), signature);
  };
  return {
    name: 'stand-in',
    admit: () => ACCEPT,
    signer(seed) {
      const publicKey = asPublicKey(hash('stand-in-key', seed));
      return { publicKey, sign: (message) => make(publicKey, message) };
    },
    verify,
    accepts: verify,
  };
}
