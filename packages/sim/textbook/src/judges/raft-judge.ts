// Judges Raft by its five properties, from wires and disks.
import type { RaftMessage, RaftState } from '../raft/messages.ts';
import type { Accuse, Count, Judge } from '../world/judge.ts';
import { SlotJudge } from './slot-judge.ts';

/**
 * Election safety (and one vote per term), log matching, leader completeness and state machine safety. That a
 * leader only appends to its log follows from what disks have.
 */
export class RaftJudge implements Judge<RaftMessage, RaftState> {
  readonly #accuse: Accuse;
  readonly #count: Count;
  readonly #slots: SlotJudge;
  readonly #leaders = new Map<number, number>();
  /** For whom, by voter and term. */
  readonly #votes = new Map<string, number>();
  readonly #disks = new Map<number, RaftState>();
  /** By index and term: the value there, and the term before it. */
  readonly #entries = new Map<string, string>();
  /** What was reported, and the highest term that any leader had by then. */
  readonly #reported = new Map<number, { readonly value: string; readonly byTerm: number }>();
  #highest = 0;

  constructor(accuse: Accuse, count: Count) {
    this.#accuse = accuse;
    this.#count = count;
    this.#slots = new SlotJudge(accuse);
  }

  asked(value: string): void {
    this.#slots.asked(value);
  }

  sent(from: number, to: number, message: RaftMessage): void {
    if (message.kind === 'forward') return;
    this.#checkTerm(from, message.term);
    if (message.kind === 'vote' && message.isGranted) this.#voted(from, to, message.term);
    if (message.kind === 'append') this.#led(from, message.term);
  }

  saved(process: number, state: RaftState): void {
    const { log } = state;
    const before = this.#disks.get(process)?.log ?? [];
    this.#disks.set(process, state);
    const stays = before.every(({ term }, i) => log[i]?.term === term);
    if (!stays) this.#count('rolledBack');
    for (const [i, { term, value }] of log.entries()) {
      const place = `${i + 1} of term ${term}`;
      const here = `${value} behind term ${log[i - 1]?.term ?? 0}`;
      const known = this.#entries.get(place);
      if (known === undefined) this.#entries.set(place, here);
      else if (known !== here) {
        const expected = `${known} at ${place}`;
        this.#accuse({ rule: 'log matching', expected, actual: here }, process);
      }
    }
  }

  decided(process: number, slot: number, value: string): void {
    this.#slots.decided(process, slot, value);
    if (!this.#reported.has(slot)) this.#reported.set(slot, { value, byTerm: this.#highest });
  }

  /** What was said and is not on disk is forgotten with the next crash. */
  #checkTerm(process: number, term: number): void {
    const known = this.#disks.get(process)?.term ?? 0;
    if (term <= known) return;
    const expected = `no term above ${known}`;
    this.#accuse({ rule: 'a term is on disk', expected, actual: `${term}` }, process);
  }

  #voted(voter: number, candidate: number, term: number): void {
    const disk = this.#disks.get(voter);
    if (disk?.term === term && disk.votedFor !== candidate) {
      const expected = `a vote for r${candidate} in term ${term}`;
      this.#accuse({ rule: 'a vote is on disk', expected, actual: `${disk.votedFor}` }, voter);
    }
    const key = `${voter} in term ${term}`;
    const known = this.#votes.get(key) ?? candidate;
    this.#votes.set(key, known);
    if (known === candidate) return;
    const expected = `a vote for r${known} only`;
    this.#accuse({ rule: 'one vote per term', expected, actual: `r${candidate}` }, voter);
  }

  #led(leader: number, term: number): void {
    const known = this.#leaders.get(term);
    if (known === leader) return;
    if (known !== undefined) {
      const expected = `r${known} alone in term ${term}`;
      return this.#accuse({ rule: 'election safety', expected, actual: `r${leader}` }, leader);
    }
    this.#leaders.set(term, leader);
    this.#count('leaders');
    if (this.#leaders.size > 1) this.#count('leaderChanges');
    this.#highest = Math.max(this.#highest, term);
    for (const [slot, { value, byTerm }] of this.#reported) {
      const actual = this.#disks.get(leader)?.log[slot - 1]?.value;
      if (byTerm >= term || actual === value) continue;
      const expected = `${value} in slot ${slot} of the leader of term ${term}`;
      this.#accuse({ rule: 'leader completeness', expected, actual: actual ?? 'none' }, leader);
    }
  }
}
