// Offences of peers.
import type { Failure } from '@fatty/interface';
import type { Committee } from '@fatty/protocol';
import type { Outbox } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Peers } from '../cell/peers.ts';

interface Tally {
  /** First offence of those counted. */
  sinceMs: number;
  offences: number;
  mutedAtMs: number | undefined;
}

/** What Conduct needs of its replica. */
export interface ConductPort {
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly tuning: Tuning;
}

/**
 * Peers that send what no honest one does: bytes that do not decode, blocks that fail the part of
 * validity that is the same for everybody (R8–R11a), so that whoever passes them on has not looked.
 * Each costs a check; after `offencesMax` of them within `muteMs` the peer is not listened to for
 * `muteMs`. A link is authenticated, so only the liar itself can have its link muted.
 */
export class Conduct {
  readonly #port: ConductPort;
  readonly #tallies: readonly Tally[];

  constructor(port: ConductPort) {
    this.#port = port;
    this.#tallies = port.committee.members.map(() => ({
      sinceMs: 0,
      offences: 0,
      mutedAtMs: undefined,
    }));
  }

  /** Listens to the peer again when its time is over. */
  endMute(peer: number): void {
    const tally = this.#tallies[peer];
    if (tally?.mutedAtMs === undefined || this.#isRecent(tally.mutedAtMs)) return;
    tally.mutedAtMs = undefined;
    this.#port.peers.mute(peer, false);
  }

  offended(peer: number, flaw: Failure): void {
    const nowMs = this.#port.clock.runningMs;
    const { tuning, peers, out } = this.#port;
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
    return Math.abs(this.#port.clock.runningMs - atMs) < this.#port.tuning.muteMs;
  }
}
