import type { Failure } from '@fatty/interface';
import type { Shared } from '../context.ts';

interface Tally {
  /** First offence of those counted. */
  sinceMs: number;
  offences: number;
  mutedAtMs: number | undefined;
}

/**
 * Peers that send what no honest one does: bytes that do not decode, blocks that fail the part of
 * validity that is the same for everybody (R8–R11a), so that whoever passes them on has not looked.
 * Each costs a check; after `offencesMax` of them within `muteMs` the peer is not listened to for
 * `muteMs`. A link is authenticated, so only the liar itself can have its link muted.
 */
export class Conduct {
  readonly #shared: Shared;
  readonly #tallies: readonly Tally[];

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#tallies = shared.committee.members.map(() => ({
      sinceMs: 0,
      offences: 0,
      mutedAtMs: undefined,
    }));
  }

  isMuted(peer: number): boolean {
    const tally = this.#tallies[peer];
    if (tally?.mutedAtMs === undefined) return false;
    if (this.#isRecent(tally.mutedAtMs)) return true;
    tally.mutedAtMs = undefined;
    this.#shared.peers.mute(peer, false);
    return false;
  }

  offended(peer: number, flaw: Failure): void {
    const { nowMs, tuning, peers, out } = this.#shared;
    const tally = this.#tallies[peer];
    if (tally === undefined) return;
    if (!this.#isRecent(tally.sinceMs)) {
      tally.sinceMs = nowMs;
      tally.offences = 0;
    }
    tally.offences++;
    if (tally.offences < tuning.offencesMax) return;
    tally.offences = 0;
    tally.mutedAtMs = nowMs;
    peers.mute(peer, true);
    out.note({ what: 'peerMuted', peer, failure: flaw });
  }

  /** A clock that was set back makes nothing last longer. */
  #isRecent(atMs: number): boolean {
    return Math.abs(this.#shared.nowMs - atMs) < this.#shared.tuning.muteMs;
  }
}
