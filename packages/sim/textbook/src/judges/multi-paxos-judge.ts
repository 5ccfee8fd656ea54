// Judges multi-Paxos by the votes that disks have.
import type { MultiPaxosMessage, MultiPaxosState, SlotVote } from '../multi-paxos/messages.ts';
import type { Accuse, Count, Judge } from '../world/judge.ts';
import { SlotJudge } from './slot-judge.ts';

/**
 * A value is chosen in a slot when more than half of the disks have a vote for it of one ballot. At most one
 * is, it is one that was asked for (or nothing), and nobody reports another.
 */
export class MultiPaxosJudge implements Judge<MultiPaxosMessage, MultiPaxosState> {
  readonly #accuse: Accuse;
  readonly #count: Count;
  readonly #processes: number;
  readonly #slots: SlotJudge;
  /** Who has voted, by slot, ballot and value. */
  readonly #voters = new Map<string, Set<number>>();
  readonly #promised = new Map<number, number>();
  readonly #leaders = new Set<number>();
  readonly #chosen = new Map<number, string>();

  constructor(accuse: Accuse, count: Count, processes: number) {
    this.#accuse = accuse;
    this.#count = count;
    this.#processes = processes;
    this.#slots = new SlotJudge(accuse);
  }

  asked(value: string): void {
    this.#slots.asked(value);
  }

  sent(from: number, _: number, message: MultiPaxosMessage): void {
    if (message.kind === 'promise') {
      this.#promised.set(from, Math.max(this.#promised.get(from) ?? 0, message.ballot));
    }
    if (message.kind === 'accepted' && message.ballot < (this.#promised.get(from) ?? 0)) {
      const expected = `no vote below ballot ${this.#promised.get(from)}`;
      this.#accuse({ rule: 'a promise is kept', expected, actual: `${message.ballot}` }, from);
    }
    if (message.kind !== 'heartbeat' || this.#leaders.has(message.ballot)) return;
    this.#leaders.add(message.ballot);
    this.#count('leaders');
    if (this.#leaders.size > 1) this.#count('leaderChanges');
  }

  saved(process: number, { votes }: MultiPaxosState): void {
    for (const vote of votes) this.#voted(process, vote);
  }

  decided(process: number, slot: number, value: string): void {
    this.#slots.decided(process, slot, value);
    const chosen = this.#chosen.get(slot);
    if (chosen === value) return;
    const expected = `${chosen ?? 'nothing chosen'} in slot ${slot}`;
    this.#accuse({ rule: 'learned what is chosen', expected, actual: value }, process);
  }

  #voted(voter: number, { slot, ballot, value }: SlotVote): void {
    const key = `${slot} ${ballot} ${value}`;
    const voters = (this.#voters.get(key) ?? new Set()).add(voter);
    this.#voters.set(key, voters);
    if (voters.size * 2 <= this.#processes) return;
    const known = this.#chosen.get(slot) ?? value;
    if (!this.#chosen.has(slot)) this.#count('chosen');
    this.#chosen.set(slot, known);
    if (known === value) return;
    const expected = `${known} in slot ${slot}`;
    this.#accuse({ rule: 'one value per slot', expected, actual: value }, -1);
  }
}
