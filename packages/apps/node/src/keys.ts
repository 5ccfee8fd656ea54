// Key files.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { fail, ok, type Signer } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { Outcome } from '@fatty/interface';

/** Bytes of DER in front of the 32 secret bytes of a PKCS#8 Ed25519 key. */
const PKCS8_PREFIX_BYTES = 16;

/** A new Ed25519 key as PKCS#8 PEM text. */
export function generateKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
}

/** Writes a key file that only its owner can read. */
export function writeKeyFile(path: string, pem: string): void {
  writeFileSync(path, pem, { mode: 0o600, flag: 'wx' });
  chmodSync(path, 0o600);
}

/** The signer of a PKCS#8 PEM text. Code: `bad_key_file`. */
export function signerOfPem(pem: string): Outcome<Signer> {
  try {
    const key = createPrivateKey(pem);
    if (createPublicKey(key).asymmetricKeyType !== 'ed25519') {
      return fail('bad_key_file', 'an Ed25519 key', String(key.asymmetricKeyType));
    }
    const der = key.export({ format: 'der', type: 'pkcs8' });
    return ok(nodeScheme().signer(new Uint8Array(der.subarray(PKCS8_PREFIX_BYTES))));
  } catch (error) {
    return fail('bad_key_file', 'PKCS#8 PEM', (error as Error).message);
  }
}

/** Reads a key file. Codes: `bad_key_file`. */
export function loadSigner(path: string): Outcome<Signer> {
  try {
    const signer = signerOfPem(readFileSync(path, 'utf8'));
    if (signer.ok) return signer;
    const { code, expected, actual } = signer.failure;
    return fail(code, `${expected} in ${path}`, actual);
  } catch (error) {
    return fail('bad_key_file', `readable ${path}`, (error as Error).message);
  }
}
