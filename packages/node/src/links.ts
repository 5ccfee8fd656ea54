import { readFileSync } from 'node:fs';
import type { Cell, SignedAddresses } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { LinkHandler, PublicKey } from '@fatty/interface';
import { admitOnly, type Dialer, dial, dials, type LinkIdentity } from '@fatty/network';
import type { NodeConfig } from './config.ts';

/** Longest wait between two tries, ms: a cell is small, and a replica without links lags behind. */
const REDIAL_MS_MAX = 1_000;

/** Keeps one link to every other member: of each pair the smaller key dials. */
export class PeerDialers {
  readonly #identity: LinkIdentity;
  readonly #handler: LinkHandler;
  /** Authorities (PEM) of the peers' certificates. */
  readonly #ca: { readonly ca?: string };
  readonly #dialers = new Map<string, { readonly url: string; readonly dialer: Dialer }>();

  /** @throws Error when the file of authorities cannot be read */
  constructor(identity: LinkIdentity, handler: LinkHandler, { tlsCa, tlsCert }: NodeConfig) {
    this.#identity = identity;
    this.#handler = handler;
    const file = tlsCa === '' ? tlsCert : tlsCa;
    this.#ca = file === '' ? {} : { ca: readFileSync(file, 'utf8') };
  }

  /** Dials whoever is ours to dial; a member whose address has changed is dialled anew. */
  update(cell: Cell): void {
    const own = this.#identity.signer.publicKey;
    for (const at of cell.addresses) {
      if (at.peer !== '' && toHex(at.key) !== toHex(own) && dials(own, at.key)) this.#dial(at);
    }
  }

  close(): void {
    for (const { dialer } of this.#dialers.values()) dialer.close();
    this.#dialers.clear();
  }

  #dial(at: SignedAddresses): void {
    const name = toHex(at.key);
    const old = this.#dialers.get(name);
    if (old?.url === at.peer) return;
    old?.dialer.close();
    const identity = { ...this.#identity, admit: admitOnly([at.key as PublicKey]) };
    const backoff = { capMs: REDIAL_MS_MAX };
    const dialer = dial({ url: at.peer, identity, handler: this.#handler, backoff, ...this.#ca });
    this.#dialers.set(name, { url: at.peer, dialer });
  }
}
