/** Up to this size byte strings share a slab: a buffer of its own costs more than the bytes. */
export const SLAB_SHARE_BYTES_MAX = 128;
const SLAB_BYTES = 1024;
let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/**
 * A copy, so that a decoded value keeps its message from being forgotten no longer than needed: what
 * is kept of it pins itself, or one slab.
 */
export function owned(view: Uint8Array): Uint8Array {
  if (view.length > SLAB_SHARE_BYTES_MAX) return new Uint8Array(view);
  if (slabUsed + view.length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  const copy = slab.subarray(slabUsed, slabUsed + view.length);
  slabUsed += view.length;
  copy.set(view);
  return copy;
}

/**
 * The bytes in memory of their own: for what outlives the message it came with, see
 * `viewBytes`. Small ones have that already.
 */
export function keptBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length > SLAB_SHARE_BYTES_MAX ? new Uint8Array(bytes) : bytes;
}
