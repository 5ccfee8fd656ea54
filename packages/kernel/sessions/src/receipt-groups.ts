// What a state root covers of the receipts of a session: digests in groups.
import { encode, hash, type PackedDigest, packedHash, unpackInto } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { RECEIPTS_KEPT } from '@fatty/protocol';
import {
  type KeptReceipt,
  type StoredReceipt,
  storedReceipt,
  storedReceiptShape,
} from './receipts.ts';

const DIGEST_BYTES = 32;
/** Receipts of a group; {@link RECEIPTS_KEPT} is its square, so that a proof has as many digests of both kinds. */
const GROUP_SIZE = 8;
const GROUPS = RECEIPTS_KEPT / GROUP_SIZE;
/** Bytes of the digests of a group. */
export const GROUP_BYTES: number = GROUP_SIZE * DIGEST_BYTES;
const ALL_GROUPS = 2 ** GROUPS - 1;

/** A receipt has the place `seq` mod {@link RECEIPTS_KEPT}, and eight places in a row are a group. */
function groupOf(seq: number): number {
  return Math.floor((seq % RECEIPTS_KEPT) / GROUP_SIZE);
}

/** H(`stored-receipt` ‖ receipt). */
export function receiptDigest(receipt: StoredReceipt): Digest {
  return hash('stored-receipt', encode(storedReceiptShape, receipt));
}

/** H(`receipt-group` ‖ the digests of its places; 32 zero bytes for a place without a receipt). */
export function groupDigest(digests: Uint8Array): Digest {
  return hash('receipt-group', digests);
}

/** Where the digest of the group of this seq stands in the value of a session. */
export function groupDigestOf(value: Uint8Array, seq: number): Uint8Array {
  const at = groupOf(seq) * DIGEST_BYTES;
  return value.subarray(at, at + DIGEST_BYTES);
}

/** The digests of the receipts in a group, in the order of their places. */
export function receiptsIn(group: Uint8Array): readonly Uint8Array[] {
  const all = Array.from({ length: GROUP_SIZE }, (_, i) =>
    group.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES),
  );
  return all.filter((digest) => digest.some((byte) => byte !== 0));
}

/**
 * Digests of the groups of one session, made again where something has changed: a new receipt takes the
 * place of one that is not kept any more, so it costs two hashes. Derived from the receipts.
 */
export class ReceiptGroups {
  readonly #digests: PackedDigest[] = Array.from({ length: GROUPS }, () => '');
  /** Bit i: group i has to be made again. */
  #stale = ALL_GROUPS;

  /** The receipt of this seq has come or changed, and the one that had its place is gone. */
  touch(seq: number): void {
    this.#stale |= 1 << groupOf(seq);
  }

  /** The digests of all groups, joined. `kept`: the session's own, the oldest first. */
  value(kept: readonly KeptReceipt[]): Uint8Array {
    const bytes = new Uint8Array(GROUPS * DIGEST_BYTES);
    for (let group = 0; group < GROUPS; group++) {
      if (this.#stale & (1 << group)) this.#digests[group] = packedGroup(kept, group);
      unpackInto(bytes, group * DIGEST_BYTES, this.#digests[group] ?? '');
    }
    this.#stale = 0;
    return bytes;
  }
}

/** The digests of the group of this seq, joined: what {@link groupDigest} is made of. */
export function groupBytes(kept: readonly KeptReceipt[], seq: number): Uint8Array {
  const bytes = new Uint8Array(GROUP_BYTES);
  fillGroup(bytes, kept, groupOf(seq));
  return bytes;
}

const scratch = new Uint8Array(GROUP_BYTES);
let emptyGroup: PackedDigest | undefined;

function packedGroup(kept: readonly KeptReceipt[], group: number): PackedDigest {
  scratch.fill(0);
  if (fillGroup(scratch, kept, group) > 0) return packedHash('receipt-group', scratch);
  emptyGroup ??= packedHash('receipt-group', scratch);
  return emptyGroup;
}

/** Writes the digests of a group to their places, and answers how many there are. */
function fillGroup(bytes: Uint8Array, kept: readonly KeptReceipt[], group: number): number {
  const newest = kept.at(-1)?.seq ?? 0;
  let count = 0;
  for (let i = 0; i < GROUP_SIZE; i++) {
    const receipt = storedReceipt(kept, newestAt(group * GROUP_SIZE + i, newest));
    if (receipt === undefined) continue;
    receipt.packed ??= packedHash('stored-receipt', encode(storedReceiptShape, receipt));
    unpackInto(bytes, i * DIGEST_BYTES, receipt.packed);
    count += 1;
  }
  return count;
}

/** The greatest seq at this place that is not above the newest; below 0: none is. */
function newestAt(place: number, newest: number): number {
  return newest - ((newest - place + RECEIPTS_KEPT) % RECEIPTS_KEPT);
}
