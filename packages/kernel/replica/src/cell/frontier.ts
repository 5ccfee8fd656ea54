// The complete round.
import type { Dag } from '@fatty/broadcast';
import { type Committee, quorum } from '@fatty/protocol';

/** The complete round (R12): up to it this replica has blocks of q distinct authors of every round. */
export class Frontier {
  readonly #dag: Dag;
  readonly #members: number;
  readonly #quorum: number;
  #completeRound = 0;

  constructor(dag: Dag, committee: Committee) {
    this.#dag = dag;
    this.#members = committee.members.length;
    this.#quorum = quorum(committee);
  }

  /** As of the last call of {@link advance}. */
  get completeRound(): number {
    return this.#completeRound;
  }

  /** To be called when the DAG has grown or its horizon has moved: what fell below it is complete. */
  advance(): void {
    this.#completeRound = Math.max(this.#completeRound, this.#dag.horizon);
    while (this.#completeRound < this.#dag.highestRound) {
      if (!this.#hasQuorum(this.#completeRound + 1)) return;
      this.#completeRound++;
    }
  }

  #hasQuorum(round: number): boolean {
    let authors = 0;
    for (let author = 0; author < this.#members; author++) {
      if (this.#dag.primary(author, round)) authors++;
    }
    return authors >= this.#quorum;
  }
}
