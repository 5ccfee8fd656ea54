// Batches that a resting gateway gives to the leader of the open round (Decisions: Rest).
import type { CarriedBatch, Dag } from '@fatty/broadcast';
import { failure } from '@fatty/codec';
import type { Failure } from '@fatty/interface';
import type { Orderer } from '@fatty/order';
import type { SignedBatch } from '@fatty/protocol';
import { HANDED_BYTES_MAX, HANDED_MAX } from '../boundary/messages.ts';
import type { Outbox } from '../boundary/outbox.ts';
import type { Peers } from '../cell/peers.ts';
import type { Gateway } from '../clients/gateway.ts';
import type { Pool } from '../clients/pool.ts';
import type { Proposer } from './proposer.ts';
import type { Rest } from './rest.ts';

/** Rounds between the one that is open here and the one that is open where a commit came first. */
const ROUNDS_AHEAD_MAX = 4;

/** What HandOver needs of its replica. */
export interface HandOverPort {
  readonly dag: Dag;
  readonly gateway: Gateway;
  readonly me: number;
  readonly orderer: Orderer;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly pool: Pool;
  readonly proposer: Proposer;
  readonly rest: Rest;
}

/**
 * A cell rests with the slot of one leader open. A gateway that has something to say then gives its
 * batches to that leader, whose block is two rounds nearer to a commit than any other, and wakes it.
 *
 * The gateway keeps what it gave. It carries a batch itself in a round above the open one when the
 * leader's block came without it, or did not come in time (R22): so a leader that swallows batches
 * costs one time-out, as a silent one does.
 */
export class HandOver {
  readonly #port: HandOverPort;
  /** Open round for which its leader has been woken. */
  #wokeRound = 0;
  /** Batches taken since the own block of round `since`, by the peer who gave them. */
  readonly #taken = new Map<number, { readonly since: number; readonly count: number }>();

  constructor(port: HandOverPort) {
    this.#port = port;
  }

  /** There is something to say, and no payload is under way yet. */
  offer(): void {
    const round = this.#port.rest.openRound;
    const leader = this.#leaderToWake(round);
    if (leader === undefined) return;
    const batches = this.#port.pool.handOver(round);
    if (batches.length === 0 && this.#wokeRound === round) return;
    this.#wokeRound = round;
    this.#send(leader, round, batches);
  }

  /** Nothing moves: payload that the leader has never heard of may wait for its block. */
  wakeAgain(): void {
    const round = this.#port.rest.openRound;
    const leader = this.#leaderToWake(round);
    if (leader !== undefined) this.#send(leader, round, []);
  }

  /**
   * Takes what a peer hands over for an own slot that is not filled, within the peer's share; anything
   * else came too late, and its gateway carries it. Whoever commits a moment later than the others is
   * asked to fill a round that is not open here yet. Answers what no honest peer sends.
   */
  take(peer: number, round: number, batches: readonly SignedBatch[]): Failure | undefined {
    if (!this.#isOwnOpenSlot(round)) return undefined;
    this.#port.rest.wake(round);
    const { lastRound } = this.#port.proposer;
    const share = this.#taken.get(peer);
    const before = share?.since === lastRound ? share.count : 0;
    const counted = batches.slice(0, HANDED_MAX - before);
    this.#taken.set(peer, { since: lastRound, count: before + counted.length });
    for (const signed of counted) {
      const { length } = signed.core;
      if (length > HANDED_BYTES_MAX) {
        return failure('too_large', `at most ${HANDED_BYTES_MAX} bytes`, `${length}`);
      }
      const flaw = this.#port.gateway.handedOver(signed, round);
      if (flaw !== undefined) return flaw;
    }
    return undefined;
  }

  #isOwnOpenSlot(round: number): boolean {
    const { orderer, me } = this.#port;
    if (round <= this.#port.proposer.lastRound || orderer.leaderOf(round) !== me) return false;
    return round <= this.#port.rest.openRound + ROUNDS_AHEAD_MAX;
  }

  #send(leader: number, round: number, carried: readonly CarriedBatch[]): void {
    const batches = carried.map(({ signed }) => signed);
    this.#port.out.send([leader], { kind: 'handOver', round, batches });
  }

  /** The leader of the open round, when it is another one that is worth waiting for. */
  #leaderToWake(round: number): number | undefined {
    const { orderer, me, dag, peers } = this.#port;
    if (round === 0) return undefined;
    const leader = orderer.leaderOf(round);
    if (leader === undefined || leader === me) return undefined;
    if (dag.primary(leader, round) !== undefined) return undefined;
    return peers.isAwaited(leader) ? leader : undefined;
  }
}
