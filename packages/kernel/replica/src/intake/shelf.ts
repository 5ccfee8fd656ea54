// Blocks that are put aside.
import { type OpenedBlock, type Ref, refKey } from '@fatty/broadcast';

/** A block that was put aside. */
export interface Shelved {
  readonly block: OpenedBlock;
  /** Who sent it. */
  readonly peer: number;
}

interface Row {
  /** In the order they came. */
  readonly blocks: Map<string, Shelved>;
  bytes: number;
}

/**
 * Blocks of shunned authors that nothing needs (R12): not judged, not asked after, and the oldest
 * goes when there is no room. Only a saving: what turns out to be needed can be fetched.
 */
export class Shelf {
  readonly #rows: readonly Row[];
  readonly #blocksMax: number;

  /** `blocksMax` of each author. */
  constructor(members: number, blocksMax: number) {
    this.#rows = Array.from({ length: members }, () => ({ blocks: new Map(), bytes: 0 }));
    this.#blocksMax = blocksMax;
  }

  has({ author }: Ref, key: string): boolean {
    return this.#rows[author]?.blocks.has(key) ?? false;
  }

  /** Of a block that was judged the body is read again when it is needed: only its bytes stay. */
  put({ ref, header, signed, bytes }: OpenedBlock, peer: number): void {
    const row = this.#rows[ref.author];
    if (row === undefined || this.has(ref, refKey(ref))) return;
    row.blocks.set(refKey(ref), { block: { ref, header, signed, bytes }, peer });
    row.bytes += bytes.length;
  }

  take(ref: Ref): Shelved | undefined {
    const found = this.#rows[ref.author]?.blocks.get(refKey(ref));
    if (found) this.#remove(found);
    return found;
  }

  /** Leaves at most `bytesMax` of an author's blocks. */
  fit(author: number, bytesMax: number): void {
    const row = this.#rows[author];
    for (const oldest of row?.blocks.values() ?? []) {
      if (row && row.bytes <= bytesMax && row.blocks.size <= this.#blocksMax) return;
      this.#remove(oldest);
    }
  }

  horizonMoved(horizon: number): void {
    for (const { blocks } of this.#rows) {
      for (const one of blocks.values()) if (one.block.ref.round <= horizon) this.#remove(one);
    }
  }

  #remove({ block: { ref, bytes } }: Shelved): void {
    const row = this.#rows[ref.author];
    if (row?.blocks.delete(refKey(ref))) row.bytes -= bytes.length;
  }
}
