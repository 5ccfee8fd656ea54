// Who is at the peer port of a replica, and what number its core has for them.
import { join } from 'node:path';
import {
  ACCEPT,
  equalBytes,
  ignore,
  reject,
  type SignatureScheme,
  type Signer,
  toHex,
} from '@fatty/codec';
import { type Driver, TokenBucket } from '@fatty/host';
import type { LinkHandler, PublicKey } from '@fatty/interface';
import { admitOnly, type LinkIdentity } from '@fatty/network';
import { type Cell, joinerOf, memberIndex, type SignedAddresses, writeCell } from '@fatty/protocol';
import type { NodeConfig } from './config.ts';
import type { Core } from './core.ts';
import { CLOCK } from './host-ports.ts';
import { Members } from './members.ts';
import type { Ports } from './ports.ts';
import type { Telemetry } from './telemetry.ts';

/** What peering is made of. */
export interface PeeringParts {
  /** With the genesis committee. */
  readonly cell: Cell;
  readonly config: NodeConfig;
  readonly core: Core;
  readonly driver: Driver;
  readonly scheme: SignatureScheme;
  readonly signer: Signer;
  readonly telemetry: Telemetry;
}

/** Guests at once (R31.9). */
const GUESTS_MAX = 16;
/** Messages of all guests that are heard: a frame comes in chunks of 256 KiB, each asked for by one. */
const GUEST_MESSAGES_PER_SEC_MAX = 512;

/**
 * Links to the members of the epoch that the core is of, and to guests: keys that members would let in. A core
 * knows guests by numbers below 0, members by their committee index.
 */
export class Peering {
  readonly #parts: PeeringParts;
  /** By key in hex. */
  readonly #guests = new Map<string, number>();
  readonly #guestBudget = new TokenBucket(GUEST_MESSAGES_PER_SEC_MAX, CLOCK.monotonicMs());
  readonly #members: Members;
  /** cell.json as clients may fetch it: with everybody's addresses of now. */
  #cellFile: string;

  /** @throws Error when the file of authorities cannot be read */
  constructor(parts: PeeringParts) {
    this.#parts = parts;
    this.#members = this.#makeMembers();
    this.#cellFile = writeCell(this.#members.cell);
  }

  /** With the committee and the addresses of now. */
  get cell(): Cell {
    return { ...this.#members.cell, committee: this.#parts.core.cell.committee };
  }

  get cellFile(): string {
    return this.#cellFile;
  }

  /** Why members that we dial are not linked, one text each. */
  get unlinked(): readonly string[] {
    return this.#members.unlinked
      .map(({ peer, why }) => `replica ${this.#indexOf(peer)}: ${why}`)
      .sort();
  }

  /** Opens the peer port; with what is listened on else, we can be reached from then on. */
  async open(
    ports: Ports,
    others: Pick<SignedAddresses, 'client' | 'http'>,
  ): Promise<SignedAddresses> {
    const listener = await ports.listen('peers', {
      port: this.#parts.config.peerPort,
      identity: this.#identity,
      handler: this.#handler('them'),
    });
    const own = this.#members.open({ ...others, peer: ports.published(listener) });
    this.#cellFile = writeCell(this.#members.cell);
    return own;
  }

  /** The core is of another epoch. */
  enter(): void {
    for (const name of this.#guests.keys()) {
      if (this.#parts.core.cell.committee.members.some((key) => toHex(key) === name))
        this.#guests.delete(name);
    }
    this.#members.enter(this.#parts.core.cell.committee.members);
  }

  /** The number of a key in the core of now; undefined: it has none. */
  readonly numberOf = (key: PublicKey): number | undefined => {
    const index = this.#indexOf(key);
    return index < 0 ? this.#guests.get(toHex(key)) : index;
  };

  /** cell.json and the authorities were read again. @throws Error when those cannot be read */
  update(cell: Cell, config: NodeConfig): void {
    this.#members.update(cell, config);
  }

  tick(): void {
    this.#members.tick();
  }

  close(): void {
    this.#members.close();
  }

  #makeMembers(): Members {
    const { cell, config, core, telemetry } = this.#parts;
    return new Members({
      cell,
      members: core.cell.committee.members,
      path: join(config.dir, 'addresses.json'),
      identity: this.#identity,
      config,
      clock: CLOCK,
      handler: this.#handler('us'),
      onNews: (peer, url, why) => telemetry.peerLink(this.#indexOf(peer), url, why),
      onMoved: (moved) => {
        this.#cellFile = writeCell(moved);
        telemetry.moved(moved.addresses.map(({ peer }) => peer));
      },
      onLonely: (lonely) => telemetry.lonely(lonely, [...this.unlinked, ...telemetry.turnedAway]),
    });
  }

  get #identity(): LinkIdentity {
    const { cell, core, scheme, signer } = this.#parts;
    return {
      cellId: cell.cellId,
      epoch: () => core.cell.committee.epoch,
      role: 'replica',
      signer,
      scheme,
      admit: (key, role) => this.#admit(key, role),
    };
  }

  #admit: LinkIdentity['admit'] = (key, role) => {
    const { core, signer } = this.#parts;
    if (equalBytes(key, signer.publicKey)) return reject('stranger', 'another key', toHex(key));
    const verdict = admitOnly(core.cell.committee.members)(key, role);
    if (verdict.kind === 'accept' || role !== 'replica' || !this.#isInvited(key)) return verdict;
    const hasRoom = this.#guests.has(toHex(key)) || this.#guests.size < GUESTS_MAX;
    return hasRoom ? ACCEPT : ignore('full', `${GUESTS_MAX} guests`, 'one more');
  };

  /** Some member would let it in. */
  #isInvited(key: PublicKey): boolean {
    return this.#parts.core.status.agenda.moved.some(({ change }) => {
      const joiner = joinerOf(change);
      return joiner !== undefined && equalBytes(joiner, key);
    });
  }

  /** A number for whoever is no member. */
  #seat(key: PublicKey): void {
    const name = toHex(key);
    if (this.#indexOf(key) >= 0 || this.#guests.has(name)) return;
    const taken = new Set(this.#guests.values());
    let free = -1;
    while (taken.has(free)) free -= 1;
    this.#guests.set(name, free);
  }

  /** False: it is a guest, and all of them have said enough for now. */
  #mayBeHeard(peer: number): boolean {
    return peer >= 0 || this.#guestBudget.take(1, CLOCK.monotonicMs()) === 0;
  }

  #indexOf(key: PublicKey): number {
    return memberIndex(this.#parts.core.cell.committee, key);
  }

  #handler(dialledBy: 'us' | 'them'): LinkHandler {
    const { driver } = this.#parts;
    return {
      up: (link) => {
        this.#seat(link.peer);
        const peer = this.numberOf(link.peer);
        if (peer !== undefined) driver.linkUp(peer, link);
        this.#members.linked(link, dialledBy);
      },
      message: (link, bytes) => {
        const peer = this.numberOf(link.peer);
        if (peer === undefined || !this.#mayBeHeard(peer)) return;
        if (this.#members.message(link, bytes)) return;
        driver.dispatch({ kind: 'message', peer, bytes });
      },
      down: (link) => {
        this.#members.unlink(link);
        const peer = this.numberOf(link.peer);
        if (peer !== undefined) driver.linkDown(peer, link);
        if (peer !== undefined && peer < 0 && !this.#members.isLinked(link.peer)) {
          this.#guests.delete(toHex(link.peer));
        }
      },
    };
  }
}
