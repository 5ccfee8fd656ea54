// The keys of a client, in words.
import type { Answer, Op, Query, Result } from '@fatty/api';
import type { Signer } from '@fatty/codec';
import type { CellId, PublicKey } from '@fatty/interface';
import type { CallOptions, Driver } from './driver.ts';
import type { KeyCalls } from './key-calls.ts';
import type { ReadOptions } from './options.ts';

/** What became of a key, as f + 1 replicas answer it. */
export type KeyState = Omit<Extract<Answer, { kind: 'key' }>, 'kind'>;

/** What keys need of their client. */
export interface KeysClient {
  readonly cellId: CellId;
  readonly driver: Driver;
  submit(ops: readonly Op[], options: CallOptions): Promise<readonly Result[]>;
  readonly defaults: CallOptions;
  readonly reads: {
    read<K extends Answer['kind']>(
      query: Query,
      kind: K,
      options: ReadOptions,
    ): Promise<{ readonly value: Extract<Answer, { kind: K }> }>;
  };
}

/**
 * The keys that act, or have acted, for this client. Its *identity*, the first of them, keeps its name for ever: lists,
 * owners, machines and jobs name that.
 */
export class Keys {
  readonly #calls: () => Promise<KeyCalls>;

  constructor(client: KeysClient) {
    this.#calls = async () => new (await import('./key-calls.ts')).KeyCalls(client);
  }

  /**
   * Lets a fresh key act for this client, and this one never again: sessions, locks, machines and jobs go on. The links
   * are dialled anew under it; calls that are made meanwhile wait. Answers the identity. Keep `next` before you
   * call: when the outcome is `unknown`, {@link stat} of either key says which one acts.
   * @throws FattyError `key_in_use`, `too_many_keys`, `cell_full`…
   */
  async rotate(next: Signer, options?: CallOptions): Promise<PublicKey> {
    return (await this.#calls()).rotate(next, options);
  }

  /**
   * Lets nobody act any more for whoever this key is one of: for this client, or, as an administrator, for any other.
   * @throws FattyError `access_denied`, `key_revoked`, `still_administrator`
   */
  async revoke(key: PublicKey, options?: CallOptions): Promise<void> {
    await (await this.#calls()).revoke(key, options);
  }

  /** Whose a key is, which one acts now, and whether any does. Default: that of this client. */
  async stat(key?: PublicKey, options?: ReadOptions): Promise<KeyState> {
    return (await this.#calls()).stat(key, options);
  }
}
