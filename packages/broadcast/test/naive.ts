import { type Committee, faultsMax } from '@fatty/api';
import type { Digest } from '@fatty/interface';
import type { Block, Slot } from '../src/index.ts';
import { indexed } from './dags.ts';

/** R14 and R15 word by word, from the whole DAG, without any cache: what the code is held to. */
export class Naive {
  readonly blocks: readonly Block[];
  readonly committee: Committee;
  readonly #byDigest: Map<Digest, Block>;

  constructor(blocks: readonly Block[], committee: Committee) {
    this.blocks = blocks;
    this.committee = committee;
    this.#byDigest = indexed(blocks);
  }

  parents(block: Block): Block[] {
    return block.header.parents.flatMap((ref) => this.#byDigest.get(ref.digest) ?? []);
  }

  /** `bottom`: blocks found to answer ⊥ in this one question; else the walk is exponential. */
  support(x: Block, slot: Slot, bottom: Set<Block> = new Set()): Block | undefined {
    if (bottom.has(x)) return undefined;
    for (const parent of this.parents(x)) {
      const { round, author } = parent.header;
      if (round === slot.round && author === slot.author) return parent;
      if (round > slot.round) {
        const found = this.support(parent, slot, bottom);
        if (found) return found;
      }
    }
    bottom.add(x);
    return undefined;
  }

  isDelivered(b: Block): boolean {
    const { round, author } = b.header;
    const last = round + this.committee.params.supportRoundsMax;
    const authors = new Set<number>();
    for (const x of this.blocks) {
      if (x.header.seal || x.header.round <= round || x.header.round > last) continue;
      if (this.support(x, { author, round }) === b) authors.add(x.header.author);
    }
    return authors.size >= this.quorum();
  }

  quorum(): number {
    return this.committee.members.length - faultsMax(this.committee);
  }

  cone(top: Block): Set<Block> {
    const cone = new Set<Block>([top]);
    for (const block of cone) for (const parent of this.parents(block)) cone.add(parent);
    return cone;
  }
}
