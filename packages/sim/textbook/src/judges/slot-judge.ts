// Judges what a replicated log has come to: one value per slot, and only what was asked for.
import type { Accuse } from '../world/judge.ts';

/** State machine safety: whoever reports a slot reports the same value. */
export class SlotJudge {
  readonly #accuse: Accuse;
  readonly #asked = new Set<string>(['']);
  /** By slot; what was reported first. */
  readonly decisions: Map<number, string> = new Map();

  constructor(accuse: Accuse) {
    this.#accuse = accuse;
  }

  asked(value: string): void {
    this.#asked.add(value);
  }

  decided(process: number, slot: number, value: string): void {
    const known = this.decisions.get(slot) ?? value;
    this.decisions.set(slot, known);
    if (known !== value) {
      const expected = `${known} in slot ${slot}`;
      this.#accuse({ rule: 'one value per slot', expected, actual: value }, process);
    }
    if (!this.#asked.has(value)) {
      const expected = 'one that was asked for';
      this.#accuse({ rule: 'a value of a client', expected, actual: value }, process);
    }
  }
}
