// Which members count at the moment, and whether any of them does (R32d).
import type { GatewayMessage } from '@fatty/api';
import type { Committee } from '@fatty/protocol';
import type { Epochs, EpochsTell } from './epochs.ts';
import type { Links } from './links.ts';
import type { Members } from './members.ts';
import type { Shared } from './shared.ts';
import { Sleep } from './sleep.ts';
import type { ClientEffect } from './types.ts';

/** Makes the part that follows the chain. */
export type MakeEpochs = (shared: Shared, tell: EpochsTell) => Epochs;

/** What following needs of its core. */
export interface FollowingPort {
  readonly links: Links;
  readonly state: { readonly nowMs: number };
  emit(effect: Extract<ClientEffect, { kind: 'epoch' | 'epochs' }>): void;
  /** What has been said so far counts no more: everything is asked anew. */
  countAnew(): void;
}

/**
 * The members of the epoch that the client knows to be the newest. The chain itself is a part of its own that most
 * pages never load: a cell changes its members seldom.
 */
export class Following {
  readonly #members: Members;
  readonly #port: FollowingPort;
  readonly #sleep: Sleep;
  #epochs: Epochs | undefined;
  #isWanted = false;

  /** `sleepMsMax`: for so long what members say counts although nothing was believed. */
  constructor(members: Members, sleepMsMax: number, port: FollowingPort) {
    this.#members = members;
    this.#port = port;
    this.#sleep = new Sleep(sleepMsMax);
  }

  get nextAtMs(): number {
    return this.#epochs?.nextAtMs ?? Number.POSITIVE_INFINITY;
  }

  attach(make: MakeEpochs, shared: Shared): void {
    const { countAnew, emit, links, state } = this.#port;
    this.#epochs ??= make(shared, {
      moved: (committee, chain) => {
        this.#members.move(committee);
        links.moved();
        emit({ kind: 'epoch', committee, links: chain });
        countAnew();
      },
      confirmed: () => {
        this.#sleep.ends(state.nowMs);
        countAnew();
      },
    });
  }

  /** The part that was asked for is there. */
  begin(): void {
    if (this.#sleep.isDeep) this.#epochs?.confirm();
    else this.#epochs?.begin();
  }

  /** Before anything is counted: whether the epoch is still the newest may have to be found out. */
  look(atMs: number): void {
    if (!this.#sleep.falls(atMs)) return;
    if (this.#epochs === undefined) this.#want();
    else this.#epochs.confirm();
  }

  believed(atMs: number): void {
    this.#sleep.believed(atMs);
  }

  tick(): void {
    this.#epochs?.tick();
  }

  /** Whoever is no member may still know the way. */
  linkUp(replica: number): void {
    if (this.#epochs !== undefined) this.#epochs.linkUp(replica);
    else if (!this.#members.isMember(replica)) this.#want();
  }

  linkDown(replica: number): void {
    this.#epochs?.linkDown(replica);
  }

  hear(replica: number, message: Extract<GatewayMessage, { kind: 'links' }>): void {
    if (this.#epochs !== undefined) this.#epochs.hear(replica, message);
    else if (message.epoch > this.#epoch) this.#want();
  }

  /** Only members count, and only while the client knows that they are. */
  mayCount(replica: number): boolean {
    return this.#members.isMember(replica) && !this.#sleep.isDeep;
  }

  get #epoch(): Committee['epoch'] {
    return this.#members.committee.epoch;
  }

  #want(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#port.emit({ kind: 'epochs' });
  }
}
