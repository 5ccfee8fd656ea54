// Test oracle: R14 and R15 word by word.
import type { Digest } from '@fatty/interface';
import { type Committee, faultsMax } from '@fatty/protocol';
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
    return this.#hasQuorum(b, (x) => this.backs(x, b));
  }

  /** Delivery as it would be by support alone: enough for one block per slot, not for one chain. */
  isSupported(b: Block): boolean {
    return this.#hasQuorum(b, (x) => this.support(x, b.header) === b);
  }

  /** `b` is in the cone of `x`, and what that holds of its author is one chain without a gap. */
  backs(x: Block, b: Block): boolean {
    const cone = this.cone(x);
    const isOwn = ({ header }: Block): boolean => header.author === b.header.author;
    const all = [...cone].filter((one) => one !== x && isOwn(one));
    return cone.has(b) && this.areChain(all);
  }

  /** The block and its own ancestors. */
  ownChain(block: Block): Block[] {
    const own = this.parents(block)[0];
    return own?.header.author === block.header.author ? [block, ...this.ownChain(own)] : [block];
  }

  /** Blocks of one author that hold all own ancestors: each stands on the one before. */
  areChain(blocks: readonly Block[]): boolean {
    const rising = [...blocks].sort((a, b) => a.header.round - b.header.round);
    return rising.every((block, i) => i === 0 || this.parents(block)[0] === rising[i - 1]);
  }

  #hasQuorum(b: Block, agrees: (x: Block) => boolean): boolean {
    const last = b.header.round + this.committee.params.supportRoundsMax;
    const authors = new Set<number>();
    for (const x of this.blocks) {
      const { author, seal, round } = x.header;
      if (seal || round <= b.header.round || round > last || authors.has(author)) continue;
      if (agrees(x)) authors.add(author);
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
