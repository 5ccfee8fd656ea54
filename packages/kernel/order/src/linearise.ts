import { compareRefs, type Vertex } from '@fatty/broadcast';
import type { Committee } from '@fatty/protocol';

/** R19: the leader's cone above `horizon`, less what is committed, by (round, author, digest). */
export function linearise(
  leader: Vertex,
  horizon: number,
  isCommitted: (vertex: Vertex) => boolean,
): readonly Vertex[] {
  const found = new Set<Vertex>([leader]);
  // A Set iterates over what is added meanwhile: this loop is the whole walk.
  for (const vertex of found) {
    for (const parent of vertex.parents) {
      // The past of a committed block is committed or below the horizon already.
      if (parent.round > horizon && !isCommitted(parent)) found.add(parent);
    }
  }
  return [...found].sort((a, b) => compareRefs(a.ref, b.ref));
}

/**
 * R20: lower median of the leader's parents of the round before, so at most f liars cannot push it
 * outside the honest range. ms; the virtual blocks of round 0 carry genesisTs.
 */
export function medianTs(leader: Vertex, committee: Committee): number {
  const before = leader.round - 1;
  if (before === 0) return committee.genesisTs;
  const stamps = leader.parents
    .filter((parent) => parent.round === before)
    .map((parent) => parent.block.header.ts)
    .sort((a, b) => a - b);
  return stamps[Math.floor((stamps.length - 1) / 2)] as number;
}
