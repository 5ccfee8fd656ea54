import type { Status } from '../boundary/messages.ts';
import type { Shared } from '../context.ts';
import type { Persistence } from '../signing/persistence.ts';
import type { Sync } from './sync.ts';

/** Own blocks sent again to a peer that is behind; it asks for the rest. */
export const RESEND_ROUNDS = 16;

/**
 * Repairs what links lose: replicas tell one another where they are when a link comes up and when
 * nothing moves; each answers with own blocks the other may lack, and asks for what it lacks.
 */
export class Neighbours {
  readonly #shared: Shared;
  readonly #persistence: Persistence;
  readonly #sync: Sync;
  /** By peer: when its word next makes own blocks go out again. */
  readonly #resendAtMs: number[];

  constructor(shared: Shared, persistence: Persistence, sync: Sync) {
    this.#shared = shared;
    this.#persistence = persistence;
    this.#sync = sync;
    this.#resendAtMs = shared.committee.members.map(() => 0);
  }

  /** A new link has carried nothing yet. */
  linkUp(peer: number): void {
    this.#resendAtMs[peer] = 0;
    // First: who hears that it may sign knows by then whether its clock is the odd one (R12a).
    this.tellClock([peer], true);
    this.tell([peer], true);
  }

  tell(to: readonly number[], ask: boolean): void {
    const { dag, orderer, out, peers } = this.#shared;
    const lastOwnRound = this.#persistence.durableRound;
    const commitIndex = orderer.lastCommit?.index ?? 0;
    const highestRound = dag.highestRound;
    for (const peer of to) {
      const yourRound = peers.signedRound(peer);
      const status = { lastOwnRound, highestRound, commitIndex, yourRound, ask };
      out.send([peer], { kind: 'status', ...status });
    }
  }

  /** R12a. */
  tellClock(to: readonly number[], ask: boolean): void {
    const { out, clock } = this.#shared;
    out.send(to, { kind: 'clock', ms: clock.freeMs, ask });
  }

  told(peer: number, { lastOwnRound, highestRound, ask }: Status): void {
    const { peers } = this.#shared;
    peers.heardRound(peer, Math.max(lastOwnRound, highestRound));
    if (ask) this.tell([peer], false);
    // Being in the same round does not mean having the own blocks of it.
    if (this.#mayResend(peer)) this.#resend([peer], highestRound - 1);
    this.#sync.nudge(peer, highestRound);
  }

  /** Nothing moves: perhaps something was lost on the way (R22, broadcast on advance). */
  shout(): void {
    const { up } = this.#shared.peers;
    this.#resend(up, this.#persistence.durableRound);
    this.tell(up, true);
  }

  /** A few bytes ask for megabytes: not more often than an honest peer has reason to. */
  #mayResend(peer: number): boolean {
    const { nowMs, tuning } = this.#shared;
    if (nowMs < (this.#resendAtMs[peer] ?? 0)) return false;
    this.#resendAtMs[peer] = nowMs + tuning.fetchRetryMs;
    return true;
  }

  #resend(to: readonly number[], fromRound: number): void {
    const { dag, out, me } = this.#shared;
    const last = this.#persistence.durableRound;
    const first = Math.max(1, fromRound, last - RESEND_ROUNDS + 1);
    for (let round = first; round <= last; round++) {
      const ref = dag.primary(me, round)?.ref;
      const own = ref && dag.whole(ref);
      if (own) out.send(to, { kind: 'push', block: own.bytes });
    }
  }
}
