/** An item as the RFC names it, for a writer that shares no code with the codec. */
export type Plain = number | bigint | string | Uint8Array | readonly Plain[];

function head(major: number, value: bigint): number[] {
  const width =
    value < 24n ? 0 : value < 256n ? 1 : value < 65_536n ? 2 : value < 2n ** 32n ? 4 : 8;
  if (width === 0) return [(major << 5) | Number(value)];
  const digits = value.toString(16).padStart(2 * width, '0');
  return [(major << 5) | (24 + Math.log2(width)), ...Buffer.from(digits, 'hex')];
}

function write(item: Plain): number[] {
  if (typeof item === 'number' || typeof item === 'bigint') return head(0, BigInt(item));
  if (item instanceof Uint8Array) return head(2, BigInt(item.length)).concat([...item]);
  if (typeof item === 'string') {
    const bytes = Buffer.from(item, 'utf8');
    return head(3, BigInt(bytes.length)).concat([...bytes]);
  }
  return head(4, BigInt(item.length)).concat(...item.map(write));
}

/** RFC 8949 §4.2.1 by the book. */
export function reference(item: Plain): Uint8Array {
  return Uint8Array.from(write(item));
}
