// Judges single-decree Paxos by what acceptors have said on the wire.
import type { PaxosMessage, PaxosState } from '../paxos/messages.ts';
import type { Accuse, Count, Judge } from '../world/judge.ts';

/**
 * A value is chosen when more than half of the processes have said "accepted" in one ballot. At most one is,
 * it is one that was asked for, and nobody believes another.
 */
export class PaxosJudge implements Judge<PaxosMessage, PaxosState> {
  readonly #accuse: Accuse;
  readonly #count: Count;
  readonly #processes: number;
  readonly #asked = new Set<string>();
  /** Who has accepted, by ballot and value. */
  readonly #accepted = new Map<string, Set<number>>();
  readonly #promised = new Map<number, number>();
  #chosen: string | undefined;

  constructor(accuse: Accuse, count: Count, processes: number) {
    this.#accuse = accuse;
    this.#count = count;
    this.#processes = processes;
  }

  asked(value: string): void {
    this.#asked.add(value);
  }

  sent(from: number, _: number, message: PaxosMessage): void {
    if (message.kind === 'promise') {
      this.#promised.set(from, Math.max(this.#promised.get(from) ?? 0, message.ballot));
    }
    if (message.kind !== 'accepted') return;
    const { ballot, value } = message;
    const key = `${ballot} ${value}`;
    const voters = this.#accepted.get(key) ?? new Set();
    if (voters.has(from)) return;
    this.#accepted.set(key, voters.add(from));
    // The last of a step's copies leaves in the moment of the first, so what it promised before is known.
    const promised = this.#promised.get(from) ?? 0;
    if (ballot < promised) {
      const rule = 'a promise is kept';
      this.#accuse({ rule, expected: `no vote below ballot ${promised}`, actual: key }, from);
    }
    if (voters.size * 2 > this.#processes) this.#onChosen(value);
  }

  decided(process: number, _: number, value: string): void {
    if (value === this.#chosen) return;
    const expected = this.#chosen ?? 'nothing, for nothing is chosen';
    this.#accuse({ rule: 'learned what is chosen', expected, actual: value }, process);
  }

  #onChosen(value: string): void {
    if (this.#chosen === undefined) {
      this.#chosen = value;
      this.#count('chosen');
    }
    if (value !== this.#chosen) {
      this.#accuse({ rule: 'one value', expected: this.#chosen, actual: value }, -1);
    }
    if (!this.#asked.has(value)) {
      this.#accuse({ rule: 'a value of a client', expected: 'one asked for', actual: value }, -1);
    }
  }
}
