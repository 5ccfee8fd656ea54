// Judges reads that promise to be no older than their call (R32b), from commits, calls and answers alone.
import type { StateMachine } from '@fatty/interface';
import type { Checker, Observation, Violation } from '../world/observation.ts';

/** What a query is answered from one commit on, until the next entry. */
interface Truth {
  readonly commit: number;
  readonly answer: string;
}

interface Begun {
  readonly query: string;
  /** The highest commit that anybody had been told of when the read began. */
  readonly floor: number;
}

/** An answer as its reader has it. */
export interface ReadSeen {
  readonly answer: string;
  /** The answer claims to be that of the state there or later. */
  readonly commit: number;
}

/** What a {@link ReadChecker} judges by. */
export interface ReadCheckerParts {
  /** A fresh machine, which this checker alone has: it applies what the cell commits. */
  readonly machine: StateMachine;
  /** Every query that is judged, by name: what the machine answers now. */
  readonly queries: ReadonlyMap<string, (machine: StateMachine) => string>;
}

/**
 * Reads are to be linearizable, over all clients and queries together: an answer is that of the state at
 * some commit that is no lower than what anybody was told before the read began (by an outcome, or by a
 * read that had ended), and that some replica had applied when it ended. Each read is put at the lowest
 * such commit: if any order of the reads is right, this one is.
 */
export class ReadChecker implements Checker {
  readonly rules: readonly string[] = ['R32b'];
  readonly #parts: ReadCheckerParts;
  readonly #truths = new Map<string, Truth[]>();
  readonly #begun = new Map<string, Begun>();
  #index = 0;
  #told = 0;

  constructor(parts: ReadCheckerParts) {
    this.#parts = parts;
    this.#note(0);
  }

  see(observation: Observation): readonly Violation[] {
    if (observation.kind !== 'committed' || observation.commit.index <= this.#index) return [];
    this.#index = observation.commit.index;
    this.#parts.machine.applyCommit(observation.input);
    this.#note(this.#index);
    return [];
  }

  finish(): readonly Violation[] {
    return [];
  }

  #note(commit: number): void {
    for (const [query, ask] of this.#parts.queries) {
      const truths = this.#truths.get(query) ?? [];
      const answer = ask(this.#parts.machine);
      if (truths.at(-1)?.answer !== answer) truths.push({ commit, answer });
      this.#truths.set(query, truths);
    }
  }

  /** Somebody believes in what happened at this commit. */
  told(commit: number): void {
    this.#told = Math.max(this.#told, commit);
  }

  /** `read`: a name of the read. */
  began(read: string, query: string): void {
    this.#begun.set(read, { query, floor: this.#told });
  }

  /** Answers what is wrong with the answer; undefined when nothing is, or the read never began. */
  ended(read: string, { answer, commit }: ReadSeen): Omit<Violation, 'atMs'> | undefined {
    const begun = this.#begun.get(read);
    if (begun === undefined) return undefined;
    this.#begun.delete(read);
    const { query, floor } = begun;
    const at = this.#firstFrom(Math.max(floor, commit), query, answer);
    if (at === undefined) {
      const from = Math.max(floor, commit);
      const expected = `${read}: ${query} as at one of commits ${from} to ${this.#index}`;
      return { rule: 'R32b', replica: -1, expected, actual: this.#describe(query, answer) };
    }
    this.told(this.#firstFrom(floor, query, answer) ?? at);
    return undefined;
  }

  /** The lowest commit, no lower than `from`, at which the query was answered so. */
  #firstFrom(from: number, query: string, answer: string): number | undefined {
    const truths = this.#truths.get(query) ?? [];
    for (const [i, truth] of truths.entries()) {
      const last = (truths[i + 1]?.commit ?? this.#index + 1) - 1;
      if (truth.answer === answer && last >= from && from <= this.#index) {
        return Math.max(from, truth.commit);
      }
    }
    return undefined;
  }

  #describe(query: string, answer: string): string {
    const truths = this.#truths.get(query) ?? [];
    const i = truths.findLastIndex((truth) => truth.answer === answer);
    if (i < 0) return 'what was never so';
    return `as at ${truths[i]?.commit} to ${(truths[i + 1]?.commit ?? this.#index + 1) - 1}`;
  }
}
