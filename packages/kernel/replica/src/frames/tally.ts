// The votes of all members.
import { equalBytes } from '@fatty/codec';
import {
  type Cert,
  type Committee,
  certOf,
  faultsMax,
  quorum,
  type SignedVote,
} from '@fatty/protocol';

/** Checkpoints of one member that are kept: members are seldom further apart. */
export const VOTES_KEPT = 8;

/** A vote and what it says, read once. */
export interface CastVote {
  readonly index: number;
  readonly signed: SignedVote;
}

/** Two votes of one member for one checkpoint: only a liar signs both. */
export type VotePair = readonly [SignedVote, SignedVote];

/**
 * The votes of all members, whose signatures have been checked: of each member the newest
 * {@link VOTES_KEPT} checkpoints, and the first pair that contradicts itself.
 */
export class Tally {
  readonly #committee: Committee;
  readonly #members: readonly Map<number, SignedVote[]>[];
  readonly #pairs = new Map<number, VotePair>();

  constructor(committee: Committee) {
    this.#committee = committee;
    this.#members = committee.members.map(() => new Map());
  }

  /** By member: the pair that shows it lies; the first one is kept. */
  get pairs(): ReadonlyMap<number, VotePair> {
    return this.#pairs;
  }

  /** The member has no room for a vote on so old a checkpoint. */
  isOld({ index, signed }: CastVote): boolean {
    const votes = this.#members[signed.author];
    if (votes === undefined || votes.size < VOTES_KEPT || votes.has(index)) return false;
    return index < Math.min(...votes.keys());
  }

  /** The very same vote, or a third one, of the member is here. */
  isKnown({ index, signed }: CastVote): boolean {
    const known = this.#members[signed.author]?.get(index) ?? [];
    return known.length > 1 || known.some(({ core }) => equalBytes(core, signed.core));
  }

  /** Takes a checked vote that is neither old nor known. */
  add({ index, signed }: CastVote): void {
    const votes = this.#members[signed.author];
    if (votes === undefined) return;
    const known = votes.get(index) ?? [];
    const [first] = known;
    if (first && !this.#pairs.has(signed.author)) this.#pairs.set(signed.author, [first, signed]);
    votes.set(index, [...known, signed]);
    if (votes.size > VOTES_KEPT) votes.delete(Math.min(...votes.keys()));
  }

  /** The certificate of this content, when q distinct members have signed it. */
  cert(index: number, core: Uint8Array): Cert | undefined {
    const votes = this.#for(index).filter((vote) => equalBytes(vote.core, core));
    if (votes.length < quorum(this.#committee)) return undefined;
    return certOf(this.#committee, votes.slice(0, quorum(this.#committee)));
  }

  /** Votes by members that have signed something else for this checkpoint, and not this; one of each. */
  against(index: number, core: Uint8Array): readonly SignedVote[] {
    return this.#members.flatMap((votes) => {
      const signed = votes.get(index) ?? [];
      return signed.some((vote) => equalBytes(vote.core, core)) ? [] : signed.slice(0, 1);
    });
  }

  /** So many against us include an honest member: either it or we have a wrong state. */
  isTooMany(against: readonly SignedVote[]): boolean {
    return against.length > faultsMax(this.#committee);
  }

  /** Every vote for a checkpoint. */
  #for(index: number): readonly SignedVote[] {
    return this.#members.flatMap((votes) => votes.get(index) ?? []);
  }
}
