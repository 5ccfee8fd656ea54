// The state root: one digest for all that is committed.
import { digest, encode, hash, record, type Shape } from '@fatty/codec';
import type { Digest } from '@fatty/interface';
import { type Head, headShape, type State } from './state.ts';

/** What the root covers: every piece of the state by the root of its trie. */
interface StateRecord {
  readonly head: Head;
  /** Of the namespace: `Tree.root`. */
  readonly names: Digest;
  readonly sessions: Digest;
  readonly receipts: Digest;
  readonly graves: Digest;
  readonly floors: Digest;
  readonly locks: Digest;
  readonly machines: Digest;
  readonly quotas: Digest;
}

const stateShape: Shape<StateRecord> = record<StateRecord>({
  head: headShape,
  names: digest,
  sessions: digest,
  receipts: digest,
  graves: digest,
  floors: digest,
  locks: digest,
  machines: digest,
  quotas: digest,
});

/**
 * H(`state` ‖ record): see the package's README. Costs what was touched since it was asked for last, by the
 * logarithm of what there is.
 */
export function rootOf({ head, names, sessions, locks, accounts }: State): Digest {
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
  };
  return hash('state', encode(stateShape, record));
}
