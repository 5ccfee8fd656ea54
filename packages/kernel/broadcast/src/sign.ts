import { encode, type Signer } from '@fatty/codec';
import {
  type Block,
  type Body,
  bodyDigest,
  bodyShape,
  type CarriedBatch,
  type Header,
  headerMessage,
  headerShape,
  type SignedBlock,
  signedBlockShape,
} from './block.ts';
import { nameBlock } from './open.ts';

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
  return { ...nameBlock(bytes, signed, whole), body, batches: content.batches };
}
