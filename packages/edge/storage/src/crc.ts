// The checksum of log and mark.
import { createCRC32 } from 'hash-wasm';

/** CRC-32C of the parts, one after another. */
export type Crc = (...parts: readonly Uint8Array[]) => number;

/** Castagnoli, reflected: catches more burst errors than the zip polynomial; R24 names it. */
const CASTAGNOLI = 0x82f63b78;

/** Loads the checksum (WebAssembly, about 1 GB/s). */
export async function loadCrc(): Promise<Crc> {
  const hasher = await createCRC32(CASTAGNOLI);
  return (...parts) => {
    hasher.init();
    for (const part of parts) hasher.update(part);
    const digest = hasher.digest('binary');
    return new DataView(digest.buffer, digest.byteOffset, 4).getUint32(0);
  };
}
