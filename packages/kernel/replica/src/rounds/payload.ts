// Accepted blocks whose content is not committed.
import { type Block, type Ref, refKey } from '@fatty/broadcast';

/**
 * Accepted blocks that carry something and are not committed (Decisions, Rest): while there is one,
 * the cell must go on making rounds. Blocks that fall below the horizon uncommitted count no more.
 */
export class Payload {
  readonly #open = new Map<string, { readonly round: number; readonly bytes: number }>();
  #bytes = 0;
  #lowest = Number.POSITIVE_INFINITY;

  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Bytes of these blocks together. */
  get bytes(): number {
    return this.#bytes;
  }

  accepted({ ref, batches, unsigned, body, bytes }: Block): void {
    if (batches.length + unsigned.length + body.evidence.length + body.statements.length === 0)
      return;
    this.#open.set(refKey(ref), { round: ref.round, bytes: bytes.length });
    this.#bytes += bytes.length;
    this.#lowest = Math.min(this.#lowest, ref.round);
  }

  /** True when one of these blocks carries something. */
  isAmong(refs: readonly Ref[]): boolean {
    return this.#open.size > 0 && refs.some((ref) => this.#open.has(refKey(ref)));
  }

  committed(refs: readonly Ref[]): void {
    if (this.#open.size === 0) return;
    for (const ref of refs) this.#close(refKey(ref));
  }

  horizonMoved(horizon: number): void {
    if (this.#lowest > horizon) return;
    this.#lowest = Number.POSITIVE_INFINITY;
    for (const [key, { round }] of this.#open) {
      if (round <= horizon) this.#close(key);
      else this.#lowest = Math.min(this.#lowest, round);
    }
  }

  #close(key: string): void {
    this.#bytes -= this.#open.get(key)?.bytes ?? 0;
    this.#open.delete(key);
  }
}
