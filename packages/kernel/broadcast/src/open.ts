// A block's bytes as they come in: read once, judged later.
import { decode, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import {
  type BlockHead,
  HEADER_BYTES_MAX,
  type Header,
  headerDigest,
  headerShape,
  type SignedBlock,
  signedBlockShape,
} from './block.ts';

/** What a SignedBlock's bytes say they are. Nothing is checked: only the digest cannot lie. */
export interface OpenedBlock extends BlockHead {
  readonly signed: SignedBlock;
  /** Canonical bytes of `signed`. */
  readonly bytes: Uint8Array;
}

/** Reads the envelope and the header, and leaves the body closed. Codes of `decode`. */
export function openBlock(bytes: Uint8Array, bytesMax: number): Outcome<OpenedBlock> {
  const signed = decode(signedBlockShape, bytes, bytesMax);
  if (!signed.ok) return signed;
  const header = decode(headerShape, signed.value.header, HEADER_BYTES_MAX);
  return header.ok ? ok(nameBlock(bytes, signed.value, header.value)) : header;
}

/** Names a block by the digest of the header bytes that were signed. */
export function nameBlock(bytes: Uint8Array, signed: SignedBlock, header: Header): OpenedBlock {
  const ref = { round: header.round, author: header.author, digest: headerDigest(signed.header) };
  return { ref, header, signed, bytes };
}
