// A field element as canonical bytes.
import { fixed, oneToOne, type Shape, ShapeError } from '@fatty/codec';
import { P, readUint, toBytes32 } from './felt.ts';

/** A field element on the wire: 32 bytes, big-endian, standard form, below p. */
export const felt: Shape<bigint> = oneToOne(
  fixed(32),
  (bytes) => {
    const value = readUint(bytes, 0, 32);
    if (value >= P) throw new ShapeError('a value below p', `0x${value.toString(16)}`);
    return value;
  },
  toBytes32,
);
