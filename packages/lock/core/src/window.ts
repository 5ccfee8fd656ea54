// How much may be in flight: as much as the cell keeps receipts for (R3).
import { receiptBytesMax } from '@fatty/api';
import { RECEIPT_BYTES_KEPT, RECEIPTS_KEPT } from '@fatty/protocol';

/**
 * How far a session's batches may run ahead of the oldest one without a believed receipt: as many seqs, and
 * as many bytes of receipts, as the cell keeps (R3). What was answered in between counts as well, because
 * the cell forgets by seq and not by what a client has heard.
 */
export class Window {
  /** From the oldest unanswered seq on, without a gap. */
  readonly #sent: { readonly seq: number; readonly bytes: number }[] = [];
  #bytes = 0;

  /** Whether a batch of so many ops may be signed now. The first one always may. */
  fits(ops: number): boolean {
    if (this.#sent.length === 0) return true;
    if (this.#sent.length >= RECEIPTS_KEPT) return false;
    return this.#bytes + receiptBytesMax(ops) <= RECEIPT_BYTES_KEPT;
  }

  add(seq: number, ops: number): void {
    const bytes = receiptBytesMax(ops);
    this.#sent.push({ seq, bytes });
    this.#bytes += bytes;
  }

  /** Everything before `oldest` is answered; undefined: everything. */
  passed(oldest: number | undefined): void {
    const keep = this.#sent.findIndex(({ seq }) => seq === oldest);
    const gone = this.#sent.splice(0, keep < 0 ? this.#sent.length : keep);
    for (const { bytes } of gone) this.#bytes -= bytes;
  }
}
