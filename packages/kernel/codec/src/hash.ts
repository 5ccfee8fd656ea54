import type { CellId, Digest } from '@fatty/interface';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { asDigest, concatBytes, equalBytes, utf8 } from './bytes.ts';
import { invariant } from './failure.ts';

/** What an accelerator may replace: same output, another speed. */
let sha256Raw: (bytes: Uint8Array) => Uint8Array = nobleSha256;

/**
 * Installs a faster SHA-256; called by `@fatty/codec/node`.
 * @throws InvariantError when it disagrees with the portable one.
 */
export function useSha256(fast: (bytes: Uint8Array) => Uint8Array): void {
  const probe = utf8('fatty');
  invariant(equalBytes(fast(probe), nobleSha256(probe)), 'SHA-256 is SHA-256');
  sha256Raw = fast;
}

/** Plain SHA-256, for checksums of content that others compute too. */
export function sha256(bytes: Uint8Array): Digest {
  return asDigest(sha256Raw(bytes));
}

const prefixes = new Map<string, Uint8Array>();

/** `"fatty/<type>/1"` with its length in front: no prefix is the start of another. */
function prefix(type: string): Uint8Array {
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
  return sha256(concatBytes(prefix(type), ...parts));
}

/** The bytes that a signature covers: domain ‖ cell id ‖ body. */
export function signedBytes(type: string, cellId: CellId, body: Uint8Array): Uint8Array {
  return concatBytes(prefix(type), cellId, body);
}
