// Test helper: ids, stamps and trees.
import { asPublicKey, asSessionId, u32, utf8 } from '@fatty/codec';
import type { PublicKey, SessionId, Source } from '@fatty/interface';
import { type NodeInit, type OpId, type Path, type Stamp, Tree } from '../src/index.ts';

export const session = (n: number): SessionId => asSessionId(new Uint8Array(32).fill(n));
export const key = (n: number): PublicKey => asPublicKey(new Uint8Array(32).fill(n));
export const id = (who: number, seq: number, index = 0): OpId => ({
  session: session(who),
  seq,
  index,
});
export const source = (who: number, seq: number, index = 0): Source => ({
  client: key(who),
  ...id(who, seq, index),
  author: key(0),
  basis: { epoch: 0, commit: 0 },
});
export const path = (text: string): Path => text.split('/').slice(1).map(utf8);
export const at = (commit: number, index = 0): Stamp => ({
  position: { commit, index },
  timeMs: 1000 * commit,
});

/** Trees of these tests keep a number in each node's slot. */
export const newTree = (): Tree<number> => new Tree(u32, 0);
export const file = (who = 1, slot = 0): NodeInit<number> => ({
  kind: 'file',
  mode: 'shared',
  owner: key(who),
  ephemeral: false,
  slot,
});
export const directory = (who = 1): NodeInit<number> => ({ ...file(who), kind: 'directory' });
export const ephemeral = (who: number): NodeInit<number> => ({ ...file(who), ephemeral: true });
