// Repairs what links lose.
import type { Block, Dag } from '@fatty/broadcast';
import type { Orderer } from '@fatty/order';
import type { Committee } from '@fatty/protocol';
import type { Status } from '../boundary/messages.ts';
import type { Outbox } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Hearers } from '../cell/hearers.ts';
import type { Peers } from '../cell/peers.ts';
import type { Sync } from './sync.ts';

/** Own blocks sent again to a peer that is behind; it asks for the rest. */
export const RESEND_ROUNDS = 16;

/** What Neighbours needs of its replica. */
export interface NeighboursPort {
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly dag: Dag;
  readonly hearers: Hearers;
  readonly me: number;
  readonly orderer: Orderer;
  readonly out: Outbox;
  readonly own: { readonly durableRound: number };
  readonly peers: Peers;
  readonly sync: Sync;
  readonly tuning: Tuning;
}

/**
 * Repairs what links lose: replicas tell one another where they are when a link comes up and when
 * nothing moves; each answers with own blocks the other may lack, and asks for what it lacks.
 */
export class Neighbours {
  readonly #port: NeighboursPort;
  /** By peer: when its word next makes own blocks go out again. */
  readonly #resendAtMs: number[];
  /** By peer: the highest round that it said it knows, over the link that stands. */
  readonly #toldRound = new Map<number, number>();

  constructor(port: NeighboursPort) {
    this.#port = port;
    this.#resendAtMs = port.committee.members.map(() => 0);
  }

  /** A new link has carried nothing yet. */
  linkUp(peer: number): void {
    this.#resendAtMs[peer] = 0;
    this.#toldRound.delete(peer);
    // The clock goes first: a peer that then hears that it may sign knows already whether its own
    // clock is wrong (R12a).
    this.tellClock([peer], true);
    this.tell([peer], true);
  }

  tell(to: readonly number[], ask: boolean): void {
    const { dag, orderer, out, peers, committee } = this.#port;
    const { epoch } = committee;
    const lastOwnRound = this.#port.own.durableRound;
    const commitIndex = orderer.lastIndex;
    const highestRound = dag.highestRound;
    for (const peer of to) {
      const yourRound = peers.signedRound(peer);
      const status = { epoch, lastOwnRound, highestRound, commitIndex, yourRound, ask };
      out.send([peer], { kind: 'status', ...status });
    }
  }

  /** R12a. */
  tellClock(to: readonly number[], ask: boolean): void {
    const { out, clock } = this.#port;
    out.send(to, { kind: 'clock', ms: clock.freeMs, ask });
  }

  /** R12a: while own blocks are made, the others are asked for their clocks now and then. */
  askClocks(): void {
    const { clock, peers } = this.#port;
    if (!clock.isAskDue) return;
    clock.asked();
    this.tellClock(peers.up, true);
  }

  told(peer: number, { lastOwnRound, highestRound, ask }: Status): void {
    const { peers } = this.#port;
    peers.heardRound(peer, Math.max(lastOwnRound, highestRound));
    this.#toldRound.set(peer, highestRound);
    if (ask) this.tell([peer], false);
    // Being in the same round does not mean having the own blocks of it.
    if (this.#isResendDue(peer)) this.#resendTo(peer, highestRound - 1);
    this.#port.sync.nudge(peer, highestRound);
  }

  /** An own block may be sent: it goes where own blocks may go (R26). */
  push({ ref, bytes }: Block): void {
    this.#push(this.#port.peers.up, ref.round, bytes);
  }

  /** R26: own blocks of this life may go to the peer from now on; it may lack some. */
  mayHear(peer: number): void {
    const told = this.#toldRound.get(peer);
    if (told !== undefined) this.#resend([peer], told - 1);
  }

  /** Nothing moves: perhaps something was lost on the way (R22, broadcast on advance). */
  shout(): void {
    const { up } = this.#port.peers;
    this.#resend(up, this.#port.own.durableRound);
    this.tell(up, true);
  }

  /**
   * A few bytes ask for megabytes, so a peer gets them no more often than an honest one has reason
   * to ask.
   */
  #isResendDue(peer: number): boolean {
    return this.#port.clock.runningMs >= (this.#resendAtMs[peer] ?? 0);
  }

  #resendTo(peer: number, fromRound: number): void {
    const { clock, tuning } = this.#port;
    this.#resendAtMs[peer] = clock.runningMs + tuning.fetchRetryMs;
    this.#resend([peer], fromRound);
  }

  #resend(to: readonly number[], fromRound: number): void {
    const { dag, me } = this.#port;
    const last = this.#port.own.durableRound;
    const first = Math.max(1, fromRound, last - RESEND_ROUNDS + 1);
    for (let round = first; round <= last; round++) {
      const ref = dag.primary(me, round)?.ref;
      const own = ref && dag.whole(ref);
      if (own) this.#push(to, round, own.bytes);
    }
  }

  #push(to: readonly number[], round: number, block: Uint8Array): void {
    const { hearers, out } = this.#port;
    const hearing = to.filter((peer) => hearers.mayHear(peer, round));
    out.send(hearing, { kind: 'push', block });
  }
}
