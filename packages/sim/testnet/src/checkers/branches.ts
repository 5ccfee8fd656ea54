// Whether what is delivered of an author is one chain.
import type { Ref } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { SeenBlock } from '../world/sight.ts';
import type { BlockBook } from './book.ts';

/** Two delivered blocks of one author of which neither is an own ancestor of the other. */
export interface Branched {
  readonly lower: SeenBlock;
  readonly upper: SeenBlock;
}

/**
 * The delivered blocks of every author, over all views, and whether they are one chain of own
 * parents (R14, R15). What has fallen below a horizon is forgotten: from there on the committed state
 * says what it was, and a fork from below may be delivered.
 */
export class DeliveredChains {
  readonly #book: BlockBook;
  /** By author: ascending rounds. */
  readonly #chains = new Map<number, SeenBlock[]>();
  #horizon = 0;

  constructor(book: BlockBook) {
    this.#book = book;
  }

  raiseHorizon(round: number): void {
    this.#horizon = Math.max(this.#horizon, round);
  }

  /** Takes a delivered block; answers the first block it does not share a chain with. */
  add(ref: Ref): Branched | undefined {
    const block = this.#book.get(toHex(ref.digest));
    if (block === undefined || block.round <= this.#horizon) return undefined;
    const chain = (this.#chains.get(block.author) ?? []).filter((one) => one.round > this.#horizon);
    this.#chains.set(block.author, chain);
    const at = chain.findLastIndex((one) => one.round < block.round) + 1;
    const [below, above] = [chain[at - 1], chain[at]];
    if (above?.round === block.round) return undefined;
    chain.splice(at, 0, block);
    // Its neighbours are enough: what is below them is on their chain already.
    if (below && !this.#isAncestor(below, block)) return { lower: below, upper: block };
    return above && !this.#isAncestor(block, above) ? { lower: block, upper: above } : undefined;
  }

  #isAncestor(lower: SeenBlock, upper: SeenBlock): boolean {
    let one: SeenBlock | undefined = upper;
    while (one !== undefined && one.round > lower.round) {
      const own: string | undefined = one.parents[0]?.key;
      one = own === undefined ? undefined : this.#book.get(own);
    }
    return one === lower;
  }
}
