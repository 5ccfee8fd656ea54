// The batches that a gateway has handed to its replica and not seen the end of.
import { toHex } from '@fatty/codec';
import type { Digest, Link } from '@fatty/interface';

/** A batch on its way: the tag comes back with a refusal, the id with the receipt. */
export interface Submission {
  readonly tag: number;
  readonly id: Digest;
  /** Where it came by last. */
  readonly link: Link;
  /** When it came first, on the replica's own clock. */
  readonly atMs: number;
}

/** Batches remembered at once. The refusal of one that was forgotten reaches nobody. */
const SUBMISSIONS_MAX = 65_536;

/** Batches on their way, by tag and by id; the oldest goes when there are too many. */
export class Submissions {
  readonly #byTag = new Map<number, Submission>();
  readonly #byBatch = new Map<string, Submission>();
  #nextTag = 1;

  /**
   * Answers its tag. A resend keeps the tag, because the replica answers for the first of two equal
   * batches only.
   */
  remember(link: Link, id: Digest, nowMs: number): number {
    const known = this.#byBatch.get(toHex(id));
    const tag = known?.tag ?? this.#nextTag++;
    const submission = { tag, id, link, atMs: known?.atMs ?? nowMs };
    this.#byTag.set(tag, submission);
    this.#byBatch.set(toHex(id), submission);
    const oldest = this.#byTag.values().next().value;
    if (this.#byTag.size > SUBMISSIONS_MAX && oldest) this.#forget(oldest);
    return tag;
  }

  /** As they are now, in the order in which they came. */
  get all(): readonly Submission[] {
    return [...this.#byTag.values()];
  }

  /** Forgets and answers the batch that was refused under this tag. */
  takeTagged(tag: number): Submission | undefined {
    return this.#forget(this.#byTag.get(tag));
  }

  /** Forgets and answers the batch of this id. */
  takeBatch(id: Digest): Submission | undefined {
    return this.#forget(this.#byBatch.get(toHex(id)));
  }

  #forget(submission: Submission | undefined): Submission | undefined {
    if (submission === undefined) return undefined;
    this.#byTag.delete(submission.tag);
    this.#byBatch.delete(toHex(submission.id));
    return submission;
  }
}
