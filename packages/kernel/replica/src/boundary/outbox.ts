// The effects and timers of one step.
import { BULK, PROTOCOL, type Priority } from '@fatty/interface';
import type { ReplicaEffect, ReplicaNote, TimerName } from './contract.ts';
import { encodeMessage, type PeerMessage } from './messages.ts';

/** Answers to questions about the past must not delay live blocks. */
function priorityOf(message: PeerMessage): Priority {
  const { kind } = message;
  return kind === 'rounds' || kind === 'blocks' || kind === 'chunk' ? BULK : PROTOCOL;
}

/** Collects the effects of one step, in order. */
export class Outbox {
  #effects: ReplicaEffect[] = [];

  push(effect: ReplicaEffect): void {
    this.#effects.push(effect);
  }

  note(note: ReplicaNote): void {
    this.#effects.push({ kind: 'note', note });
  }

  send(peers: readonly number[], message: PeerMessage): void {
    if (peers.length === 0) return;
    const bytes = encodeMessage(message);
    const priority = priorityOf(message);
    for (const peer of peers) this.#effects.push({ kind: 'send', peer, bytes, priority });
  }

  take(): readonly ReplicaEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

/** The timers that are set in the world (R22), so that nothing is set twice. */
export class Timers {
  readonly #out: Outbox;
  readonly #armed = new Map<TimerName, number>();
  /** How far the caller's clock is ahead of the time in which timers are asked for. */
  shiftMs = 0;

  constructor(out: Outbox) {
    this.#out = out;
  }

  /** Fires at `exactMs` or earlier: an early one is answered by asking again, which is cheaper. */
  want(name: TimerName, exactMs: number): void {
    const atMs = Math.ceil(exactMs);
    const armed = this.#armed.get(name);
    if (armed !== undefined && armed <= atMs) return;
    this.#armed.set(name, atMs);
    this.#out.push({ kind: 'setTimer', name, atMs: atMs + this.shiftMs });
  }

  /** Sets, or clears when there is nothing to wait for: at rest no timer may run. */
  wantOrNot(name: TimerName, atMs: number | undefined): void {
    if (atMs !== undefined) return this.want(name, atMs);
    if (this.#armed.delete(name)) this.#out.push({ kind: 'clearTimer', name });
  }

  fired(name: TimerName): void {
    this.#armed.delete(name);
  }
}
