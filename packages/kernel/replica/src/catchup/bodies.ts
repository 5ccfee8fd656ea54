// Which blocks keep their bodies in memory.
import { type Dag, type Ref, refKey } from '@fatty/broadcast';
import { RESEND_ROUNDS } from './neighbours.ts';

/** What Bodies needs of its replica. */
export interface BodiesPort {
  readonly dag: Dag;
  readonly me: number;
}

/**
 * Which blocks of the DAG are whole (R12). A body leaves memory when two things are done: the block
 * is committed, so the state has it, and the index of the log has it, so it can be served from
 * there. Own bodies stay a little longer: they are sent again when something was lost.
 */
export class Bodies {
  readonly #port: BodiesPort;
  /** Given to the index, not committed. */
  readonly #indexed = new Map<string, number>();
  /** Committed, not given to the index. */
  readonly #committed = new Set<string>();
  /** Own ones that could go, oldest first. */
  #own: Ref[] = [];

  constructor(port: BodiesPort) {
    this.#port = port;
  }

  /** An `index` effect names the block, so a `read` finds it. */
  indexed(ref: Ref): void {
    const key = refKey(ref);
    if (this.#committed.delete(key)) this.#drop(ref);
    else this.#indexed.set(key, ref.round);
  }

  committed(refs: readonly Ref[]): void {
    for (const ref of refs) {
      const key = refKey(ref);
      if (this.#indexed.delete(key)) this.#drop(ref);
      else this.#committed.add(key);
    }
  }

  /** The blocks below are gone as a whole. */
  horizonMoved(horizon: number): void {
    for (const [key, round] of this.#indexed) if (round <= horizon) this.#indexed.delete(key);
  }

  #drop(ref: Ref): void {
    const { dag, me } = this.#port;
    if (ref.author !== me) return dag.dropBody(ref);
    this.#own.push(ref);
    const kept = this.#own.filter(({ round }) => round > ref.round - RESEND_ROUNDS);
    for (const old of this.#own) if (!kept.includes(old)) dag.dropBody(old);
    this.#own = kept;
  }
}
