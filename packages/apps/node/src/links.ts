// Keeps links to the other members up.
import { equalBytes, toHex } from '@fatty/codec';
import { CLOSE, type Failure, type LinkHandler, type PublicKey } from '@fatty/interface';
import {
  admitOnly,
  type Dialer,
  type DialState,
  dial,
  dials,
  isPlainBeyond,
  type LinkIdentity,
  readAuthorities,
  whyNotLinked,
} from '@fatty/network';
import type { Hint } from '@fatty/protocol';
import type { NodeConfig } from './config.ts';

/** Longest wait between two tries, ms: a cell is small, and a replica without links lags behind. */
const REDIAL_MS_MAX = 1_000;
/** A member takes one link of each key. */
const TAKEN = 'somebody has linked with our key after us; does a copy of this folder run?';
/** Ticks until we dial a member that would have to dial us: it may not know where we are. */
const PATIENCE_TICKS = 5;

/** A member that we dial has no link, or has one again (`why` undefined). */
export type PeerNews = (peer: PublicKey, url: string, why: string | undefined) => void;

/** Settings that dialling needs. */
export type DialConfig = Pick<NodeConfig, 'tlsCa' | 'tlsCert' | 'insecure'>;

/** A member and where it is. */
interface Contact {
  readonly key: PublicKey;
  url: string;
  dialer: Dialer | undefined;
  ticksUnlinked: number;
  /** Why there is no link, while we dial. */
  why: string | undefined;
}

/** Authorities (PEM) of the peers' certificates, and the file they are from. */
interface Authorities {
  readonly file: string;
  readonly pem: string;
}

/**
 * Keeps one link to every other member: of each pair the smaller key dials. When it does not, because
 * it does not know where we are, we dial it, until it finds us.
 */
export class PeerDialers {
  readonly #identity: LinkIdentity;
  readonly #handler: LinkHandler;
  readonly #onNews: PeerNews;
  /** Whether nobody dials us. */
  readonly #dialsAll: () => boolean;
  readonly #contacts = new Map<string, Contact>();
  #config: DialConfig;
  #authorities: Authorities | undefined;
  #closed = false;

  /**
   * `onNews` is told once per peer and change. `dialsAll`: whether nobody dials us, for we are no member.
   * @throws Error when the file of authorities is of no use
   */
  constructor(
    identity: LinkIdentity,
    handler: LinkHandler,
    config: DialConfig,
    onNews: PeerNews,
    dialsAll: () => boolean = () => false,
  ) {
    this.#dialsAll = dialsAll;
    this.#identity = identity;
    this.#handler = handler;
    this.#config = config;
    this.#onNews = onNews;
    this.#authorities = authoritiesOf(config);
  }

  /** The file of authorities again, for links to come. @throws Error when it is of no use: the old one stands */
  reload(config: DialConfig): void {
    this.#authorities = authoritiesOf(config);
    this.#config = config;
  }

  /**
   * Where members are; who has moved is tried there next, and a link that is up stays. Who is not among
   * `members` is dialled no more.
   */
  update(members: readonly Pick<Hint, 'key' | 'peer'>[]): void {
    const own = this.#identity.signer.publicKey;
    const names = new Set(members.map(({ key }) => toHex(key)));
    for (const [name, { dialer }] of this.#contacts) {
      if (names.has(name)) continue;
      this.#contacts.delete(name);
      dialer?.close();
    }
    for (const { key, peer } of members) {
      if (peer === '' || equalBytes(key, own)) continue;
      const contact = this.#contactOf(key);
      contact.url = this.#secured(peer);
      if (this.#dialsAll() || dials(own, key)) this.#dial(contact);
    }
  }

  /** Once a second, with who is linked by whomever. */
  tick(linked: readonly PublicKey[]): void {
    for (const contact of this.#contacts.values()) {
      const isLinked = linked.some((key) => equalBytes(key, contact.key));
      contact.ticksUnlinked = isLinked ? 0 : contact.ticksUnlinked + 1;
      if (contact.ticksUnlinked >= PATIENCE_TICKS) this.#dial(contact);
    }
  }

  /** A member that is to dial us has done so. */
  leaveTo(peer: PublicKey): void {
    const contact = this.#contacts.get(toHex(peer));
    if (contact?.dialer === undefined || dials(this.#identity.signer.publicKey, peer)) return;
    contact.dialer.close();
    contact.dialer = undefined;
    contact.why = undefined;
  }

  /** Members that we dial and have no link to, with the reason. */
  get unlinked(): readonly { readonly peer: PublicKey; readonly why: string }[] {
    return [...this.#contacts.values()].flatMap(({ key, why }) =>
      why === undefined ? [] : [{ peer: key, why }],
    );
  }

  close(): void {
    this.#closed = true;
    for (const { dialer } of this.#contacts.values()) dialer?.close();
    this.#contacts.clear();
  }

  #contactOf(key: PublicKey): Contact {
    const known = this.#contacts.get(toHex(key));
    if (known !== undefined) return known;
    const made: Contact = { key, url: '', dialer: undefined, ticksUnlinked: 0, why: undefined };
    this.#contacts.set(toHex(key), made);
    return made;
  }

  /**
   * A replica with a certificate dials nobody by plain ws: the address may be older than the
   * member's certificate.
   */
  #secured(url: string): string {
    const { insecure, tlsCert } = this.#config;
    if (insecure || tlsCert === '' || !isPlainBeyond(url)) return url;
    return url.replace(/^ws:/, 'wss:');
  }

  #dial(contact: Contact): void {
    if (contact.dialer !== undefined || this.#closed) return;
    contact.dialer = dial({
      url: contact.url,
      urlOfTry: () => contact.url,
      identity: { ...this.#identity, admit: admitOnly([contact.key]) },
      handler: this.#handler,
      backoff: { capMs: REDIAL_MS_MAX },
      insecure: this.#config.insecure,
      ca: () => this.#authorities?.pem,
      onState: (state, failure) => this.#see(contact, state, failure),
    });
  }

  #see(contact: Contact, state: DialState, failure: Failure | undefined): void {
    // While it dials again, the last reason stays. A dialer that we have closed has no news.
    if (state.kind !== 'up' && state.kind !== 'waiting') return;
    const why = state.kind === 'up' ? undefined : this.#whyOf(state, failure);
    if (contact.why === why) return;
    contact.why = why;
    this.#onNews(contact.key, contact.dialer?.url ?? contact.url, why);
  }

  #whyOf(state: Extract<DialState, { kind: 'waiting' }>, failure: Failure | undefined): string {
    const why = whyNotLinked(state, failure);
    if (state.code === CLOSE.conflict && failure === undefined) return `${why}: ${TAKEN}`;
    if (failure?.code !== 'tls_failed') return why;
    return `${why} (authorities: ${this.#authorities?.file ?? 'the system’s'})`;
  }
}

function authoritiesOf({ tlsCa, tlsCert }: DialConfig): Authorities | undefined {
  const file = tlsCa === '' ? tlsCert : tlsCa;
  return file === '' ? undefined : { file, pem: readAuthorities(file) };
}
