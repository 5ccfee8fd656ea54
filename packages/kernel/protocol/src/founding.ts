// A cell that goes on from the state of another one, whose quorum is lost for good.
import { digest, encode, hash, record, type Shape, u53 } from '@fatty/codec';
import type { CellId, Digest } from '@fatty/interface';

/** What a cell begins with that is founded on a backup of another. No part of the cell id; see {@link foundingRoot}. */
export interface Founding {
  /** Its first commit is the next one. */
  readonly commit: number;
  /** Where its lease clock begins, ms. */
  readonly leaseClock: number;
  /** Of the state that its machines begin with: {@link foundingStateDigest} of its snapshot. */
  readonly state: Digest;
}

const foundingShape: Shape<Founding> = record({ commit: u53, leaseClock: u53, state: digest });

/**
 * Commits that the old cell may have made since the backup: at 10,000 a second more than 55 years. So all that
 * the new cell grants is above all that the old one ever granted, though nobody knows what that was.
 */
export const FOUNDING_COMMITS: number = 2 ** 44;

/** The name of a founding state. */
export function foundingStateDigest(snapshot: Uint8Array): Digest {
  return hash('founding-state', snapshot);
}

/** What virtual blocks are named by: members that begin with anything else take no block of each other. */
export function foundingRoot(cellId: CellId, founding: Founding): Digest {
  return hash('founding', cellId, encode(foundingShape, founding));
}
