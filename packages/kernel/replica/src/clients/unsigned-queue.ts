// Unsigned messages that wait for an own block (R11).
import { compareUnsigned, UNSIGNED_MAX, UNSIGNED_WEIGHT_MAX } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import type { Unsigned } from '@fatty/interface';

/** One message about each thing, in the order in which they came. */
export class UnsignedQueue {
  readonly #sizeMax: number;
  readonly #messages = new Map<string, Unsigned>();

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#messages.size;
  }

  /** The one that waits, about the same thing. */
  sameAs({ about }: Unsigned): Unsigned | undefined {
    return this.#messages.get(toHex(about));
  }

  /**
   * Takes one that the machine accepts, in place of another one about the same thing. False when
   * there is no room.
   */
  add(message: Unsigned): boolean {
    const key = toHex(message.about);
    if (this.#messages.size >= this.#sizeMax && !this.#messages.has(key)) return false;
    this.#messages.set(key, message);
    return true;
  }

  /** What goes into an own block, sorted; what is over goes with the next. */
  take(): readonly Unsigned[] {
    const taken: Unsigned[] = [];
    let weight = 0;
    for (const [key, message] of this.#messages) {
      weight += message.weight;
      if (taken.length === UNSIGNED_MAX || weight > UNSIGNED_WEIGHT_MAX) break;
      taken.push(message);
      this.#messages.delete(key);
    }
    return taken.sort(compareUnsigned);
  }
}
