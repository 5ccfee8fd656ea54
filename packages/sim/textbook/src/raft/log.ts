// A log of Raft. Places count from 1.
import type { Entry, RaftState } from './messages.ts';

/** Entries, each with the term in which a leader took it. */
export class Log {
  #entries: Entry[];

  constructor(entries: RaftState['log']) {
    this.#entries = [...entries];
  }

  get entries(): readonly Entry[] {
    return [...this.#entries];
  }

  get lastIndex(): number {
    return this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? 0;
  }

  at(index: number): Entry | undefined {
    return this.#entries[index - 1];
  }

  /** 0 before the first entry; undefined behind the last one. */
  termAt(index: number): number | undefined {
    return index === 0 ? 0 : this.at(index)?.term;
  }

  behind(index: number, countMax: number): readonly Entry[] {
    return this.#entries.slice(index, index + countMax);
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** A log that ends so is no older than this one: its last term is higher, or the same and it is as long. */
  isMatchedBy({
    lastTerm,
    lastIndex,
  }: {
    readonly lastTerm: number;
    readonly lastIndex: number;
  }): boolean {
    if (lastTerm !== this.lastTerm) return lastTerm > this.lastTerm;
    return lastIndex >= this.lastIndex;
  }

  /**
   * Takes the leader's entries behind `index`. What contradicts them goes, with all behind it; what does not,
   * stays, for these may be old news. Answers how many entries went, and whether anything changed.
   */
  merge(
    index: number,
    entries: readonly Entry[],
  ): { readonly gone: number; readonly isNew: boolean } {
    const first = entries.findIndex(({ term }, i) => this.termAt(index + 1 + i) !== term);
    if (first < 0) return { gone: 0, isNew: false };
    const kept = index + first;
    const gone = this.lastIndex - kept;
    this.#entries = [...this.#entries.slice(0, kept), ...entries.slice(first)];
    return { gone, isNew: true };
  }
}
