// Motions of the operator of a replica, and what became of them.
import { failure } from '@fatty/codec';
import type { Happening } from '@fatty/host';
import type { Failure } from '@fatty/interface';
import type { Change } from '@fatty/protocol';

/** How long a replica may take to say whether it takes a motion, ms. */
const ANSWER_MS_MAX = 5_000;

/** Gives motions to the core at work, and tells each caller what it said. */
export class Motions {
  readonly #dispatch: (move: Happening) => void;
  readonly #waiting = new Map<number, (flaw: Failure | undefined) => void>();
  #tag = 0;

  constructor(dispatch: (move: Happening) => void) {
    this.#dispatch = dispatch;
  }

  /** Undefined: own blocks carry it. Codes: those of the replica, `no_answer`. */
  move(change: Change): Promise<Failure | undefined> {
    const tag = ++this.#tag;
    return new Promise((resolve) => {
      const late = (): void =>
        this.stated(tag, failure('no_answer', 'a word of the replica', 'none'));
      const timer = setTimeout(late, ANSWER_MS_MAX);
      this.#waiting.set(tag, (flaw) => {
        clearTimeout(timer);
        resolve(flaw);
      });
      this.#dispatch({ kind: 'move', change, tag });
    });
  }

  /** The replica has answered. */
  stated(tag: number, flaw: Failure | undefined): void {
    const waits = this.#waiting.get(tag);
    this.#waiting.delete(tag);
    waits?.(flaw);
  }
}
