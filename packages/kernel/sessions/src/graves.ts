// Sessions that have ended, and why none of them opens again (R3).
import { encode, publicKey, record, type Shape, toHex, u53 } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { TableTrie, type Trie } from '@fatty/trie';
import { Deadlines } from './deadlines.ts';
import type { SessionLimits } from './limits.ts';
import { digestOf } from './session-tries.ts';

/**
 * Graves dropped at one commit, at most. One that is dropped late does no harm: it refuses, by
 * another code, what is too old anyway.
 */
const GRAVES_PER_COMMIT = 16_384;

/** What is left of a session while its opening could still be replayed. */
export interface Grave {
  readonly key: string;
  /** Whose session it was. */
  readonly client: PublicKey;
  /** Member whose block carried the opening. */
  readonly author: PublicKey;
  /** The last commit at which the opening could be replayed. */
  readonly openableUntil: number;
}

/**
 * Stands in place of a client's older graves: openings that the client signed on a commit no newer
 * than theirs are stale.
 */
export type Floor = Omit<Grave, 'key'>;

/** A floor, and a grave besides its key, as tries have them. */
const rowShape: Shape<Floor> = record<Floor>({
  client: publicKey,
  author: publicKey,
  openableUntil: u53,
});

/**
 * Ended sessions, so that no replay opens one again (R3). A client keeps `gravesPerClientMax` of
 * them. Beyond that, its older half makes room for one floor, and the client's openings at or below
 * the floor are stale. So a key that opens and ends sessions takes little of its gateway's share.
 * It is never refused for having ended many, as long as it signs on a newer commit.
 */
export class Graves {
  readonly #limits: SessionLimits;
  readonly #graves = new Map<string, Grave>();
  readonly #byClient = new Map<string, Set<Grave>>();
  readonly #floors = new Map<string, Floor>();
  readonly #ends = new Deadlines();
  readonly #floorEnds = new Deadlines();
  readonly #perAuthor = new Map<string, number>();
  readonly #tries = { graves: trieOf(this.#graves), floors: trieOf(this.#floors) };

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  /** Session id to its grave. */
  get trie(): Trie {
    return this.#tries.graves.trie();
  }

  /** Client key to its floor. */
  get floorTrie(): Trie {
    return this.#tries.floors.trie();
  }

  has(key: string): boolean {
    return this.#graves.has(key);
  }

  all(): IterableIterator<Grave> {
    return this.#graves.values();
  }

  floors(): IterableIterator<Floor> {
    return this.#floors.values();
  }

  /** Graves and floors that count on the share of this gateway. */
  carriedBy(author: PublicKey): number {
    return this.#perAuthor.get(toHex(author)) ?? 0;
  }

  /** Openings of this client that could be replayed no later than this commit are stale. */
  floorOf(client: PublicKey): number {
    return this.#floors.get(toHex(client))?.openableUntil ?? 0;
  }

  add(grave: Grave): void {
    const owner = toHex(grave.client);
    const own = this.#byClient.get(owner) ?? new Set();
    this.#byClient.set(owner, own.add(grave));
    this.#graves.set(grave.key, grave);
    this.#tries.graves.touch(grave.key);
    this.#ends.set(grave.key, grave.openableUntil);
    this.#count(grave.author, 1);
    if (own.size > this.#limits.gravesPerClientMax) this.#thin(grave, [...own]);
  }

  setFloor(floor: Floor): void {
    const owner = toHex(floor.client);
    this.#dropFloor(owner);
    this.#floors.set(owner, floor);
    this.#tries.floors.touch(owner);
    this.#floorEnds.set(owner, floor.openableUntil);
    this.#count(floor.author, 1);
  }

  /** Drops what no replay could open any more after this commit. */
  endAt(commit: number): void {
    for (const key of this.#ends.take(commit, GRAVES_PER_COMMIT)) this.#drop(key);
    for (const owner of this.#floorEnds.take(commit, GRAVES_PER_COMMIT)) this.#dropFloor(owner);
  }

  /** The older half of a client's graves becomes a floor, on the account of the last one. */
  #thin({ client, author }: Grave, own: readonly Grave[]): void {
    const untils = own.map((one) => one.openableUntil).sort((a, b) => a - b);
    const openableUntil = untils[Math.floor(untils.length / 2)] ?? 0;
    for (const one of own) if (one.openableUntil <= openableUntil) this.#drop(one.key);
    const before = this.floorOf(client);
    this.setFloor({ client, author, openableUntil: Math.max(before, openableUntil) });
  }

  #drop(key: string): void {
    const grave = this.#graves.get(key);
    if (grave === undefined) return;
    const owner = toHex(grave.client);
    const own = this.#byClient.get(owner);
    own?.delete(grave);
    if (own?.size === 0) this.#byClient.delete(owner);
    this.#graves.delete(key);
    this.#tries.graves.touch(key);
    this.#ends.delete(key);
    this.#count(grave.author, -1);
  }

  #dropFloor(owner: string): void {
    const floor = this.#floors.get(owner);
    if (floor === undefined) return;
    this.#floors.delete(owner);
    this.#tries.floors.touch(owner);
    this.#floorEnds.delete(owner);
    this.#count(floor.author, -1);
  }

  #count(author: PublicKey, one: 1 | -1): void {
    const count = this.carriedBy(author) + one;
    if (count === 0) this.#perAuthor.delete(toHex(author));
    else this.#perAuthor.set(toHex(author), count);
  }
}

function trieOf(rows: ReadonlyMap<string, Floor>): TableTrie {
  return new TableTrie({
    keyOf: digestOf,
    read(key) {
      const row = rows.get(key);
      return row && encode(rowShape, row);
    },
  });
}
