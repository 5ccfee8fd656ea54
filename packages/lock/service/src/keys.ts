// Keys of clients: whose they are, and which of them act.
import { type ErrorResult, errorResult } from '@fatty/api';
import { asPublicKey, encode, fromHex, InvariantError, toHex } from '@fatty/codec';
import type { Failure, Position, PublicKey } from '@fatty/interface';
import { TableTrie, type Trie } from '@fatty/trie';
import { type KeyRecord, keyRecordShape } from '@fatty/verify';
import type { Quotas } from './quotas.ts';

/** The name of whoever acts for nobody: no list holds it. */
const NOBODY = 'a key that was rotated or revoked';

/**
 * Which keys act for whom. An *identity* is called by its first key for ever, whatever key acts for it: that is
 * what lists, owners, quotas, machines and jobs name. A key that another one has followed, or that was revoked, is
 * remembered for ever, for it must never act again, nor become somebody else's.
 */
export class Keys {
  readonly #limits: Quotas;
  /** By hex, as everything here. Keys of clients that never changed theirs have no record. */
  readonly #records = new Map<string, KeyRecord>();
  /** Identity to the key that acts for it, or was the last to. */
  readonly #current = new Map<string, PublicKey>();
  readonly #keysOf = new Map<string, number>();
  readonly #trie = new TableTrie({
    keyOf: keyOf,
    read: (key) => {
      const found = this.#records.get(key);
      return found && encode(keyRecordShape, found);
    },
  });

  constructor(limits: Quotas) {
    this.#limits = limits;
  }

  /** Key to its record. */
  trie(): Trie {
    return this.#trie.trie();
  }

  /** Ascending by key. */
  all(): readonly (KeyRecord & { readonly key: PublicKey })[] {
    return [...this.#records]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, found]) => ({ key: keyOf(key), ...found }));
  }

  recordOf(key: PublicKey): KeyRecord | undefined {
    return this.#records.size === 0 ? undefined : this.#records.get(toHex(key));
  }

  /** Whose key it is, whatever became of it. */
  identityOf(key: PublicKey): PublicKey {
    return this.recordOf(key)?.identity ?? key;
  }

  /** For whom this key acts, in hex as lists name him; for nobody once it was rotated or revoked. */
  nameOf(key: PublicKey): string {
    const found = this.recordOf(key);
    if (found === undefined) return toHex(key);
    return found.standing === 'current' ? toHex(found.identity) : NOBODY;
  }

  /** The key that acts for an identity, or was the last to. */
  currentOf(identity: PublicKey): PublicKey {
    return this.#current.size === 0 ? identity : (this.#current.get(toHex(identity)) ?? identity);
  }

  /** Whether nobody acts any more for an identity, by its name. */
  isRevoked(name: string): boolean {
    const current = this.#current.get(name);
    return current !== undefined && this.recordOf(current)?.standing === 'revoked';
  }

  /** Why this key can do nothing. Codes `key_rotated`, `key_revoked`. */
  refuse(key: PublicKey): Failure | undefined {
    const found = this.recordOf(key);
    if (found === undefined || found.standing === 'current') return undefined;
    const code = found.standing === 'former' ? 'key_rotated' : 'key_revoked';
    return { code, expected: 'a key that acts', actual: `not since ${found.since.commit}` };
  }

  /**
   * Why no further key is remembered for this identity. `isTrusted`: an administrator asks, whom strangers with their
   * free keys must not keep from it. Codes `too_many_keys`, `cell_full`.
   */
  refuseMore(name: string, isTrusted: boolean): ErrorResult | undefined {
    const { keysPerClientMax, keysMax } = this.#limits;
    const own = this.#keysOf.get(name) ?? 0;
    if (own >= keysPerClientMax) {
      return errorResult('too_many_keys', `at most ${keysPerClientMax}`, String(own));
    }
    const all = this.#records.size;
    if (isTrusted || all < keysMax) return undefined;
    return errorResult('cell_full', `at most ${keysMax} keys`, String(all));
  }

  /** `newKey` acts for the identity that `oldKey` acted for. */
  rotate(oldKey: PublicKey, newKey: PublicKey, since: Position): void {
    const identity = this.identityOf(oldKey);
    this.#set(oldKey, { identity, standing: 'former', since });
    this.#set(newKey, { identity, standing: 'current', since });
  }

  revoke(identity: PublicKey, since: Position): void {
    this.#set(this.currentOf(identity), { identity, standing: 'revoked', since });
  }

  /** Puts the record of a snapshot back. */
  add({ key, ...found }: KeyRecord & { readonly key: PublicKey }): void {
    this.#set(key, found);
  }

  #set(key: PublicKey, found: KeyRecord): void {
    const [hex, name] = [toHex(key), toHex(found.identity)];
    if (!this.#records.has(hex)) this.#keysOf.set(name, (this.#keysOf.get(name) ?? 0) + 1);
    this.#records.set(hex, found);
    if (found.standing !== 'former') this.#current.set(name, key);
    this.#trie.touch(hex);
  }
}

function keyOf(hex: string): PublicKey {
  const key = fromHex(hex);
  if (key === undefined) throw new InvariantError('keys are named by their hex');
  return asPublicKey(key);
}
