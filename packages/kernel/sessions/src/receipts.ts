// Receipts that are kept for retries.
import { array, bytes, digest, record, type Shape, u53 } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { RECEIPTS_KEPT, receiptBytes } from '@fatty/protocol';
import type { SessionLimits } from './limits.ts';

/** What a retry is answered with. */
export interface StoredReceipt {
  readonly seq: number;
  readonly batch: Digest;
  readonly commit: number;
  /** Empty once they had to go: the receipt then only says which batch used the seq up. */
  readonly results: readonly Uint8Array[];
}

/** All are made here: objects of one form are written twice as fast as those of two. */
export function keptReceipt({ seq, batch, commit, results }: StoredReceipt): StoredReceipt {
  return { seq, batch, commit, results };
}

const COUNT_MAX = 2 ** 32 - 1;

/** A kept receipt, as snapshots write it. */
export const storedReceiptShape: Shape<StoredReceipt> = record<StoredReceipt>({
  seq: u53,
  batch: digest,
  commit: u53,
  results: array(bytes(COUNT_MAX), COUNT_MAX),
});

/**
 * Receipts of all sessions, with the bytes they take. A session keeps those of its last
 * {@link RECEIPTS_KEPT} seqs; results go, the oldest first, beyond `receiptBytesPerSessionMax`. When all
 * together take more than `receiptBytesMax`, whoever stores another one keeps no more than an even share
 * among the sessions there are: so the cell never holds much more than twice `receiptBytesMax`, and one
 * client's receipts push out no other's. What is kept follows from state alone; the sums are rebuilt from
 * the sessions.
 */
export class Receipts {
  readonly #limits: SessionLimits;
  readonly #bytesOf = new WeakMap<readonly StoredReceipt[], number>();
  /** Of all that are kept. */
  #bytes = 0;
  #sessions = 0;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  /** A session has come, with what it keeps. */
  add(kept: readonly StoredReceipt[]): void {
    this.#sessions += 1;
    this.#note(
      kept,
      kept.reduce((total, one) => total + receiptBytes(one.results), 0),
    );
  }

  /** A session has gone. */
  forget(kept: readonly StoredReceipt[]): void {
    this.#sessions -= 1;
    this.#note(kept, -(this.#bytesOf.get(kept) ?? 0));
  }

  #note(kept: readonly StoredReceipt[], bytes: number): void {
    this.#bytes += bytes;
    this.#bytesOf.set(kept, (this.#bytesOf.get(kept) ?? 0) + bytes);
  }

  /** `kept`: the session's own, oldest first. `touched` hears the seq, and those whose results had to go. */
  store(kept: StoredReceipt[], receipt: StoredReceipt, touched: (seq: number) => void): void {
    kept.push(keptReceipt(receipt));
    touched(receipt.seq);
    this.#note(kept, receiptBytes(receipt.results));
    if (kept.length > RECEIPTS_KEPT) {
      const oldest = kept.shift();
      this.#note(kept, -receiptBytes(oldest?.results ?? []));
    }
    for (let at = 0; (this.#bytesOf.get(kept) ?? 0) > this.#allowance; at++) {
      const one = kept[at];
      if (one === undefined) return;
      if (one.results.length === 0) continue;
      kept[at] = keptReceipt({ ...one, results: [] });
      this.#note(kept, receiptBytes([]) - receiptBytes(one.results));
      touched(one.seq);
    }
  }

  get #allowance(): number {
    const { receiptBytesMax, receiptBytesPerSessionMax } = this.#limits;
    if (this.#bytes <= receiptBytesMax) return receiptBytesPerSessionMax;
    const share = Math.floor(receiptBytesMax / Math.max(1, this.#sessions));
    return Math.min(receiptBytesPerSessionMax, share);
  }
}

/** Seqs are kept without a gap. */
export function storedReceipt<R extends StoredReceipt>(
  kept: readonly R[],
  seq: number,
): R | undefined {
  const newest = kept.at(-1);
  return newest && kept[kept.length - 1 - (newest.seq - seq)];
}
