// Reads a certificate and its key, and the authorities of others.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** PEM files of a port: a certificate (with its chain) and its private key. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A PEM file cannot be read, is none, or does not fit; the message names it. */
export class PemError extends Error {}

/** @throws PemError when they cannot be read, are no PEM, or do not fit */
export function pemOf({ certFile, keyFile }: TlsFiles): { cert: Buffer; key: Buffer } {
  const pem = { cert: contentOf(certFile), key: contentOf(keyFile) };
  try {
    createSecureContext(pem);
  } catch (error) {
    throw new PemError(`certificate ${certFile} and key ${keyFile}: ${(error as Error).message}`);
  }
  return pem;
}

/**
 * Certificates of authorities. OpenSSL passes over what is none, and would then trust nobody.
 * @throws PemError when the file cannot be read, holds no certificate, or one that is damaged
 */
export function readAuthorities(file: string): string {
  const pem = contentOf(file).toString('utf8');
  const certificates = pem.split(/(?=-----BEGIN CERTIFICATE-----)/).filter(beginsOne);
  if (certificates.length === 0) throw new PemError(`authorities ${file}: no certificate in it`);
  try {
    for (const one of certificates) new X509Certificate(one);
  } catch (error) {
    throw new PemError(`authorities ${file}: ${(error as Error).message}`);
  }
  return pem;
}

const beginsOne = (text: string): boolean => text.startsWith('-----BEGIN CERTIFICATE-----');

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    // Node's words name the file.
    throw new PemError((error as Error).message);
  }
}
