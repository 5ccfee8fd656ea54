// A proof as canonical bytes.
import { felt, LIMITS, type Proof, type ProofParameters, type PublicInput } from '@fatty/cairo-air';
import {
  array,
  bool,
  decode,
  encode,
  oneToOne,
  record,
  type Shape,
  ShapeError,
  text,
  u16,
  u32,
  uint,
  viewBytes,
} from '@fatty/codec';
import type { Outcome } from '@fatty/interface';

const name = text(LIMITS.name);
const address = uint(LIMITS.address - 1);

const parameters: Shape<ProofParameters> = record({
  channelHash: name,
  commitmentHash: name,
  pageHash: name,
  powHash: name,
  friStepList: array(u16, LIMITS.friSteps),
  lastLayerDegreeBound: u32,
  logNCosets: u16,
  nQueries: u16,
  powBits: u16,
  nVerifierFriendlyLayers: u32,
  verifierFriendlyHash: name,
  verifierFriendlyChannel: bool,
});

/** Refuses lists that are not strictly ascending by name: one meaning, one encoding. */
function byName<T extends { readonly name: string }>(
  list: Shape<readonly T[]>,
): Shape<readonly T[]> {
  const ascending = (value: readonly T[]): readonly T[] => {
    const names = value.map((one) => one.name);
    if (names.some((one, i) => i > 0 && one <= (names[i - 1] as string)))
      throw new ShapeError('names strictly ascending', names.join(' '));
    return value;
  };
  return oneToOne(list, ascending, (value) => value);
}

const publicInput: Shape<PublicInput> = record({
  layout: name,
  nSteps: u32,
  rcMin: u32,
  rcMax: u32,
  segments: byName(array(record({ name, beginAddr: address, stopPtr: address }), LIMITS.segments)),
  dynamicParams: byName(array(record({ name, value: u32 }), LIMITS.dynamicParams)),
  publicMemory: array(record({ address, value: felt, page: u32 }), LIMITS.publicCells),
});

/** Canonical shape of a proof: parameters and public input positional, then the proof bytes. */
export const proofShape: Shape<Proof> = record({
  parameters,
  publicInput,
  proofBytes: viewBytes(LIMITS.proofBytesRead),
});

/**
 * Largest envelope a replica reads: proof, the largest plain statement and program it may carry.
 */
export const ENVELOPE_BYTES_MAX: number = LIMITS.proofBytes + 128 * 1024;

/** The canonical envelope in which a proof travels. */
export function encodeProof(proof: Proof): Uint8Array {
  return encode(proofShape, proof);
}

/**
 * Strict inverse of {@link encodeProof}; the codes of codec `decode`. Never throws. The proof's bytes are
 * a view of the envelope: large, and read by one thread at most.
 */
export function decodeProof(
  input: Uint8Array,
  bytesMax: number = ENVELOPE_BYTES_MAX,
): Outcome<Proof> {
  return decode(proofShape, input, bytesMax);
}
