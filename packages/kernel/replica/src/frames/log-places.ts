// Which segments of the log may go.
/** One segment of the log. */
interface Place {
  /** No block in it is of a higher round. */
  round: number;
  bytes: number;
}

/** How much of the log stays. */
interface Stay {
  /** Whoever needs it. */
  readonly bytesMin: number;
  /** For members that are behind. */
  readonly bytesMax: number;
}

/**
 * What the segments of the log hold, as far as it matters for which of them may go: the oldest first, as a
 * whole (R28).
 */
export class LogPlaces {
  /** By segment, ascending. */
  readonly #segments = new Map<number, Place>();
  #bytes = 0;

  /** Bytes of the records in all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Records have gone into a segment; `round`: no block there is of a higher one. */
  add(segment: number, round: number, bytes: number): void {
    const place = this.#segments.get(segment) ?? { round: 0, bytes: 0 };
    this.#segments.set(segment, place);
    place.round = Math.max(place.round, round);
    place.bytes += bytes;
    this.#bytes += bytes;
  }

  /**
   * Forgets the oldest segments whose blocks are all at or below `horizon`, and answers the first that is
   * left; undefined when none goes. At least `bytesMin` stay. Those with blocks above `neededAbove` stay while
   * all of them together have no more than `bytesMax`. The newest stays.
   */
  drop(horizon: number, neededAbove: number, { bytesMin, bytesMax }: Stay): number | undefined {
    let dropped = false;
    const newest = Math.max(...this.#segments.keys());
    for (const [segment, { round, bytes }] of this.#segments) {
      const isNeeded = round > neededAbove && this.#bytes <= bytesMax;
      const stays = isNeeded || round > horizon || this.#bytes - bytes < bytesMin;
      if (segment === newest || stays) return dropped ? segment : undefined;
      this.#segments.delete(segment);
      this.#bytes -= bytes;
      dropped = true;
    }
    return undefined;
  }
}
