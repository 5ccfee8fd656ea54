// Evidence that own blocks carry.
import type { Evidence } from '@fatty/broadcast';
import type { Committee } from '@fatty/protocol';

/** Accusations in one own block. */
const EVIDENCE_MAX = 8;

/** What Accusations needs of its replica. */
export interface AccusationsPort {
  readonly committee: Committee;
  readonly me: number;
}

/** Evidence against others (R4) that own blocks carry, one against each, until a commit convicts it. */
export class Accusations {
  readonly #port: AccusationsPort;
  readonly #open = new Map<number, { readonly evidence: Evidence; againRound: number }>();
  readonly #convicted = new Set<number>();

  constructor(port: AccusationsPort) {
    this.#port = port;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Something that the own block of `round` would carry. */
  hasDue(round: number): boolean {
    for (const { againRound } of this.#open.values()) if (againRound <= round) return true;
    return false;
  }

  add(author: number, evidence: Evidence): void {
    if (author === this.#port.me || this.#convicted.has(author) || this.#open.has(author)) return;
    this.#open.set(author, { evidence, againRound: 0 });
  }

  /** A commit holds evidence against these (R19). */
  convicted(authors: readonly number[]): void {
    for (const author of authors) {
      this.#convicted.add(author);
      this.#open.delete(author);
    }
  }

  /**
   * Accusations for the own block of `round`. One comes again after V rounds, for its block may be
   * lost (R15).
   */
  take(round: number): readonly Evidence[] {
    const { supportRoundsMax } = this.#port.committee.params;
    const due = [...this.#open].filter(([, { againRound }]) => againRound <= round);
    const taken = due.sort(([a], [b]) => a - b).slice(0, EVIDENCE_MAX);
    for (const [, entry] of taken) entry.againRound = round + supportRoundsMax;
    return taken.map(([, { evidence }]) => evidence);
  }
}
