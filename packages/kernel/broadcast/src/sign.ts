// Signs own blocks.
import { encode, type Signer } from '@fatty/codec';
import type { Unsigned } from '@fatty/interface';
import type { Statement } from '@fatty/protocol';
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
export interface Content extends Pick<Body, 'evidence'> {
  /** Sorted by `compareUnsigned`, one about each thing. */
  readonly unsigned: readonly Unsigned[];
  /** Sorted by `compareBatches`, each once. */
  readonly batches: readonly CarriedBatch[];
  /** Ascending by bytes, each once; none by default. */
  readonly statements?: readonly CarriedStatement[];
}

/** A statement as it travels, and what it says. */
export interface CarriedStatement {
  readonly bytes: Uint8Array;
  readonly statement: Statement;
}

/** Signs an own block. Once its bytes may have left, no other may be signed for its slot. */
export function signBlock(
  header: Omit<Header, 'bodyHash'>,
  content: Content,
  signer: Signer,
): Block {
  const { batches, unsigned, evidence, statements = [] } = content;
  const body: Body = {
    batches: batches.map((batch) => batch.signed),
    unsigned: unsigned.map((message) => message.bytes),
    statements: statements.map(({ bytes }) => bytes),
    evidence,
    coinShare: [],
  };
  const bodyBytes = encode(bodyShape, body);
  const whole: Header = { ...header, bodyHash: bodyDigest(bodyBytes) };
  const headerBytes = encode(headerShape, whole);
  const sig = signer.sign(headerMessage(header.cellId, headerBytes));
  const signed: SignedBlock = { header: headerBytes, sig, body: bodyBytes };
  const bytes = encode(signedBlockShape, signed);
  const said = statements.map(({ statement }) => statement);
  return { ...nameBlock(bytes, signed, whole), body, batches, unsigned, statements: said };
}
