// An item that somebody else reads: carried as its bytes, written as itself.
import { Reader } from './reader.ts';
import { quote, type Shape } from './shape.ts';
import { ShapeError } from './source.ts';

/**
 * One item of the profile, whatever it is: its canonical bytes stand in for it, so that a message can
 * carry what its reader does not know. The bytes around it are the same as with the item's own shape.
 * How long it may be is for the reader to say.
 */
export const opaque: Shape<Uint8Array> = {
  toItem: (bytes) => new Reader(bytes).tree(),
  readFrom: (source) => source.item(),
  flawOf: (value) =>
    value instanceof Uint8Array && isItem(value)
      ? undefined
      : { at: '', expected: 'canonical bytes', actual: quote(value), isBound: false },
};

function isItem(bytes: Uint8Array): boolean {
  const reader = new Reader(bytes);
  try {
    reader.whole({ readFrom: (source) => source.item() });
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
  return reader.isCanonical();
}
