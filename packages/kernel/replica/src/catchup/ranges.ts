// Questions for rounds that are open.
import type { Outbox } from '../boundary/outbox.ts';

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Open questions per peer; the oldest is forgotten. */
const OPEN_MAX = 8;

/** What peers were asked for by rounds. Nothing else is taken as an answer (R12). */
export class Ranges {
  readonly #out: Outbox;
  readonly #open: Range[][];

  constructor(members: number, out: Outbox) {
    this.#out = out;
    this.#open = Array.from({ length: members }, () => []);
  }

  ask(peer: number, from: number, to: number): void {
    const open = this.#open[peer];
    open?.push({ from, to });
    if (open && open.length > OPEN_MAX) open.shift();
    this.#out.send([peer], { kind: 'getRounds', from, to });
  }

  /** Answers may cover less than the question. */
  isAsked(peer: number, from: number, to: number): boolean {
    return this.#find(peer, from, to) >= 0;
  }

  /** The last part of an answer came. */
  close(peer: number, from: number, to: number): void {
    const at = this.#find(peer, from, to);
    if (at >= 0) this.#open[peer]?.splice(at, 1);
  }

  linkDown(peer: number): void {
    this.#open[peer] = [];
  }

  #find(peer: number, from: number, to: number): number {
    return (this.#open[peer] ?? []).findIndex((range) => range.from <= from && to <= range.to);
  }
}
