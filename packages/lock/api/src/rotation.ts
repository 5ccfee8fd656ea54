// One key of a client follows another: what the new one signs.
import { encode, publicKey, record, type Shape, signedBytes } from '@fatty/codec';
import type { CellId, PublicKey } from '@fatty/interface';

/** One key follows another. */
export interface Rotation {
  readonly oldKey: PublicKey;
  readonly newKey: PublicKey;
}

/** Canonical bytes of a rotation. */
export const rotationShape: Shape<Rotation> = record<Rotation>({
  oldKey: publicKey,
  newKey: publicKey,
});

/** What the new key signs, so that nobody can say of a stranger's key that it is his. */
export function rotationMessage(cellId: CellId, rotation: Rotation): Uint8Array {
  return signedBytes('rotation', cellId, encode(rotationShape, rotation));
}
