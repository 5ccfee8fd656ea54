import type { Ref } from '@fatty/broadcast';
import type { KvStore } from '@fatty/interface';
import type { IndexedBlock } from '@fatty/replica';

const KEY_BYTES = 1 + 4 + 2 + 32;
const BLOCK = 0x62;

/** `b` ‖ round ‖ author ‖ digest, big-endian: bytewise order is the order of refs (R2). */
export function blockKey(ref: Ref): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  const view = new DataView(key.buffer);
  key[0] = BLOCK;
  view.setUint32(1, ref.round);
  view.setUint16(5, ref.author);
  key.set(ref.digest, 7);
  return key;
}

/** Keys of every block in rounds from..to, both included. */
export function roundsRange(from: number, to: number): readonly [Uint8Array, Uint8Array] {
  const edge = (round: number): Uint8Array => {
    const key = new Uint8Array(5);
    key[0] = BLOCK;
    new DataView(key.buffer).setUint32(1, round);
    return key;
  };
  return [edge(from), edge(to + 1)];
}

/** Derived from the log: what is lost here is rebuilt at the next start. */
export function indexBlocks(kv: KvStore, blocks: readonly IndexedBlock[]): Promise<void> {
  return kv.write(blocks.map(({ ref, bytes }) => ({ key: blockKey(ref), value: bytes })));
}
