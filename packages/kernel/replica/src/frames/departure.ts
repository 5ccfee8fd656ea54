// How a replica goes over from one epoch to the next.
import { equalBytes } from '@fatty/codec';
import type { Cert, Committee, Frame } from '@fatty/protocol';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';

/** What Departure needs of its replica. */
export interface DeparturePort {
  readonly clock: OwnClock;
  readonly committee: Committee;
  readonly me: number;
  readonly out: Outbox;
  readonly peers: { readonly up: readonly number[] };
  readonly timers: Timers;
  readonly tuning: Pick<Tuning, 'fetchRetryMs' | 'lingerMs'>;
}

/**
 * R31.5: whose final frame is on disk is opened anew. Who is no member of the next epoch stays for `lingerMs`
 * first, and tells the certificate meanwhile: its own vote may be what made it, the others may lack that vote,
 * and once they are members of different epochs it has no links to them.
 */
export class Departure {
  readonly #port: DeparturePort;
  #going: { readonly cert: Cert; readonly atMs: number } | undefined;
  #tellAgainMs = 0;

  constructor(port: DeparturePort) {
    this.#port = port;
  }

  /** The final frame is on disk. */
  from({ end }: Frame, cert: Cert): void {
    const { clock, committee, me, out, tuning } = this.#port;
    const own = committee.members[me];
    const stays = end?.next.members.some((key) => own && equalBytes(key, own));
    if (stays !== false) return out.push({ kind: 'reopen' });
    this.#going = { cert, atMs: clock.runningMs + tuning.lingerMs };
    this.tend();
  }

  /** After every event. */
  tend(): void {
    if (this.#going === undefined) return;
    const { clock, out, peers, timers, tuning } = this.#port;
    const { atMs, cert } = this.#going;
    const nowMs = clock.runningMs;
    if (nowMs >= atMs) {
      this.#going = undefined;
      return out.push({ kind: 'reopen' });
    }
    if (nowMs >= this.#tellAgainMs) {
      out.send(peers.up, { kind: 'cert', cert });
      this.#tellAgainMs = nowMs + tuning.fetchRetryMs;
    }
    timers.want('fetchRetry', Math.min(this.#tellAgainMs, atMs));
  }
}
