// The chains of each author, and where they fork (R14).
import type { Committee } from '@fatty/protocol';
import { IN_CONE, NOBODY, type Node } from './vertex.ts';

/**
 * The own-parent trees of all authors above the horizon (R14). An honest author's is one branch; a
 * second end means that its blocks contradict each other, whether or not they share a slot.
 */
export class Branches {
  /** By author: held blocks that no held block has as own parent. */
  readonly #ends: Node[][];
  /** Authors with several ends. */
  readonly #forked = new Set<number>();
  #horizon = 0;

  constructor(committee: Committee) {
    this.#ends = committee.members.map(() => []);
  }

  /** True when the block does not stand on the end of its author's only branch so far. */
  add(node: Node): boolean {
    const ends = this.#ends[node.author] as Node[];
    const at = node.own === undefined ? -1 : ends.indexOf(node.own);
    const isFork = at < 0 && ends.length > 0;
    ends.splice(at < 0 ? ends.length : at, 1, node);
    if (isFork) this.#forked.add(node.author);
    return isFork;
  }

  forget(horizon: number): void {
    this.#horizon = horizon;
    for (const [author, ends] of this.#ends.entries()) {
      if (ends.every((end) => end.round > horizon)) continue;
      const left = ends.filter((end) => end.round > horizon);
      this.#ends[author] = left;
      if (left.length < 2) this.#forked.delete(author);
    }
  }

  /**
   * R15: authors of whom the cone of `node` holds two blocks that are not on one branch. Once seen,
   * it stays with the chain. `node` must be the tip of its author's current chain.
   */
  forkersSeenBy(node: Node): ReadonlySet<number> {
    const known = node.own?.forkers ?? NOBODY;
    let all: Set<number> | undefined;
    for (const author of this.#forked) {
      if (known.has(author) || !this.#showsFork(node, author)) continue;
      all ??= new Set(known);
      all.add(author);
    }
    return all ?? known;
  }

  /** A cone is closed downwards, so its highest block of each branch speaks for the branch. */
  #showsFork(viewer: Node, author: number): boolean {
    const heads: Node[] = [];
    for (const end of this.#ends[author] as Node[]) {
      const head = this.#highestInCone(viewer, end);
      if (head !== undefined) heads.push(head);
    }
    const [top, ...lower] = heads.sort((a, b) => b.round - a.round);
    return top !== undefined && lower.some((head) => !isOnBranch(head, top));
  }

  #highestInCone(viewer: Node, end: Node): Node | undefined {
    for (let at: Node | undefined = end; at !== undefined; at = at.own) {
      if (at.round <= this.#horizon) return undefined;
      if (((at.marks[viewer.author] as number) & IN_CONE) !== 0) return at;
    }
    return undefined;
  }
}

/** True when `low` is `top` or one of its own ancestors. */
function isOnBranch(low: Node, top: Node): boolean {
  let at: Node | undefined = top;
  while (at !== undefined && at.round > low.round) at = at.own;
  return at === low;
}
