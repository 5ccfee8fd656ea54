// A replica whose epoch is over, and which cannot see how it ended.
import { type Committee, type EpochLink, faultsMax } from '@fatty/protocol';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Frontier } from '../cell/frontier.ts';

/** What Overtaken needs of its replica. */
export interface OvertakenPort {
  readonly chain: { readonly ends: readonly EpochLink[] };
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly frames: { readonly mayAdopt: boolean };
  readonly frontier: Pick<Frontier, 'completeRound'>;
  readonly orderer: { readonly hasEnded: boolean };
  readonly out: Outbox;
  readonly sync: { readonly isPaused: boolean };
  readonly timers: Timers;
  readonly tuning: Pick<Tuning, 'frameLagRounds' | 'frameStallMs'>;
}

/**
 * R31.7: q members of the own epoch have signed that it is over. While it is the last one that is, and near, and moves,
 * its blocks are asked for. Else the core ends: what is opened next knows how far the chain leads, and follows.
 */
export class Overtaken {
  readonly #port: OvertakenPort;
  #movedRound = -1;
  #movedMs = 0;
  #isLeft = false;

  constructor(port: OvertakenPort) {
    this.#port = port;
  }

  /** After every event. */
  tend(): void {
    const { chain, frames, orderer, out, sync } = this.#port;
    const [end, next] = chain.ends;
    if (end === undefined || this.#isLeft) return;
    // The own last frame is on its way to the disk, or what goes there waits for room.
    if (orderer.hasEnded || sync.isPaused || !frames.mayAdopt) return;
    if (next === undefined && !this.#isFar(end) && !this.#isStuck()) return;
    this.#isLeft = true;
    out.push({ kind: 'reopen' });
  }

  /** As in one epoch (R29). */
  #isFar({ frame }: EpochLink): boolean {
    const { committee, frontier, tuning } = this.#port;
    const rounds = frame.authors.map(({ round }) => round).sort((a, b) => b - a);
    const top = rounds[faultsMax(committee)] ?? 0;
    return top > frontier.completeRound + tuning.frameLagRounds;
  }

  #isStuck(): boolean {
    const { clock, frontier, timers, tuning } = this.#port;
    const nowMs = clock.runningMs;
    if (frontier.completeRound > this.#movedRound) {
      this.#movedRound = frontier.completeRound;
      this.#movedMs = nowMs;
    }
    const dueMs = this.#movedMs + tuning.frameStallMs;
    if (nowMs < dueMs) timers.want('fetchRetry', dueMs);
    return nowMs >= dueMs;
  }
}
