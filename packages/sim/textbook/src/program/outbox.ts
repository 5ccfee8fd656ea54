// Collects what one step of a program does.
import type { Effect } from './program.ts';

/** The effects of one step, and the mail of a process to itself, which it reads in the same step. */
export class Outbox<M, S> {
  readonly #me: number;
  readonly #processes: number;
  #effects: Effect<M, S>[] = [];
  #own: M[] = [];

  constructor(me: number, processes: number) {
    this.#me = me;
    this.#processes = processes;
  }

  send(to: number, message: M): void {
    if (to === this.#me) this.#own.push(message);
    else this.#effects.push({ kind: 'send', to, message });
  }

  /** To everybody, the sender too. */
  toAll(message: M): void {
    for (let to = 0; to < this.#processes; to++) this.send(to, message);
  }

  toOthers(message: M): void {
    for (let to = 0; to < this.#processes; to++) if (to !== this.#me) this.send(to, message);
  }

  save(state: S): void {
    this.#effects.push({ kind: 'save', state });
  }

  setTimer(timer: string, msMin: number, msMax: number): void {
    this.#effects.push({ kind: 'setTimer', timer, msMin, msMax });
  }

  decide(slot: number, value: string): void {
    this.#effects.push({ kind: 'decided', slot, value });
  }

  note(what: string, words: string): void {
    this.#effects.push({ kind: 'note', what, words });
  }

  /** Reads the own mail until there is no more, and answers all that the step did. */
  flush(hear: (message: M) => void): readonly Effect<M, S>[] {
    for (let next = this.#own.shift(); next !== undefined; next = this.#own.shift()) hear(next);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
