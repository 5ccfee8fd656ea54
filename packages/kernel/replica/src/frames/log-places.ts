// Which segments of the log may go.
/** One segment of the log. */
interface Place {
  /** No block in it is of a higher round. */
  round: number;
  bytes: number;
  /** The newest epoch that has records in it. */
  epoch: number;
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
  /** No block of a higher round has gone. */
  #goneRound = 0;
  #goneEpoch = 0;

  /** Every block that was accepted from this round on is here. */
  get fromRound(): number {
    return this.#goneRound + 1;
  }

  /** The newest epoch that has had records in a segment that is gone. */
  get goneEpoch(): number {
    return this.#goneEpoch;
  }

  /** What was at or below the horizon of a frame need not be here. */
  begin(horizon: number): void {
    this.#goneRound = horizon;
  }

  /** Bytes of the records in all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Records have gone into a segment; `round`: no block there is of a higher one. */
  add(segment: number, epoch: number, round: number, bytes: number): void {
    const place = this.#segments.get(segment) ?? { round: 0, bytes: 0, epoch: 0 };
    this.#segments.set(segment, place);
    place.epoch = Math.max(place.epoch, epoch);
    place.round = Math.max(place.round, round);
    place.bytes += bytes;
    this.#bytes += bytes;
  }

  /**
   * Forgets the oldest segments with records of epochs before this one alone, and answers as {@link drop}. At
   * least `bytesMin` stay.
   */
  dropEpochs(before: number, bytesMin: number): number | undefined {
    return this.#drop(({ epoch, bytes }) => epoch >= before || this.#bytes - bytes < bytesMin);
  }

  /**
   * Forgets the oldest segments whose blocks are all at or below `horizon`, and answers the first that is
   * left; undefined when none goes. At least `bytesMin` stay. Those with blocks above `neededAbove` stay while
   * all of them together have no more than `bytesMax`. The newest stays.
   */
  drop(horizon: number, neededAbove: number, { bytesMin, bytesMax }: Stay): number | undefined {
    const stays = ({ round, bytes }: Place): boolean => {
      const isNeeded = round > neededAbove && this.#bytes <= bytesMax;
      return isNeeded || round > horizon || this.#bytes - bytes < bytesMin;
    };
    return this.#drop(stays, ({ round }) => {
      this.#goneRound = Math.max(this.#goneRound, round);
    });
  }

  /** Forgets the oldest up to the first that stays; the newest does. Answers the first that is left. */
  #drop(
    stays: (place: Place) => boolean,
    gone: (place: Place) => void = () => undefined,
  ): number | undefined {
    let dropped = false;
    const newest = Math.max(...this.#segments.keys());
    for (const [segment, place] of this.#segments) {
      if (segment === newest || stays(place)) return dropped ? segment : undefined;
      this.#segments.delete(segment);
      gone(place);
      this.#goneEpoch = Math.max(this.#goneEpoch, place.epoch);
      this.#bytes -= place.bytes;
      dropped = true;
    }
    return undefined;
  }
}
