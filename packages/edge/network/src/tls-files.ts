// Reads a certificate and its key.
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** PEM files of a port: a certificate (with its chain) and its private key. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** @throws Error that names the files when they cannot be read, are no PEM, or do not fit */
export function pemOf({ certFile, keyFile }: TlsFiles): { cert: Buffer; key: Buffer } {
  const pem = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  try {
    createSecureContext(pem);
  } catch (error) {
    throw new Error(`certificate ${certFile} and key ${keyFile}: ${(error as Error).message}`);
  }
  return pem;
}
