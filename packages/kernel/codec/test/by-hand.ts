// Test helper: the bytes of the protocol, written without the code under test.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Plain } from './reference.ts';

/*
 * What another implementation would write from PROTOCOL.md: nothing here calls the code under test.
 */

const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

export const sha256ByHand = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(joined(parts)).digest());

/** A hash domain: `fatty/<type>/1` behind its own length. */
function domain(type: string): Uint8Array {
  const name = Buffer.from(`fatty/${type}/1`, 'latin1');
  return joined([Uint8Array.of(name.length), name]);
}

export const hashByHand = (type: string, ...parts: readonly Uint8Array[]): Uint8Array =>
  sha256ByHand(domain(type), ...parts);

/** What a signature of this type covers. */
export const messageByHand = (type: string, cellId: Uint8Array, body: Uint8Array): Uint8Array =>
  joined([domain(type), cellId, body]);

/** 32 bytes, big-endian. */
export const feltByHand = (value: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));

/** The Cairo prime, as the whitepaper writes it. */
const PRIME = 0x800000000000011000000000000000000000000000000000000000000000001n;

/** A digest as a number of the field. */
export const reducedByHand = (digest: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(digest).toString('hex')}`) % PRIME;

/** Ed25519 as OpenSSL checks it. */
export function signedByHand(key: Uint8Array, message: Uint8Array, sig: Uint8Array): boolean {
  const x = Buffer.from(key).toString('base64url');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x };
  return verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), sig);
}

/** Reads RFC 8949 items of the four major types in use. */
export function plainOf(bytes: Uint8Array): Plain {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const size = (info: number): bigint => {
    if (info < 24) return BigInt(info);
    const width = 1 << (info - 24);
    const digits = Buffer.from(bytes.subarray(at, at + width)).toString('hex');
    at += width;
    return BigInt(`0x${digits}`);
  };
  const item = (): Plain => {
    const first = view.getUint8(at++);
    const value = size(first & 31);
    if (first >> 5 === 0) return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
    if (first >> 5 === 4) return Array.from({ length: Number(value) }, item);
    const body = bytes.slice(at, at + Number(value));
    at += body.length;
    return first >> 5 === 2 ? body : Buffer.from(body).toString('utf8');
  };
  return item();
}

/**
 * Holds bytes that have no shape of their own (digests, messages, files) to a committed vector,
 * kept as `golden` of `@fatty/codec/golden` keeps its own, which writes with `GOLDEN=write`.
 * @throws Error on a missing or different vector
 */
export function pin(directory: URL, name: string, bytes: Uint8Array): void {
  const file = new URL(`${name}.json`, directory);
  const hex = Buffer.from(bytes).toString('hex');
  if (!existsSync(file) && process.env.GOLDEN === 'write') {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, `${JSON.stringify({ name, hex }, null, 2)}\n`);
  }
  const kept = Buffer.from(pinned(directory, name)).toString('hex');
  if (kept !== hex) throw new Error(`${name} is ${kept}, got ${hex}`);
}

/** The bytes of a committed vector. */
export function pinned(directory: URL, name: string): Uint8Array {
  const file = new URL(`${name}.json`, directory);
  const { hex } = JSON.parse(readFileSync(file, 'utf8')) as { readonly hex: string };
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}
