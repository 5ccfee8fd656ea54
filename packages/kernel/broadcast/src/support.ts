// Support (R14), on which delivery and votes rest.
import { IN_CONE, type Node } from './vertex.ts';

/**
 * R14, incrementally. Because a block's first parent is its author's own last block, the support of
 * a chain only ever grows: a block adds what its other parents show and its chain has not yet seen.
 * So one table per author, for its *current* chain, answers for every block on it, and each block
 * enters each author's table once. A fork (an author with two chains) moves the table back to where
 * the chains part and forward again: only an equivocator makes us do that work.
 */
export class Chains {
  readonly #tips: (Node | undefined)[];
  #horizon = 0;

  constructor(members: number) {
    this.#tips = Array.from({ length: members });
  }

  /** Moves the author's table from its tip to `node.own`, then extends it by `node`. */
  extend(node: Node): void {
    this.#moveTo(node.author, node.own);
    node.fresh = newInCone(node, this.#horizon);
    this.#apply(node);
  }

  /** Forgets the vertices of a round that falls to the horizon. */
  forget(round: number, nodes: readonly Node[]): void {
    this.#horizon = round;
    for (const node of nodes) {
      if (this.#tips[node.author] === node) this.#tips[node.author] = undefined;
      node.cut();
    }
  }

  #moveTo(author: number, target: Node | undefined): void {
    if (this.#tips[author] === target) return;
    const ahead: Node[] = [];
    let meeting = target;
    while (meeting !== undefined && !meeting.current) {
      ahead.push(meeting);
      meeting = meeting.own;
    }
    for (let tip = this.#tips[author]; tip !== meeting && tip !== undefined; tip = tip.own) {
      undo(tip);
    }
    this.#tips[author] = meeting;
    for (let i = ahead.length - 1; i >= 0; i--) this.#apply(ahead[i] as Node);
  }

  #apply(node: Node): void {
    const { author } = node;
    for (const seen of node.fresh) {
      seen.marks[author] = (seen.marks[author] as number) | IN_CONE;
      const { place } = seen;
      if (place.support[author] !== undefined) continue;
      place.support[author] = seen;
      place.since[author] = node.round;
    }
    node.current = true;
    this.#tips[author] = node;
  }
}

function undo(node: Node): void {
  const { author } = node;
  for (const seen of node.fresh) {
    seen.marks[author] = (seen.marks[author] as number) & ~IN_CONE;
    if (seen.place.support[author] === seen) seen.place.support[author] = undefined;
  }
  node.current = false;
}

/** Depth first in stored order, through what the chain has not seen. */
function newInCone(node: Node, horizon: number): readonly Node[] {
  const { author } = node;
  const fresh: Node[] = [];
  const met = new Set<Node>();
  const stack: Node[] = [];
  const push = (parents: readonly Node[]): void => {
    for (let i = parents.length - 1; i >= 0; i--) {
      const parent = parents[i] as Node;
      // A parent below the horizon is opaque, even while a child still holds it.
      if (parent.round <= horizon) continue;
      if (((parent.marks[author] as number) & IN_CONE) === 0) stack.push(parent);
    }
  };
  push(node.parents);
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (met.has(next)) continue;
    met.add(next);
    fresh.push(next);
    push(next.parents);
  }
  return fresh;
}

/** R14: the block of the slot that `node` supports; undefined is ⊥. `place` must be below it. */
export function supportOf(node: Node, place: Node['place']): Node | undefined {
  const { author } = node;
  const above: Node[] = [];
  let at: Node | undefined = node;
  while (at !== undefined && !at.current) {
    above.push(at);
    at = at.own;
  }
  if (at !== undefined) {
    const found = place.support[author];
    if (found !== undefined && (place.since[author] as number) <= at.round) return found;
  }
  for (let i = above.length - 1; i >= 0; i--) {
    const found = (above[i] as Node).fresh.find((seen) => seen.place === place);
    if (found !== undefined) return found;
  }
  return undefined;
}
