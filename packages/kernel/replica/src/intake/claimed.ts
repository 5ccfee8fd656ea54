import {
  type Header,
  headerDigest,
  headerShape,
  type Ref,
  type SignedHeader,
  signedBlockShape,
} from '@fatty/broadcast';
import { decode } from '@fatty/codec';

/** What a SignedBlock's bytes say they are. Nothing is checked: only the digest cannot lie. */
export interface Claimed {
  readonly ref: Ref;
  readonly header: Header;
  readonly signed: SignedHeader;
}

export function claimedHeader(bytes: Uint8Array, bytesMax: number): Claimed | undefined {
  const opened = decode(signedBlockShape, bytes, bytesMax);
  if (!opened.ok) return undefined;
  const signed = opened.value;
  const header = decode(headerShape, signed.header, bytesMax);
  if (!header.ok) return undefined;
  const { round, author } = header.value;
  const ref = { round, author, digest: headerDigest(signed.header) };
  return { ref, header: header.value, signed };
}

export function claimedRef(bytes: Uint8Array, bytesMax: number): Ref | undefined {
  return claimedHeader(bytes, bytesMax)?.ref;
}
