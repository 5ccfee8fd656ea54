// A client of a room: it wants one value decided, and asks until it hears that something was.
import type { Room } from './room.ts';

/** Asks another process when there is no answer, ms. */
const RETRY_MS = 500;
/** How long a word between a client and a process is under way at most, ms. */
const WAY_MS_MAX = 5;

/** What a client wants. */
export interface Wish {
  /** Its lifeline. */
  readonly who: string;
  readonly value: string;
  /** Whom it asks first. */
  readonly process: number;
  /** It asks nobody else. */
  readonly isFaithful?: boolean;
  /** Any decision is an answer: there is only one. */
  readonly takesAny: boolean;
}

/** One wish of one client. */
export class Asker<M, S> {
  readonly wish: Wish;
  readonly #room: Room<M, S>;
  #process: number;
  #answered = false;

  constructor(room: Room<M, S>, wish: Wish) {
    this.wish = wish;
    this.#room = room;
    this.#process = wish.process;
    room.onDecided((process, _, value) => this.#hear(process, value));
    this.#ask();
  }

  get isAnswered(): boolean {
    return this.#answered;
  }

  #fits(value: string): boolean {
    return this.wish.takesAny || value === this.wish.value;
  }

  #hear(process: number, value: string): void {
    if (this.#answered || process !== this.#process || !this.#fits(value)) return;
    this.#answered = true;
    const room = this.#room;
    const packet = `a${room.count('answers')}`;
    const label = `${value} it is`;
    const ops = [{ client: this.wish.who, kind: 'answer' }];
    room.tell('send', `r${process}`, label, { peer: this.wish.who, packet, ops });
    room.after(room.rng.between(1, WAY_MS_MAX), () => {
      room.tell('receive', this.wish.who, label, { peer: `r${process}`, packet, ops });
    });
  }

  #ask(): void {
    if (this.#answered) return;
    const room = this.#room;
    const { who, value, isFaithful = false } = this.wish;
    const process = this.#process;
    const packet = `q${room.count('asks')}`;
    const told = { packet, ops: [{ client: who, kind: 'ask' }] };
    room.tell('send', who, `${value}, please`, { peer: `r${process}`, ...told });
    room.after(room.rng.between(1, WAY_MS_MAX), () => {
      const known = [...room.decidedAt(process).values()].find((one) => this.#fits(one));
      const isUp = room.machines[process]?.isUp === true;
      room.tell(isUp ? 'receive' : 'drop', `r${process}`, `${value}, please`, {
        peer: who,
        ...told,
      });
      if (known !== undefined) this.#hear(process, known);
      else room.ask(process, value);
    });
    room.after(RETRY_MS, () => {
      if (this.#answered) return;
      room.count('asksAgain');
      if (!isFaithful) this.#process = (process + 1) % room.machines.length;
      this.#ask();
    });
  }
}
