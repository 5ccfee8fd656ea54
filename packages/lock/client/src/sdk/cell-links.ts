// The links to the replicas of one cell, each dialled for as long as the client lives.

import { equalBytes, type SignatureScheme, type Signer } from '@fatty/codec';
import type { ClientEvent } from '@fatty/core';
import type { Link, Priority } from '@fatty/interface';
import {
  admitOnly,
  type Dialer,
  type DialOptions,
  isFinal,
  whyNotLinked,
} from '@fatty/network/client';
import { type Cell, contactsOf } from '@fatty/protocol';

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

/** The links to all replicas of one cell: each dialled again and again, and where it has moved to. */
export class CellLinks {
  readonly #config: LinksConfig;
  readonly #tell: (event: Happening) => void;
  readonly #dialers = new Map<number, Dialer>();
  readonly #links = new Map<number, Link>();
  readonly #over = new AbortController();
  #refreshing = false;

  /** `tell` hears of every link that stands or ends, and of every message. */
  constructor(config: LinksConfig, tell: (event: Happening) => void) {
    this.#config = config;
    this.#tell = tell;
  }

  /** Dials every replica whose address is known. */
  dialAll(): void {
    const { cell } = this.#config;
    for (const { client, key } of contactsOf(cell)) {
      const replica = this.#replicaOf(key);
      if (replica >= 0 && client !== '') this.#dial(replica, client);
    }
  }

  /** What has no link is not sent: the core resends what matters. */
  send(replica: number, bytes: Uint8Array, priority: Priority): void {
    this.#links.get(replica)?.send(bytes, priority);
  }

  /** Hangs up for good; nothing more is told of how the links end. */
  close(): void {
    this.#over.abort();
    for (const dialer of this.#dialers.values()) dialer.close();
  }

  get #ended(): boolean {
    return this.#over.signal.aborted;
  }

  #replicaOf(key: Uint8Array): number {
    return this.#config.cell.committee.members.findIndex((member) => equalBytes(member, key));
  }

  #dial(replica: number, url: string): void {
    const { cell, signer, scheme, dial, insecure = false } = this.#config;
    const key = cell.committee.members[replica];
    if (key === undefined) return;
    const capMs = Math.ceil(cell.committee.params.leaseMs / TRIES_PER_LEASE);
    const dialer = dial({
      url,
      insecure,
      backoff: { capMs },
      identity: {
        cellId: cell.cellId,
        epoch: () => cell.committee.epoch,
        role: 'client',
        signer,
        scheme,
        admit: admitOnly([key]),
      },
      handler: {
        up: (link) => {
          this.#links.set(replica, link);
          this.#tell({ kind: 'linkUp', replica });
        },
        message: (_, bytes) => {
          this.#tell({ kind: 'message', replica, bytes });
        },
        down: (_, code, reason) =>
          this.#down(replica, isFinal(code), reason || `closed with ${code}`),
      },
      onState: (state, failure) => {
        if (state.kind !== 'waiting' && state.kind !== 'stopped') return;
        const refused = state.kind === 'waiting' && state.refused;
        this.#down(replica, refused, whyNotLinked(state, failure));
        this.#refresh();
      },
    });
    this.#dialers.set(replica, dialer);
  }

  #down(replica: number, refused: boolean, why: string): void {
    this.#links.delete(replica);
    if (!this.#ended) this.#tell({ kind: 'linkDown', replica, refused, why });
  }

  /** Looks whether a replica has moved; one look at a time. */
  #refresh(): void {
    const { refresh } = this.#config;
    if (refresh === undefined || this.#refreshing || this.#ended) return;
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
    if (this.#ended || !equalBytes(cell.cellId, this.#config.cell.cellId)) return;
    for (const { client, key } of cell.addresses) {
      const replica = this.#replicaOf(key);
      const dialer = this.#dialers.get(replica);
      // Whoever is linked is where we think: a stale or withheld address costs no link.
      if (replica < 0 || client === '' || this.#links.has(replica)) continue;
      if (dialer?.url === client) continue;
      dialer?.close();
      this.#dial(replica, client);
    }
  }
}
