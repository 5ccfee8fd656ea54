// Byte strings: hex, comparison, UTF-8, and the constructors of branded bytes.
import type { CellId, Digest, PublicKey, SessionId, Signature } from '@fatty/interface';
import { InvariantError } from './failure.ts';

const DIGITS = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** Bytes whose digits fit in one call. */
const HEX_CHUNK = 1024;

let nativeHex: ((bytes: Uint8Array) => string) | undefined;

/** Installs a faster {@link toHex}; called by `@fatty/codec/node`. Only speed may differ. */
export function useToHex(fast: (bytes: Uint8Array) => string): void {
  nativeHex = fast;
}

/**
 * Lower-case hex; also the key form of bytes in Maps. Made in one piece: a string that grows digit
 * by digit stays a tree of its parts for as long as a Map keeps it, twenty times its size.
 */
export function toHex(bytes: Uint8Array): string {
  return nativeHex === undefined ? hexOf(bytes) : nativeHex(bytes);
}

function hexOf(bytes: Uint8Array): string {
  if (bytes.length > HEX_CHUNK) {
    return hexOf(bytes.subarray(0, HEX_CHUNK)) + hexOf(bytes.subarray(HEX_CHUNK));
  }
  const codes: number[] = [];
  for (const byte of bytes) codes.push(DIGITS[byte >> 4] as number, DIGITS[byte & 15] as number);
  return String.fromCharCode(...codes);
}

/** Strict: even length, digits only; otherwise undefined. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const byte = 16 * digitOf(text, 2 * i) + digitOf(text, 2 * i + 1);
    if (!(byte >= 0)) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

/** Not a number where there is no digit. */
function digitOf(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : Number.NaN;
}

/** Bytewise order, shorter first on a common prefix. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Below this size a loop beats a call into native code (measured: about 80 ns for 32 bytes). */
const NATIVE_EQUAL_MIN = 64;
let nativeEqual: ((a: Uint8Array, b: Uint8Array) => boolean) | undefined;

/** Installs a memcmp for large inputs; called by `@fatty/codec/node`. Only speed may differ. */
export function useEqualBytes(fast: (a: Uint8Array, b: Uint8Array) => boolean): void {
  nativeEqual = fast;
}

/** Whether two byte strings are the same. Not constant-time: for public values only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  if (nativeEqual !== undefined && a.length >= NATIVE_EQUAL_MIN) return nativeEqual(a, b);
  return compareBytes(a, b) === 0;
}

/** All parts in one new byte string. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Text of up to so many characters is written here if it is ASCII: a call into the platform costs more. */
const SHORT_LENGTH_MAX = 32;
const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text as UTF-8; a lone surrogate becomes U+FFFD, so check foreign text with {@link isText} first. */
export function utf8(text: string): Uint8Array {
  const short = text.length <= SHORT_LENGTH_MAX ? asciiBytes(text) : undefined;
  return short ?? utf8Encoder.encode(text);
}

/** Undefined when a character is not ASCII. */
function asciiBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return undefined;
    bytes[i] = unit;
  }
  return bytes;
}

/**
 * True for text of the profile: no lone surrogate (it has no UTF-8), no byte order mark in front
 * (decoders drop it or keep it as they please, so two builds would read different values).
 */
export function isText(text: string): boolean {
  return !text.startsWith('\uFEFF') && !/\p{Surrogate}/u.test(text);
}

/**
 * The beginning of any string, at most `lengthMax` UTF-16 units, as {@link isText}: what a failure
 * may quote of foreign input. Half a surrogate pair becomes U+FFFD.
 */
export function excerpt(text: string, lengthMax: number): string {
  const cut = text.slice(0, lengthMax);
  return isText(cut) ? cut : utf8Decoder.decode(utf8Encoder.encode(cut)).replace(/^\uFEFF+/, '');
}

/** Undefined when the bytes are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8Decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function sized(bytes: Uint8Array, size: number, name: string): Uint8Array {
  if (bytes.length !== size)
    throw new InvariantError(`${name} has ${size} bytes, got ${bytes.length}`);
  return bytes;
}

/** Takes 32 bytes for a digest. @throws InvariantError for another size */
export const asDigest = (bytes: Uint8Array): Digest => sized(bytes, 32, 'digest') as Digest;
/**
 * Takes 32 bytes for a public key; whether it is a good one, `admit` says. @throws InvariantError for
 * another size
 */
export const asPublicKey = (bytes: Uint8Array): PublicKey =>
  sized(bytes, 32, 'public key') as PublicKey;
/** Takes 64 bytes for a signature. @throws InvariantError for another size */
export const asSignature = (bytes: Uint8Array): Signature =>
  sized(bytes, 64, 'signature') as Signature;
/** Takes 32 bytes for a cell id. @throws InvariantError for another size */
export const asCellId = (bytes: Uint8Array): CellId => sized(bytes, 32, 'cell id') as CellId;
/** Takes 32 bytes for a session id. @throws InvariantError for another size */
export const asSessionId = (bytes: Uint8Array): SessionId =>
  sized(bytes, 32, 'session id') as SessionId;
