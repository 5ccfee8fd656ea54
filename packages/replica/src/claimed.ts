import { headerDigest, headerShape, type Ref, signedBlockShape } from '@fatty/broadcast';
import { decode } from '@fatty/codec';

/** What a SignedBlock's bytes say they are. Nothing is checked: only the digest cannot lie. */
export function claimedRef(bytes: Uint8Array, bytesMax: number): Ref | undefined {
  const signed = decode(signedBlockShape, bytes, bytesMax);
  if (!signed.ok) return undefined;
  const header = decode(headerShape, signed.value.header, bytesMax);
  if (!header.ok) return undefined;
  const { round, author } = header.value;
  return { round, author, digest: headerDigest(signed.value.header) };
}
