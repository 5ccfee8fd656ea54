// The tries of the sessions: what a state root covers of them.
import {
  asDigest,
  encode,
  fromHex,
  InvariantError,
  packedHash,
  type Shape,
  unpackInto,
} from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { TableTrie, type Trie } from '@fatty/trie';
import { type KeptReceipt, storedReceiptShape } from './receipts.ts';
import type { SessionRecord } from './sessions.ts';

const DIGEST_BYTES = 32;

/**
 * Two tries by session id: what a session is, and what it keeps of receipts. `row` says what the algorithm
 * has of a session, without its receipts. Whoever changes a session touches it.
 */
export class SessionTries<S extends SessionRecord> {
  readonly #find: (key: string) => S | undefined;
  readonly #rows: TableTrie;
  readonly #receipts: TableTrie;

  constructor(find: (key: string) => S | undefined, row: Shape<S>) {
    this.#find = find;
    this.#rows = new TableTrie({
      keyOf: digestOf,
      read(key) {
        const session = find(key);
        return session && encode(row, session);
      },
    });
    this.#receipts = new TableTrie({
      keyOf: digestOf,
      read: (key) => this.receiptDigestsOf(key),
    });
  }

  /** Digests of the receipts that a session keeps, as {@link receipts} has them; undefined: none. */
  receiptDigestsOf(key: string): Uint8Array | undefined {
    const kept = this.#find(key)?.receipts ?? [];
    return kept.length === 0 ? undefined : digestsOf(kept);
  }

  touch(key: string): void {
    this.#rows.touch(key);
  }

  touchReceipts(key: string): void {
    this.#receipts.touch(key);
  }

  /** Session id to its row. */
  get rows(): Trie {
    return this.#rows.trie();
  }

  /** Session id to the digests of the receipts that it keeps, one behind the other, the oldest first. */
  get receipts(): Trie {
    return this.#receipts.trie();
  }
}

/** H(`stored-receipt` ‖ receipt) of each, joined. */
function digestsOf(kept: readonly KeptReceipt[]): Uint8Array {
  const bytes = new Uint8Array(DIGEST_BYTES * kept.length);
  let at = 0;
  for (const receipt of kept) {
    receipt.packed ??= packedHash('stored-receipt', encode(storedReceiptShape, receipt));
    unpackInto(bytes, at, receipt.packed);
    at += DIGEST_BYTES;
  }
  return bytes;
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
