// What comes of one commit: results, notices, positions, and how much it may end.
import {
  type ErrorResult,
  type EventBody,
  encodeNotice,
  errorResult,
  type NoticeBody,
  toCommitEvent,
} from '@fatty/api';
import type {
  CommitEvent,
  CommitInput,
  Notice,
  Position,
  PublicKey,
  Receipt,
  SessionId,
} from '@fatty/interface';

/** Whom a notice is for. */
export interface Recipient {
  readonly id: SessionId;
  readonly client: PublicKey;
}

/** A session that numbers what it is told of its locks and waits. */
export interface Subscriber extends Recipient {
  /** Map key of the id. */
  readonly key: string;
  lastNumber: number;
}

type Unnumbered<N> = N extends { readonly number: number } ? Omit<N, 'number'> : never;
/** A numbered notice before it has its number. */
export type News = Unnumbered<NoticeBody>;

/** One commit being applied: its clock, its next position, and what came of it. */
export class Ledger {
  readonly receipts: Receipt[] = [];
  readonly notices: Notice[] = [];
  readonly events: CommitEvent[] = [];
  /** Whose count of notices has gone on. */
  readonly numbered: Set<Subscriber> = new Set();
  readonly commit: number;
  /** Lease clock, ms. */
  readonly now: number;
  /** Commit time, ms since the Unix epoch. */
  readonly ts: number;
  readonly #keyOf: (identity: PublicKey) => PublicKey;
  #index = 0;
  /** What the commit may end, see `effectsPerCommitMax` of the quotas; ops and clock each. */
  readonly effectsMax: number;
  #room: number;

  /** `keyOf`: the key that acts for an identity now. */
  constructor(
    input: Pick<CommitInput, 'index' | 'leaseClock' | 'commitTs'>,
    effectsMax: number,
    keyOf: (identity: PublicKey) => PublicKey,
  ) {
    this.#keyOf = keyOf;
    this.effectsMax = effectsMax;
    this.#room = effectsMax;
    this.commit = input.index;
    this.now = input.leaseClock;
    this.ts = input.commitTs;
  }

  /** R21: every op, and every effect of a timer or a grant, takes the next index. */
  next(): Position {
    return { commit: this.commit, index: this.#index++ };
  }

  /**
   * How much of what others have made a commit may end is bounded: each was cheap to make, one by one.
   */
  refuseFull(things = 1): ErrorResult | undefined {
    if (things <= this.room) return undefined;
    const expected = `at most ${this.effectsMax} things ended by a commit`;
    return errorResult('commit_full', expected, `room for ${this.room}`);
  }

  /** How many effects may follow; what is under way may go beyond it. */
  get room(): number {
    return Math.max(0, this.#room);
  }

  spend(effects: number): void {
    this.#room -= effects;
  }

  /** The ops are through; now the clock ends what is due. */
  startTimers(): void {
    this.#room = this.effectsMax;
  }

  /** R21b: the next number of this session is this notice's. */
  tellNext(to: Subscriber, news: News): void {
    this.spend(1);
    to.lastNumber += 1;
    this.numbered.add(to);
    this.tell(to, { ...news, number: to.lastNumber });
  }

  tell(to: Recipient, body: NoticeBody): void {
    this.notices.push({ client: this.#keyOf(to.client), session: to.id, body: encodeNotice(body) });
  }

  /** For whoever watches. */
  happened(event: EventBody): void {
    this.events.push(toCommitEvent(event));
  }
}
