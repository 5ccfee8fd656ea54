// Where the members of a cell are.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { equalBytes, type SignatureScheme, type Signer, toHex } from '@fatty/codec';
import { TokenBucket } from '@fatty/host';
import type { Clock, PublicKey } from '@fatty/interface';
import {
  type Addresses,
  addressesFromJson,
  addressesToJson,
  type Cell,
  contactsOf,
  type Hint,
  isSigned,
  newestAddresses,
  type SignedAddresses,
  signAddresses,
} from '@fatty/protocol';

/** New words of one member that are taken per second: each is written, and passed on to all. */
const NEWS_PER_SEC_MAX = 4;

type Places = Omit<Addresses, 'key' | 'version'>;

/** What an address book is made of. */
export interface AddressBookParts {
  /** With the genesis committee. */
  readonly cell: Cell;
  /** Of now: nobody else's address counts. */
  readonly members: readonly PublicKey[];
  readonly path: string;
  readonly scheme: SignatureScheme;
  readonly signer: Signer;
  readonly clock: Clock;
}

/**
 * Where each member is, by its own signed word: the newest of what cell.json, the others and the last run
 * say. What is learned is kept in a file, so that a cell finds itself after everybody was down.
 */
export class AddressBook {
  readonly #path: string;
  readonly #scheme: SignatureScheme;
  readonly #signer: Signer;
  readonly #clock: Clock;
  readonly #budgets = new Map<string, TokenBucket>();
  #members: readonly PublicKey[];
  #cell: Cell;

  constructor({ cell, members, path, scheme, signer, clock }: AddressBookParts) {
    this.#path = path;
    this.#scheme = scheme;
    this.#signer = signer;
    this.#clock = clock;
    this.#members = members;
    const addresses = newestAddresses(cell.addresses, this.#load(cell));
    this.#cell = { ...cell, addresses: this.#ofMembers(addresses) };
  }

  /** With the newest addresses of everybody who is a member now. */
  get cell(): Cell {
    return this.#cell;
  }

  /** Where each member of now is, or may be. */
  get contacts(): readonly Hint[] {
    return contactsOf(this.#cell).filter(({ key }) => this.#isMember(key));
  }

  /** These are the members from now on; ours stays as well, for we may be one again. */
  enter(members: readonly PublicKey[]): void {
    this.#members = members;
    const addresses = this.#ofMembers(this.#cell.addresses);
    this.#cell = { ...this.#cell, addresses };
    this.#save();
  }

  /** Our own place from now on; signed anew only when it is another. */
  publish(places: Places): SignedAddresses {
    const known = this.#own();
    if (known !== undefined && isSame(known, places)) return known;
    const version = Math.max(this.#clock.nowMs(), (known?.version ?? 0) + 1);
    const own = signAddresses(this.#cell.cellId, this.#signer, { ...places, version });
    this.#put([own]);
    return own;
  }

  /** cell.json was read again. Answers whether anybody has moved. */
  update(cell: Cell): boolean {
    const before = this.#cell.addresses;
    if (cell.hints !== undefined) this.#cell = { ...this.#cell, hints: cell.hints };
    this.#put(this.#withoutOwn(this.#ofMembers(cell.addresses)));
    return this.#cell.addresses !== before;
  }

  /**
   * What another member passes on. Answers what of it is news: a member's own signature, newer than what is
   * known. What is old costs no signature check.
   */
  learn(records: readonly SignedAddresses[]): readonly SignedAddresses[] {
    const news = this.#withoutOwn(records).filter((one) => this.#isNews(one));
    this.#put(news);
    return news;
  }

  /**
   * Somebody has a newer address of ours than we know, from a run whose file is gone. So we sign
   * one with a higher version.
   */
  outbid(records: readonly SignedAddresses[]): SignedAddresses | undefined {
    const own = this.#own();
    const later = records.find(
      (one) => equalBytes(one.key, this.#signer.publicKey) && one.version > (own?.version ?? 0),
    );
    if (own === undefined || later === undefined || later.version >= Number.MAX_SAFE_INTEGER) {
      return undefined;
    }
    if (!isSigned(this.#cell.cellId, this.#scheme, later)) return undefined;
    const again = signAddresses(this.#cell.cellId, this.#signer, {
      ...own,
      version: later.version + 1,
    });
    this.#put([again]);
    return again;
  }

  #own(): SignedAddresses | undefined {
    return this.#cell.addresses.find((one) => equalBytes(one.key, this.#signer.publicKey));
  }

  #withoutOwn(records: readonly SignedAddresses[]): readonly SignedAddresses[] {
    return records.filter((one) => !equalBytes(one.key, this.#signer.publicKey));
  }

  #isNews(one: SignedAddresses): boolean {
    const { addresses, cellId } = this.#cell;
    if (!this.#isMember(one.key)) return false;
    const known = addresses.find((other) => equalBytes(other.key, one.key));
    if (known !== undefined && one.version <= known.version) return false;
    if (!isSigned(cellId, this.#scheme, one)) return false;
    return this.#budgetOf(one.key).take(1, this.#clock.monotonicMs()) === 0;
  }

  #budgetOf(key: PublicKey): TokenBucket {
    const name = toHex(key);
    const known = this.#budgets.get(name);
    if (known !== undefined) return known;
    const made = new TokenBucket(NEWS_PER_SEC_MAX, this.#clock.monotonicMs());
    this.#budgets.set(name, made);
    return made;
  }

  #put(records: readonly SignedAddresses[]): void {
    const addresses = newestAddresses(this.#cell.addresses, records);
    if (addresses.every((one, i) => one === this.#cell.addresses[i])) return;
    this.#cell = { ...this.#cell, addresses };
    this.#save();
  }

  #save(): void {
    const rows = this.#cell.addresses.map(addressesToJson);
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(rows, null, 2)}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }

  #isMember(key: PublicKey): boolean {
    return this.#members.some((member) => equalBytes(member, key));
  }

  #ofMembers(records: readonly SignedAddresses[]): readonly SignedAddresses[] {
    const own = this.#signer.publicKey;
    return records.filter(({ key }) => this.#isMember(key) || equalBytes(key, own));
  }

  /** The file is only a memory: what cannot be read, or is not signed, is left out. */
  #load(cell: Cell): readonly SignedAddresses[] {
    try {
      if (!existsSync(this.#path)) return [];
      const rows = JSON.parse(readFileSync(this.#path, 'utf8')) as unknown[];
      return rows.flatMap((row) => {
        const one = addressesFromJson(row);
        return one === undefined || !isSigned(cell.cellId, this.#scheme, one) ? [] : [one];
      });
    } catch {
      return [];
    }
  }
}

function isSame(known: SignedAddresses, at: Places): boolean {
  return known.peer === at.peer && known.client === at.client && known.http === at.http;
}
