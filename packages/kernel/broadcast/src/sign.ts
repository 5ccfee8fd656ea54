import { encode, type Signer } from '@fatty/codec';
import {
  type Block,
  type Body,
  bodyDigest,
  bodyShape,
  type CarriedBatch,
  type Header,
  headerDigest,
  headerMessage,
  headerShape,
  type SignedBlock,
  signedBlockShape,
} from './block.ts';

/** A block before its batches are opened. */
export type Unopened = Omit<Block, 'batches'>;

/** Names a block by the digest of the header bytes that were signed. */
export function assemble(
  bytes: Uint8Array,
  signed: SignedBlock,
  header: Header,
  body: Body,
): Unopened {
  const ref = { round: header.round, author: header.author, digest: headerDigest(signed.header) };
  return { ref, header, signed, bytes, body };
}

/** What goes into an own block besides its header. */
export interface Content extends Pick<Body, 'keepAlives' | 'evidence'> {
  /** Sorted by `compareBatches`, each once. Keep-alives: by `compareKeepAlives`, one per session. */
  readonly batches: readonly CarriedBatch[];
}

/** Signs an own block. Once its bytes may have left, no other may be signed for its slot. */
export function signBlock(
  header: Omit<Header, 'bodyHash'>,
  content: Content,
  signer: Signer,
): Block {
  const body: Body = {
    batches: content.batches.map((batch) => batch.signed),
    keepAlives: content.keepAlives,
    commitVotes: [],
    evidence: content.evidence,
    coinShare: [],
  };
  const bodyBytes = encode(bodyShape, body);
  const whole: Header = { ...header, bodyHash: bodyDigest(bodyBytes) };
  const headerBytes = encode(headerShape, whole);
  const sig = signer.sign(headerMessage(header.cellId, headerBytes));
  const signed: SignedBlock = { header: headerBytes, sig, body: bodyBytes };
  const bytes = encode(signedBlockShape, signed);
  return { ...assemble(bytes, signed, whole, body), batches: content.batches };
}
