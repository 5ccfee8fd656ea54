// What a state root covers of the receipts of a session: digests in groups.
import { concatBytes, encode, hash, packedHash, unpackInto } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { RECEIPTS_KEPT } from '@fatty/protocol';
import { type StoredReceipt, storedReceipt, storedReceiptShape } from './receipts.ts';

const DIGEST_BYTES = 32;
/** Receipts of a group: as many as there are groups, so that a proof is as short as it can be. */
const GROUP_SIZE = 8;
const GROUPS = RECEIPTS_KEPT / GROUP_SIZE;
/** Bytes of the digests of a group. */
export const GROUP_BYTES: number = GROUP_SIZE * DIGEST_BYTES;

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

/** More of them are not noted one by one: all that is kept is looked at. */
const TOUCHED_MAX = RECEIPTS_KEPT;

/**
 * Digests of the groups of one session, made again where something has changed: a new receipt takes the
 * place of one that is not kept any more, so it costs two hashes. Derived from the receipts.
 */
export class ReceiptGroups {
  /** Digests of receipts, by group; missing where there was none yet. */
  readonly #groups: (Uint8Array | undefined)[] = Array.from({ length: GROUPS }, () => undefined);
  readonly #digests: Uint8Array = emptyGroups().slice();
  /** Seqs whose receipt has come or changed; undefined: any. */
  #touched: number[] | undefined;

  /** The receipt of this seq has come or changed, and the one that had its place is gone. */
  touch(seq: number): void {
    if (this.#touched?.length === TOUCHED_MAX) this.#touched = undefined;
    this.#touched?.push(seq);
  }

  /** The digests of all groups, joined; to be read before the next call. `kept`: the session's own, the oldest first. */
  value(kept: readonly StoredReceipt[]): Uint8Array {
    let changed = 0;
    for (const seq of this.#touched ?? kept.map((receipt) => receipt.seq)) {
      const receipt = storedReceipt(kept, seq);
      // Gone again: the one that has its place was touched after it.
      if (receipt === undefined) continue;
      const group = groupOf(seq);
      const digests = this.#groups[group] ?? new Uint8Array(GROUP_BYTES);
      this.#groups[group] = digests;
      putDigest(digests, receipt);
      changed |= 1 << group;
    }
    for (let group = 0; group < GROUPS; group++) {
      const digests = this.#groups[group];
      if (digests === undefined || !(changed & (1 << group))) continue;
      unpackInto(this.#digests, group * DIGEST_BYTES, packedHash('receipt-group', digests));
    }
    this.#touched = [];
    return this.#digests;
  }
}

/** The digests of the group of this seq, joined: what {@link groupDigest} is made of. */
export function groupBytes(kept: readonly StoredReceipt[], seq: number): Uint8Array {
  const digests = new Uint8Array(GROUP_BYTES);
  for (const receipt of kept)
    if (groupOf(receipt.seq) === groupOf(seq)) putDigest(digests, receipt);
  return digests;
}

/** Writes the digest of a receipt to its place in its group. */
function putDigest(group: Uint8Array, receipt: StoredReceipt): void {
  const packed = packedHash('stored-receipt', encode(storedReceiptShape, receipt));
  unpackInto(group, (receipt.seq % GROUP_SIZE) * DIGEST_BYTES, packed);
}

let empty: Uint8Array | undefined;

/** Of a session that keeps none. */
function emptyGroups(): Uint8Array {
  if (empty === undefined) {
    const one = groupDigest(new Uint8Array(GROUP_BYTES));
    empty = concatBytes(...Array.from({ length: GROUPS }, () => one));
  }
  return empty;
}
