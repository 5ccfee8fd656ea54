// The trie of a table that somebody else keeps.
import type { PackedDigest } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { placeOf } from './node.ts';
import { Trie } from './trie.ts';

/** What a trie needs to know of its table. */
export interface Table {
  /** The key of a row that there is, or was. In memory of its own: it is kept. */
  keyOf(name: string): Uint8Array;
  /** The bytes of a row as it stands; undefined: it does not. */
  read(name: string): Uint8Array | undefined;
}

/** So many rows are put off at most: of those that have gone nothing else would be left. */
const TOUCHED_MAX = 4096;
/** Places that are remembered, or all are forgotten: rows that change once mostly change again. */
const PLACES_MAX = 4096;

/**
 * The trie of a table whose rows have names. It is told which rows were touched, and reads each of them
 * once, when somebody asks for the root: so it costs what was touched, however large the table.
 */
export class TableTrie {
  readonly #table: Table;
  readonly #touched = new Set<string>();
  readonly #places = new Map<string, PackedDigest>();
  #trie: Trie = Trie.empty;
  #root: Digest | undefined;

  constructor(table: Table) {
    this.#table = table;
  }

  /** This row has changed, come or gone. */
  touch(name: string): void {
    this.#touched.add(name);
    if (this.#touched.size >= TOUCHED_MAX) this.#read();
  }

  /** Of the table as it stands. */
  trie(): Trie {
    this.#read();
    return this.#trie;
  }

  root(): Digest {
    this.#read();
    this.#root ??= this.#trie.root();
    return this.#root;
  }

  #read(): void {
    if (this.#touched.size === 0) return;
    this.#root = undefined;
    for (const name of this.#touched) {
      const [key, value] = [this.#table.keyOf(name), this.#table.read(name)];
      const place = this.#placeOf(name, key);
      this.#trie =
        value === undefined ? this.#trie.delete(key, place) : this.#trie.set(key, value, place);
    }
    this.#touched.clear();
  }

  #placeOf(name: string, key: Uint8Array): PackedDigest {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    if (this.#places.size >= PLACES_MAX) this.#places.clear();
    const place = placeOf(key);
    this.#places.set(name, place);
    return place;
  }
}
