// The tries of the sessions: what a state root covers of them.
import { asDigest, encode, fromHex, InvariantError, type Shape } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { TableTrie, type Trie } from '@fatty/trie';
import { ReceiptGroups } from './receipt-groups.ts';
import type { SessionRecord } from './sessions.ts';

/**
 * Two tries by session id: what a session is, and what it keeps of receipts. `row` says what the algorithm
 * has of a session, without its receipts. Whoever changes a session touches it.
 */
export class SessionTries<S extends SessionRecord> {
  readonly #find: (key: string) => S | undefined;
  readonly #rows: TableTrie;
  readonly #receipts: TableTrie;
  /** Of sessions whose receipts somebody has asked about. */
  readonly #groups = new Map<string, ReceiptGroups>();

  constructor(find: (key: string) => S | undefined, row: Shape<S>) {
    this.#find = find;
    const keyOf = (key: string): Uint8Array => find(key)?.id ?? digestOf(key);
    this.#rows = new TableTrie({
      keyOf,
      read(key) {
        const session = find(key);
        return session && encode(row, session);
      },
    });
    this.#receipts = new TableTrie({
      keyOf,
      read: (key) => this.keptOf(key),
    });
  }

  /** The receipts that a session keeps, as {@link receipts} has them, to be read at once; undefined: none. */
  keptOf(key: string): Uint8Array | undefined {
    const kept = this.#find(key)?.receipts ?? [];
    if (kept.length === 0) {
      this.#groups.delete(key);
      return undefined;
    }
    const groups = this.#groups.get(key) ?? new ReceiptGroups();
    this.#groups.set(key, groups);
    return groups.value(kept);
  }

  touch(key: string): void {
    this.#rows.touch(key);
  }

  /** A session has come or gone, with all of its receipts. */
  touchReceipts(key: string): void {
    this.#groups.delete(key);
    this.#receipts.touch(key);
  }

  /** The receipt of this seq has come, or lost its results. */
  touchReceipt(key: string, seq: number): void {
    this.#groups.get(key)?.touch(seq);
    this.#receipts.touch(key);
  }

  /** Session id to its row. */
  get rows(): Trie {
    return this.#rows.trie();
  }

  /** Session id to the digests of the groups of receipts that it keeps, joined. */
  get receipts(): Trie {
    return this.#receipts.trie();
  }
}

/**
 * The id that a map key is made of.
 * @throws InvariantError on a map key that is no id: a fault of this package.
 */
export function digestOf(key: string): Digest {
  const id = fromHex(key);
  if (id === undefined) throw new InvariantError('map keys of ids are hex');
  return asDigest(id);
}
