import { readFileSync } from 'node:fs';
import type { Cell, SignedAddresses } from '@fatty/api';
import { toHex } from '@fatty/codec';
import type { Failure, LinkHandler, PublicKey } from '@fatty/interface';
import {
  admitOnly,
  type Dialer,
  type DialState,
  dial,
  dials,
  type LinkIdentity,
  whyNotLinked,
} from '@fatty/network';
import type { NodeConfig } from './config.ts';

/** Longest wait between two tries, ms: a cell is small, and a replica without links lags behind. */
const REDIAL_MS_MAX = 1_000;

/** A member that we dial has no link, or has one again (`why` undefined). */
export type PeerNews = (peer: PublicKey, url: string, why: string | undefined) => void;

interface Dialled {
  readonly url: string;
  readonly dialer: Dialer;
}

/** Keeps one link to every other member: of each pair the smaller key dials. */
export class PeerDialers {
  readonly #identity: LinkIdentity;
  readonly #handler: LinkHandler;
  /** Authorities (PEM) of the peers' certificates. */
  readonly #ca: { readonly ca?: string };
  readonly #insecure: boolean;
  readonly #onNews: PeerNews;
  readonly #dialers = new Map<string, Dialled>();
  /** Why a member that we dial is not linked. */
  readonly #whys = new Map<string, { readonly peer: PublicKey; readonly why: string }>();

  /**
   * `onNews` is told once per peer and change.
   * @throws Error when the file of authorities cannot be read
   */
  constructor(
    identity: LinkIdentity,
    handler: LinkHandler,
    { tlsCa, tlsCert, insecure }: Pick<NodeConfig, 'tlsCa' | 'tlsCert' | 'insecure'>,
    onNews: PeerNews,
  ) {
    this.#identity = identity;
    this.#handler = handler;
    this.#onNews = onNews;
    const file = tlsCa === '' ? tlsCert : tlsCa;
    this.#insecure = insecure;
    this.#ca = file === '' ? {} : { ca: readFileSync(file, 'utf8') };
  }

  /** Dials whoever is ours to dial; a member whose address has changed is dialled anew. */
  update(cell: Cell): void {
    const own = this.#identity.signer.publicKey;
    for (const at of cell.addresses) {
      if (at.peer !== '' && toHex(at.key) !== toHex(own) && dials(own, at.key)) this.#dial(at);
    }
  }

  /** Members that we dial and have no link to, with the reason; in the order in which they were lost. */
  get unlinked(): readonly { readonly peer: PublicKey; readonly why: string }[] {
    return [...this.#whys.values()];
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
    const dialer = dial({
      url: at.peer,
      identity,
      handler: this.#handler,
      backoff,
      ...this.#ca,
      insecure: this.#insecure,
      onState: (state, failure) => this.#see(at, state, failure),
    });
    this.#dialers.set(name, { url: at.peer, dialer });
  }

  #see({ key, peer }: SignedAddresses, state: DialState, failure: Failure | undefined): void {
    // While it dials again the last reason stands; a dialer that we closed says nothing new.
    if (state.kind !== 'up' && state.kind !== 'waiting') return;
    const why = state.kind === 'up' ? undefined : whyNotLinked(state, failure);
    const name = toHex(key);
    if (this.#whys.get(name)?.why === why) return;
    if (why === undefined) this.#whys.delete(name);
    else this.#whys.set(name, { peer: key as PublicKey, why });
    this.#onNews(key as PublicKey, peer, why);
  }
}
