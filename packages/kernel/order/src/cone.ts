// The causal past of a block.
import type { Vertex } from '@fatty/broadcast';

/** The causal past of one block, round by round, opened downwards only as far as asked. */
export class Cone {
  readonly top: Vertex;
  readonly #levels: Map<number, Set<Vertex>>;
  #lowest: number;

  constructor(top: Vertex) {
    this.top = top;
    this.#levels = new Map([[top.round, new Set([top])]]);
    this.#lowest = top.round;
  }

  /** The cone's blocks of one round; includes `top` itself. */
  at(round: number): ReadonlySet<Vertex> {
    while (this.#lowest > round) {
      for (const vertex of this.#levels.get(this.#lowest) ?? []) this.#open(vertex);
      this.#lowest--;
    }
    return this.#levels.get(round) ?? new Set();
  }

  #open(vertex: Vertex): void {
    for (const parent of vertex.parents) {
      const level = this.#levels.get(parent.round);
      if (level) level.add(parent);
      else this.#levels.set(parent.round, new Set([parent]));
    }
  }
}
