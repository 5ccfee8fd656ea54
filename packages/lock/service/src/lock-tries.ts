// The tries of the locks: what the state root covers of them.
import { encode, utf8 } from '@fatty/codec';
import { TableTrie, Trie } from '@fatty/trie';
import { claimRecordShape, lockRecordShape } from '@fatty/verify';
import type { Lock } from './lock-state.ts';
import type { Claim, Session } from './sessions.ts';

/** So many claims are put off at most: of sessions that have ended nothing else would be left. */
const TOUCHED_MAX = 4096;

/**
 * A trie of locks by path, and for each a trie of its claims. Both are told what was touched, and read it
 * when the root is asked for: a queue of thousands costs what joins and leaves it.
 */
export class LockTries {
  readonly #find: (path: string) => Lock | undefined;
  readonly #locks: TableTrie;
  readonly #claims = new Map<string, Trie>();
  /** Sessions whose claim at a path has come, changed or gone. */
  readonly #touched = new Map<string, Set<Session>>();
  #count = 0;

  constructor(find: (path: string) => Lock | undefined) {
    this.#find = find;
    this.#locks = new TableTrie({ keyOf: utf8, read: (path) => this.#read(path) });
  }

  /** Something of the lock has changed besides its claims. */
  touch(path: string): void {
    this.#locks.touch(path);
  }

  touchClaim({ path, session }: Claim): void {
    this.#locks.touch(path);
    const touched = this.#touched.get(path) ?? new Set();
    this.#touched.set(path, touched.add(session));
    this.#count += 1;
    if (this.#count >= TOUCHED_MAX) this.trie();
  }

  /** Path to lock. */
  trie(): Trie {
    const trie = this.#locks.trie();
    this.#count = 0;
    return trie;
  }

  /** Session id to claim, of a path. */
  claimsOf(path: string): Trie {
    this.trie();
    return this.#claims.get(path) ?? Trie.empty;
  }

  /** The lock of a path as the root covers it; undefined: it has none. */
  recordOf(path: string): Uint8Array | undefined {
    return this.#recordOf(path, this.claimsOf(path));
  }

  #read(path: string): Uint8Array | undefined {
    const claims = this.#readClaims(path);
    if (claims.size === 0) this.#claims.delete(path);
    else this.#claims.set(path, claims);
    return this.#recordOf(path, claims);
  }

  #recordOf(path: string, claims: Trie): Uint8Array | undefined {
    const lock = this.#find(path);
    if (lock === undefined) return undefined;
    const { allFrom, exclusiveFrom } = lock;
    const record = { allFrom, exclusiveFrom, claims: claims.root(), count: claims.size };
    return encode(lockRecordShape, record);
  }

  #readClaims(path: string): Trie {
    let claims = this.#claims.get(path) ?? Trie.empty;
    for (const { id, claims: own } of this.#touched.get(path) ?? []) {
      const claim = own.get(path);
      claims =
        claim === undefined ? claims.delete(id) : claims.set(id, encode(claimRecordShape, claim));
    }
    this.#touched.delete(path);
    return claims;
  }
}
