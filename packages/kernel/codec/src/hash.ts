// SHA-256 with domains, and the bytes that signatures cover.
import type { CellId, Digest } from '@fatty/interface';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { asDigest, concatBytes, equalBytes, utf8 } from './bytes.ts';
import { invariant } from './failure.ts';

/**
 * A digest as text of 32 characters, one for each byte: what is kept by the million. It takes a quarter
 * of the memory of an array, and with node:crypto a quarter of the time.
 */
export type PackedDigest = string;

/** What an accelerator may replace: same output, another speed. It keeps nothing of its input. */
let sha256Raw: (bytes: Uint8Array) => Uint8Array = nobleSha256;
let sha256Text: (bytes: Uint8Array) => string = (bytes) => packDigest(nobleSha256(bytes));

/**
 * Installs a faster SHA-256, and the same with its output as a {@link PackedDigest}; called by
 * `@fatty/codec/node`.
 * @throws InvariantError when one disagrees with the portable one.
 */
export function useSha256(
  fast: (bytes: Uint8Array) => Uint8Array,
  fastPacked: (bytes: Uint8Array) => string = (bytes) => packDigest(fast(bytes)),
): void {
  const probe = utf8('fatty');
  const expected = nobleSha256(probe);
  invariant(equalBytes(fast(probe), expected), 'SHA-256 is SHA-256');
  invariant(fastPacked(probe) === packDigest(expected), 'packed SHA-256 is SHA-256');
  sha256Raw = fast;
  sha256Text = fastPacked;
}

/** Plain SHA-256, for checksums of content that others compute too. */
export function sha256(bytes: Uint8Array): Digest {
  return asDigest(sha256Raw(bytes));
}

/** {@link sha256} in its packed form. */
export function packedSha256(bytes: Uint8Array): PackedDigest {
  return sha256Text(bytes);
}

/** {@link hash} in its packed form. */
export function packedHash(type: string, bytes: Uint8Array): PackedDigest {
  return sha256Text(joined(domainOf(type), [bytes]));
}

/** The characters of a digest's bytes. */
export function packDigest(digest: Uint8Array): PackedDigest {
  return String.fromCharCode(...digest);
}

/** The bytes of a digest's characters. */
export function unpackDigest(packed: PackedDigest): Digest {
  const bytes = new Uint8Array(packed.length);
  unpackInto(bytes, 0, packed);
  return asDigest(bytes);
}

/** Writes the bytes of a digest's characters into `bytes`, from `at` on. */
export function unpackInto(bytes: Uint8Array, at: number, packed: PackedDigest): void {
  for (let i = 0; i < packed.length; i++) bytes[at + i] = packed.charCodeAt(i);
}

const prefixes = new Map<string, Uint8Array>();

/**
 * What {@link hash} puts in front of a type's bytes: `"fatty/<type>/1"` with its length before it, so that
 * no prefix is the start of another. To be read only.
 */
export function domainOf(type: string): Uint8Array {
  let bytes = prefixes.get(type);
  if (bytes === undefined) {
    const name = utf8(`fatty/${type}/1`);
    bytes = concatBytes(Uint8Array.of(name.length), name);
    prefixes.set(type, bytes);
  }
  return bytes;
}

/**
 * H(domain ‖ bytes): a digest of one `type` can never be taken for another's. Parts are simply
 * joined: where more than one varies in length, encode them first.
 */
export function hash(type: string, ...parts: readonly Uint8Array[]): Digest {
  return sha256(joined(domainOf(type), parts));
}

/** Longer input has memory of its own. */
const SCRATCH_BYTES = 16 * 1024;
/** What is hashed next. Memory of its own for each costs as much as hashing it. */
const scratch = new Uint8Array(SCRATCH_BYTES);

/** All parts in one, to be read before the next call. */
function joined(domain: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  let size = domain.length;
  for (let i = 0; i < parts.length; i++) size += (parts[i] as Uint8Array).length;
  if (size > SCRATCH_BYTES) return concatBytes(domain, ...parts);
  scratch.set(domain);
  let at = domain.length;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as Uint8Array;
    scratch.set(part, at);
    at += part.length;
  }
  return scratch.subarray(0, size);
}

/** The bytes that a signature covers: domain ‖ cell id ‖ body. */
export function signedBytes(type: string, cellId: CellId, body: Uint8Array): Uint8Array {
  return concatBytes(domainOf(type), cellId, body);
}
