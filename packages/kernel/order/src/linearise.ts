// The order of blocks inside a commit (R19).
import { compareRefs, type Vertex } from '@fatty/broadcast';

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
