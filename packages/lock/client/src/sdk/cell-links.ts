// The links to the replicas of one cell, each dialled for as long as the client lives.

import { equalBytes, type SignatureScheme, type Signer } from '@fatty/codec';
import type { ClientEvent } from '@fatty/core';
import type { Link, Priority, PublicKey } from '@fatty/interface';
import {
  admitOnly,
  type Dialer,
  type DialOptions,
  isFinal,
  whyNotLinked,
} from '@fatty/network/client';
import {
  type Cell,
  type Committee,
  contactsOf,
  newestAddresses,
  type SignedAddresses,
} from '@fatty/protocol';

import type { Moving } from './moving.ts';

/** How a link is dialled: `dialClient` with a WebSocket class, or Node's `dial`. */
export type Dial = (options: DialOptions) => Dialer;

/** Whom to link to, as whom, and how. */
export interface LinksConfig {
  readonly cell: Cell;
  readonly signer: Signer;
  readonly scheme: SignatureScheme;
  readonly dial: Dial;
  /**
   * Take plain `ws` beyond loopback too. Whoever is on the path can then forge what f + 1 replicas say.
   * Default: false.
   */
  readonly insecure?: boolean;
  /** The cell again, when a replica cannot be reached where it was: addresses change. */
  readonly refresh?: (signal: AbortSignal) => Promise<Cell>;
}

type Untimed<E> = E extends { readonly atMs: number } ? Omit<E, 'atMs'> : never;
/** An event before the driver has said when it is. */
export type Happening = Untimed<ClientEvent>;

/** A session outlives a lost link only if several tries to come back fit into its lease. */
const TRIES_PER_LEASE = 6;
/** Who is no member and is dialled all the same, at most: anybody can sign addresses. */
const GUIDES_MAX = 16;

/** What links need of the driver. */
export interface LinksOwner {
  /** Hears of every link that stands or ends, and of every message. */
  tell(event: Happening): void;
  /** The core's number of whoever has this key. */
  numberOf(key: PublicKey): number;
  after(delayMs: number, act: () => void): unknown;
}

/**
 * The links to all replicas of one cell: each dialled again and again, and where it has moved to. Besides the members,
 * those are dialled that were in the cell once, or are by now: they know the way to the members of today.
 */
export class CellLinks {
  readonly #config: LinksConfig;
  /** Whose key the links are made with. */
  signer: Signer;
  readonly owner: LinksOwner;
  readonly #dialers = new Map<number, Dialer>();
  readonly #links = new Map<number, Link>();
  /** How each is dialled where it is now: what an earlier dialler tells does not count. */
  readonly #again = new Map<number, () => void>();
  readonly #over = new AbortController();
  /** Of now. */
  #committee: Committee;
  /** The newest of everybody that are known. */
  addresses: readonly SignedAddresses[];
  #refreshing = false;
  #moving: Moving | undefined;

  constructor(config: LinksConfig, owner: LinksOwner) {
    this.#config = config;
    this.signer = config.signer;
    this.owner = owner;
    this.#committee = config.cell.committee;
    this.addresses = config.cell.addresses;
  }

  /** Dials every replica whose address is known, and some that may know the way. */
  dialAll(): void {
    let guides = 0;
    for (const { client, key } of contactsOf(this.#config.cell)) {
      if (client === '' || (!this.#isMember(key) && guides++ >= GUIDES_MAX)) continue;
      this.dial(this.owner.numberOf(key), key, client);
    }
  }

  /** What has no link is not sent: the core resends what matters. */
  send(replica: number, bytes: Uint8Array, priority: Priority): void {
    this.#links.get(replica)?.send(bytes, priority);
  }

  /** Another epoch. `make`: of the module that is loaded for it. */
  moved(committee: Committee, make: (links: CellLinks) => Moving): void {
    this.#committee = committee;
    this.#moving ??= make(this);
    this.#moving.moved();
  }

  /** Of now. */
  get members(): readonly PublicKey[] {
    return this.#committee.members;
  }

  /** Numbers of whoever is dialled. */
  get dialled(): readonly number[] {
    return [...this.#dialers.keys()];
  }

  isLinked(replica: number): boolean {
    return this.#links.has(replica);
  }

  /** Every link anew, under another key. */
  redial(signer: Signer): void {
    this.signer = signer;
    for (const [replica, dialer] of Array.from(this.#dialers)) {
      const again = this.#again.get(replica);
      this.#again.delete(replica);
      dialer.close();
      this.#down(replica, false, 'another key');
      again?.();
    }
  }

  hangUp(replica: number): void {
    this.#dialers.get(replica)?.close();
    this.#dialers.delete(replica);
    this.#down(replica, false, 'no member');
  }

  #isMember(key: PublicKey): boolean {
    return this.#committee.members.some((member) => equalBytes(member, key));
  }

  /** Hangs up for good; nothing more is told of how the links end. */
  close(): void {
    this.#over.abort();
    for (const dialer of this.#dialers.values()) dialer.close();
  }

  get hasEnded(): boolean {
    return this.#over.signal.aborted;
  }

  dial(replica: number, key: PublicKey, url: string): void {
    const { cell, scheme, dial, insecure = false } = this.#config;
    const { signer } = this;
    const again = (): void => this.dial(replica, key, url);
    this.#again.set(replica, again);
    const isNow = (): boolean => this.#again.get(replica) === again;
    const capMs = Math.ceil(cell.committee.params.leaseMs / TRIES_PER_LEASE);
    const dialer = dial({
      url,
      insecure,
      backoff: { capMs },
      identity: {
        cellId: cell.cellId,
        epoch: () => this.#committee.epoch,
        role: 'client',
        signer,
        scheme,
        admit: admitOnly([key]),
      },
      handler: {
        up: (link) => {
          this.#links.set(replica, link);
          this.owner.tell({ kind: 'linkUp', replica });
          this.#moving?.leaveOthers();
        },
        message: (_, bytes) => {
          this.owner.tell({ kind: 'message', replica, bytes });
        },
        down: (_, code, reason) => {
          if (isNow()) this.#down(replica, isFinal(code), reason || `closed with ${code}`);
        },
      },
      onState: (state, failure) => {
        if (!isNow() || (state.kind !== 'waiting' && state.kind !== 'stopped')) return;
        const refused = state.kind === 'waiting' && state.refused;
        this.#down(replica, refused, whyNotLinked(state, failure));
        this.refresh();
      },
    });
    this.#dialers.set(replica, dialer);
  }

  #down(replica: number, refused: boolean, why: string): void {
    this.#links.delete(replica);
    if (!this.hasEnded) this.owner.tell({ kind: 'linkDown', replica, refused, why });
  }

  /** Looks whether a replica has moved; one look at a time. */
  refresh(): void {
    const { refresh } = this.#config;
    if (refresh === undefined || this.#refreshing || this.hasEnded) return;
    this.#refreshing = true;
    Promise.resolve(this.#over.signal)
      .then(refresh)
      .then((cell) => this.#readdress(cell))
      .catch(() => undefined)
      .finally(() => {
        this.#refreshing = false;
      });
  }

  #readdress(cell: Cell): void {
    if (this.hasEnded || !equalBytes(cell.cellId, this.#config.cell.cellId)) return;
    this.addresses = newestAddresses(this.addresses, cell.addresses);
    for (const { client, key } of cell.addresses) {
      const replica = this.owner.numberOf(key);
      const dialer = this.#dialers.get(replica);
      // Whoever is linked is where we think: a stale or withheld address costs no link.
      if (client === '' || this.#links.has(replica) || dialer?.url === client) continue;
      // While nobody is linked, whoever may know the way is asked.
      if (dialer === undefined && this.#links.size > 0 && !this.#isMember(key)) continue;
      dialer?.close();
      this.dial(replica, key, client);
    }
  }
}
