// Numbers of the Cairo field, as bytes.
import { fixed, oneToOne, quote, type Shape, ShapeError, toHex } from '@fatty/codec';

/** The Cairo field: 2^251 + 17·2^192 + 1. */
const FIELD = 2n ** 251n + 17n * 2n ** 192n + 1n;

/** A field element as 32 big-endian bytes, smaller than the field's order. */
export const feltShape: Shape<bigint> = {
  ...oneToOne(fixed(32), feltOf, bytesOfFelt),
  flawOf(value) {
    const isNumber = typeof value === 'bigint';
    if (isNumber && isFelt(value)) return undefined;
    const expected = isNumber ? 'an integer from 0, below the field order' : 'a bigint';
    return { at: '', expected, actual: quote(value), isBound: isNumber };
  },
};

/** Whether a number is one of the Cairo field. */
export function isFelt(value: bigint): boolean {
  return value >= 0n && value < FIELD;
}

/** A number of up to 256 bits, big-endian, reduced into the field. */
export function feltOfBytes(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`) % FIELD;
}

function feltOf(bytes: Uint8Array): bigint {
  const value = BigInt(`0x${toHex(bytes)}`);
  if (value >= FIELD) throw new ShapeError('an integer below the field order', 'a larger one');
  return value;
}

/** 32 big-endian bytes of a field element. */
export function bytesOfFelt(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  let rest = value;
  for (let i = 31; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}
