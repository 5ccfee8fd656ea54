// The state root: one digest for all that is committed.
import { encode, hash } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { type Head, type StateRecord, stateRecordShape } from '@fatty/verify';
import type { State } from './state.ts';

/**
 * H(`state` ‖ record): see the package's README. Costs what was touched since it was asked for last, by the
 * logarithm of what there is.
 */
export function rootOf(state: State): Digest {
  return hash('state', stateRecordOf(state));
}

/** The record that the root is the hash of, which every proof begins with; `head`: another time than now. */
export function stateRecordOf(
  { head: own, names, sessions, locks, accounts, keys }: State,
  head: Head = own,
): Uint8Array {
  const { tries, graves } = sessions;
  const record: StateRecord = {
    head,
    names: names.root(),
    sessions: tries.rows.root(),
    receipts: tries.receipts.root(),
    graves: graves.trie.root(),
    floors: graves.floorTrie.root(),
    locks: locks.tries.trie().root(),
    machines: names.machines().root(),
    quotas: accounts.trie().root(),
    jobs: names.jobs().root(),
    keys: keys.trie().root(),
  };
  return encode(stateRecordShape, record);
}
