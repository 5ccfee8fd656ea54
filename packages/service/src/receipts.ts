import type { Digest } from '@fatty/interface';
import type { Quotas } from './quotas.ts';

/** R3: so many receipts are kept per session for retries, as long as their bytes allow. */
export const RECEIPTS_KEPT = 64;

/** What a retry is answered with. */
export interface StoredReceipt {
  readonly seq: number;
  readonly batch: Digest;
  readonly commit: number;
  readonly results: readonly Uint8Array[];
}

/**
 * Receipts of all sessions, with the bytes they take. A session keeps {@link RECEIPTS_KEPT} or
 * `receiptBytesPerSessionMax`; when all together take `receiptBytesMax`, whoever stores another one
 * keeps no more than the share of one session of a full cell. So the cell never holds more than
 * twice `receiptBytesMax`, and one client's receipts push out no other's. Which receipts are kept
 * follows from state alone; the sum is rebuilt from the sessions.
 */
export class Receipts {
  readonly #limits: Quotas;
  readonly #bytesOf = new WeakMap<readonly StoredReceipt[], number>();
  /** Of all that are kept. */
  #bytes = 0;

  constructor(limits: Quotas) {
    this.#limits = limits;
  }

  /** A session has come, with what it keeps. */
  add(kept: readonly StoredReceipt[]): void {
    this.#note(
      kept,
      kept.reduce((total, one) => total + sizeOf(one), 0),
    );
  }

  /** A session has gone. */
  forget(kept: readonly StoredReceipt[]): void {
    this.#note(kept, -(this.#bytesOf.get(kept) ?? 0));
  }

  #note(kept: readonly StoredReceipt[], bytes: number): void {
    this.#bytes += bytes;
    this.#bytesOf.set(kept, (this.#bytesOf.get(kept) ?? 0) + bytes);
  }

  /** `kept`: the session's own, oldest first. */
  store(kept: StoredReceipt[], receipt: StoredReceipt): void {
    kept.push(receipt);
    this.#note(kept, sizeOf(receipt));
    while (kept.length > RECEIPTS_KEPT || (this.#bytesOf.get(kept) ?? 0) > this.#allowance) {
      const oldest = kept.shift();
      if (oldest === undefined) return;
      this.#note(kept, -sizeOf(oldest));
    }
  }

  get #allowance(): number {
    const { receiptBytesMax, receiptBytesPerSessionMax, sessionsMax } = this.#limits;
    if (this.#bytes <= receiptBytesMax) return receiptBytesPerSessionMax;
    return Math.min(receiptBytesPerSessionMax, Math.floor(receiptBytesMax / sessionsMax));
  }
}

/** Batch id, seq, commit, and the heads around the results. Bytes. */
const RECEIPT_HEAD_BYTES = 64;
const RESULT_HEAD_BYTES = 8;

function sizeOf({ results }: StoredReceipt): number {
  const sum = (total: number, one: Uint8Array): number => total + RESULT_HEAD_BYTES + one.length;
  return results.reduce(sum, RECEIPT_HEAD_BYTES);
}

/** Seqs are kept without a gap. */
export function storedReceipt(
  kept: readonly StoredReceipt[],
  seq: number,
): StoredReceipt | undefined {
  const newest = kept.at(-1);
  return newest && kept[kept.length - 1 - (newest.seq - seq)];
}
