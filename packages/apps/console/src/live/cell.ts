// The page as a client of the cell: linked to every replica, believing more than f of them.
import type { Answer, Query } from '@fatty/api';
import { Driver, readOne, Watch } from '@fatty/client/driver';
import { ed25519, toHex } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { type Dialer, type DialOptions, dialClient, whyNotLinked } from '@fatty/network/client';
import { type Cell, newestAddresses, parseCell, type SignedAddresses } from '@fatty/protocol';
import type { Believed } from '../model/believed.ts';
import { isElsewhere, type LinkSeen } from '../model/replicas.ts';

/** How long an answer is waited for, ms. */
const ANSWER_MS_MAX = 8_000;
/** Whoever has not said how it is by then is silent, ms. */
const WORD_MS_MAX = 2_500;

/** The answers of a kind. */
export type AnswerOf<K extends Answer['kind']> = Extract<Answer, { kind: K }>;

/** Links to all members, and what may be asked over them. Opens no session: it only reads. */
export class LinkedCell {
  readonly cell: Cell;
  readonly #driver: Driver;
  readonly #links = new Map<string, LinkSeen>();
  readonly #changed: () => void;
  /** The newest that are known. */
  #addresses: readonly SignedAddresses[];

  /** `changed` is called when a link has become another. */
  constructor(cell: Cell, changed: () => void) {
    this.cell = cell;
    this.#changed = changed;
    this.#addresses = cell.addresses;
    const scheme = ed25519();
    this.#driver = new Driver({
      cell,
      scheme,
      signer: scheme.signer(crypto.getRandomValues(new Uint8Array(32))),
      dial: (options) => this.#dial(options),
      refresh: () => this.#refresh(),
    });
  }

  /** Keys of the members of now, hex, in order. */
  get members(): readonly string[] {
    return this.#driver.committee.members.map(toHex);
  }

  get epoch(): number {
    return this.#driver.committee.epoch;
  }

  /** Where clients reach a member; empty: nobody has said. */
  clientOf(member: string): string {
    return addressIn(this.#addresses, member);
  }

  /**
   * Somebody is where nobody was when the page was loaded: its policy does not let it go there, and the page has
   * to be loaded again.
   */
  get hasMoved(): boolean {
    return this.members.some((member) =>
      isElsewhere(addressIn(this.cell.addresses, member), this.clientOf(member)),
    );
  }

  async #refresh(): Promise<Cell> {
    const found = await readCell();
    if (found.ok) this.#addresses = newestAddresses(this.#addresses, found.value.addresses);
    return { ...this.cell, addresses: this.#addresses };
  }

  linkOf(member: string): LinkSeen {
    return this.#links.get(member) ?? { kind: 'dialling' };
  }

  /** What more than f replicas say alike. @throws FattyError */
  async ask<K extends Answer['kind']>(query: Query, kind: K): Promise<Believed<AnswerOf<K>>> {
    const whose = { level: 'committed', replica: undefined } as const;
    return readOne(this.#driver, query, kind, whose, { timeoutMs: ANSWER_MS_MAX });
  }

  /** What one replica says; nobody vouches for it. Undefined: it does not answer in time. */
  async askOne<K extends Answer['kind']>(
    member: string,
    query: Query,
    kind: K,
  ): Promise<AnswerOf<K> | undefined> {
    const key = this.#driver.committee.members.find((one) => toHex(one) === member);
    const replica = key === undefined ? -1 : this.#driver.core.members.replicaOf(key);
    if (replica < 0 || this.linkOf(member).kind !== 'up') return undefined;
    const whose = { level: 'committed', replica } as const;
    const asked = readOne(this.#driver, query, kind, whose, { timeoutMs: WORD_MS_MAX });
    return asked.then(
      ({ value }) => value,
      () => undefined,
    );
  }

  /** Everything that happens in the cell from now on; more than f replicas say so. */
  watch(): Watch {
    return new Watch(this.#driver, '/', { recursive: true });
  }

  #dial(options: DialOptions): Dialer {
    const { handler, onState, url } = options;
    return dialClient({
      ...options,
      webSocket: WebSocket,
      handler: {
        ...handler,
        up: (link) => {
          this.#become(toHex(link.peer), { kind: 'up' });
          handler.up(link);
        },
      },
      onState: (state, failure) => {
        onState?.(state, failure);
        if (state.kind !== 'waiting' && state.kind !== 'stopped') return;
        const member = this.#memberAt(url);
        if (member === undefined) return;
        this.#become(member, { kind: 'down', why: whyNotLinked(state, failure) });
      },
    });
  }

  #memberAt(url: string): string | undefined {
    const at = this.#addresses.find(({ client }) => client === url);
    return at && toHex(at.key);
  }

  #become(member: string, link: LinkSeen): void {
    this.#links.set(member, link);
    this.#changed();
  }
}

function addressIn(addresses: readonly SignedAddresses[], member: string): string {
  return addresses.find(({ key }) => toHex(key) === member)?.client ?? '';
}

/** cell.json as the replica that serves the page has it now. Codes of `parseCell`, and `unreachable`. */
export async function readCell(): Promise<Outcome<Cell>> {
  try {
    const answer = await fetch('cell.json', { cache: 'no-store' });
    return parseCell(await answer.text(), ed25519());
  } catch (error) {
    const failure = { code: 'unreachable', expected: 'cell.json', actual: String(error) };
    return { ok: false, failure };
  }
}
